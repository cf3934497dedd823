#include "cache/store.h"

#include "cache/base/clock.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "cache/folder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/*
 * Under DIR: blobs/sha256/ab/abcd... the blobs; tmp/ the transactions, each file locked by its
 * process; locks, one file whose byte ranges stand for digests; quarantine/ what was not what its
 * digest says. spool/ and failed/ are the staging's.
 *
 * Nothing is synced to the disk. After a crash of the machine a file may be there whose bytes are
 * not; filesystems then show it shorter, and as every reader knows the size (from the manifest) a
 * file of another size counts as absent.
 */

enum { LOCK_POLL_MS = 20, LOCK_LIMIT_MS = 120000 };

struct store {
	int fd;
	char *path;
};

void store_blob_path(const struct digest *digest, char path[STORE_BLOB_PATH_SIZE])
{
	char text[DIGEST_TEXT_SIZE];
	const char *hex;

	digest_print(digest, text);
	hex = strchr(text, ':') + 1;
	snprintf(path, STORE_BLOB_PATH_SIZE, "blobs/sha256/%.2s/%s", hex, hex);
}

/* A transaction whose lock is free belongs to a process that is no more. */
static void remove_leftover(void *of, int folder, const char *name)
{
	scoped(closep) int held = folder_hold_file(folder, name, 0);

	(void)of;
	if (held >= 0)
		unlinkat(folder, name, 0);
}

static int check_owner(const char *directory, int fd, struct error *err)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return fail_errno(err, "cannot look at the cache directory %s", directory);
	if (status.st_uid != geteuid())
		return fail(err, EACCES,
			"the cache directory %s belongs to another user (uid %u); choose one of "
			"your own with -o cache_dir=DIR",
			directory, status.st_uid);
	if (status.st_mode & 077)
		return fail(err, EACCES,
			"the cache directory %s is open to other users (mode %04o); close it with "
			"`chmod 700 %s`",
			directory, status.st_mode & 07777, directory);
	return 0;
}

struct store *store_open(const char *directory, struct error *err)
{
	scoped(store_closep) struct store *store = must_alloc(sizeof(*store));
	int r = folder_make(AT_FDCWD, directory);

	store->fd = r < 0 ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->fd < 0) {
		errno = r < 0 ? -r : errno;
		fail_errno(err,
			"cannot make or open the cache directory %s (choose another with -o "
			"cache_dir=DIR)",
			directory);
		return NULL;
	}
	if (check_owner(directory, store->fd, err) < 0)
		return NULL;
	store->path = realpath(directory, NULL);
	if (!store->path)
		store->path = must_copy(directory);
	r = folder_make(store->fd, "tmp");
	if (r == 0)
		r = folder_visit(store->fd, "tmp", remove_leftover, NULL);
	if (r < 0) {
		errno = -r;
		fail_errno(err, "cannot write in the cache directory %s", directory);
		return NULL;
	}
	return take(store);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	closep(&store->fd);
	free(store->path);
	free(store);
}

void store_closep(struct store **store)
{
	int saved = errno;

	store_close(*store);
	errno = saved;
}

int store_directory_fd(const struct store *store)
{
	return store->fd;
}

const char *store_path(const struct store *store)
{
	return store->path;
}

int store_open_blob(struct store *store, const struct digest *digest, uint64_t size)
{
	char path[STORE_BLOB_PATH_SIZE];
	struct stat status;

	store_blob_path(digest, path);
	scoped(closep) int fd = openat(store->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size != size)
		return -ENOENT;
	return take_fd(&fd);
}

/* The lock file, locked for this digest (a byte of it, far beyond its end); -EAGAIN where another
 * has it. */
static int try_lock(const struct store *store, const struct digest *digest)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
	scoped(closep) int fd =
		openat(store->fd, "locks", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat ours, there;
	uint64_t place;

	memcpy(&place, digest->bytes, sizeof(place));
	lock.l_start = (off_t)(place >> 2);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return errno == EACCES ? -EAGAIN : -errno;
	/* Somebody may have emptied the cache, and a third one locked the new file. */
	if (fstat(fd, &ours) < 0 || fstatat(store->fd, "locks", &there, 0) < 0 ||
		ours.st_ino != there.st_ino)
		return -EAGAIN;
	return take_fd(&fd);
}

int store_lock_blob(struct store *store, const struct digest *digest, const struct wait *wait,
	struct error *err)
{
	int64_t end_ms = clock_now_ms() + LOCK_LIMIT_MS;
	char text[DIGEST_TEXT_SIZE];
	int fd;

	while ((fd = try_lock(store, digest)) == -EAGAIN) {
		if (clock_now_ms() >= end_ms)
			fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (wait_sleep(wait, LOCK_POLL_MS) < 0) {
			digest_print(digest, text);
			return fail(err, EINTR, "cancelled while another process was fetching %s",
				text);
		}
	}
	if (fd >= 0)
		return fd;
	errno = -fd;
	return fail_errno(err, "cannot lock in the cache directory %s", store->path);
}
