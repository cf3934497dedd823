#include "cache/staging.h"

#include "cache/base/log.h"
#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "cache/folder.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/*
 * A file lies at spool/PID-RANDOM/ID-NAME, so that a later process can tell what it was called. The
 * folder is locked by the file .lock in it.
 */

static const char lock_name[] = ".lock";

enum { ATTEMPTS = 16, NAME_MAX_LEN = 200, PATH_SIZE = 320, KEEP_ATTEMPTS = 1000 };

struct staging {
	struct store *store;
	char folder[6 + 12 + 1 + FOLDER_UNIQUE_SIZE]; /* spool/PID-RANDOM */
	int held;                                     /* the lock */
	uint64_t limit;
	pthread_mutex_t lock; /* guards all below */
	uint64_t used;
	uint64_t last_id;
	struct map files; /* "ID" -> its path, owned */
};

/* A name that any filesystem takes, cut between two UTF-8 characters. */
static void clean_name(char clean[NAME_MAX_LEN + 1], const char *name)
{
	size_t len;

	if (!*name)
		name = "unnamed";
	len = strlen(name);
	if (len > NAME_MAX_LEN) {
		len = NAME_MAX_LEN;
		while (len && (name[len] & 0xc0) == 0x80)
			len--;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		clean[i] = (char)(c < 0x20 || c == 0x7f || c == '/' ? '_' : c);
	}
	clean[len] = '\0';
}

/* Reserves a name in failed/ that nobody has: an empty file, to be renamed over. */
static int reserve(int at, const char *name, time_t when, char path[PATH_SIZE])
{
	char clean[NAME_MAX_LEN + 1], time_text[32], again[16] = "";
	struct tm tm;

	clean_name(clean, name);
	gmtime_r(&when, &tm);
	strftime(time_text, sizeof(time_text), "%Y%m%dT%H%M%SZ", &tm);
	for (int i = 2; i < KEEP_ATTEMPTS; i++) {
		snprintf(path, PATH_SIZE, "failed/%s%s-%s", time_text, again, clean);
		scoped(closep) int fd =
			openat(at, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
		snprintf(again, sizeof(again), ".%d", i);
	}
	return -EEXIST;
}

/* Moves folder/file to failed/ and puts where it is now into `path`. */
static int move_to_failed(struct store *store, int folder, const char *file, const char *name,
	time_t when, char path[PATH_SIZE])
{
	int at = store_directory_fd(store), r = folder_make(at, "failed");

	if (r == 0)
		r = reserve(at, name, when, path);
	if (r < 0)
		return r;
	if (renameat(folder, file, at, path) == 0)
		return 0;
	r = -errno;
	unlinkat(at, path, 0);
	return r;
}

static void keep_leftover(void *of, int folder, const char *file)
{
	struct store *store = of;
	const char *dash = strchr(file, '-');
	char path[PATH_SIZE];
	struct stat status;
	int r;

	if (strcmp(file, lock_name) == 0 || fstatat(folder, file, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (status.st_size == 0) {
		unlinkat(folder, file, 0);
		return;
	}
	r = move_to_failed(store, folder, file, dash ? dash + 1 : file, status.st_mtime, path);
	if (r < 0) {
		errno = -r;
		log_err("an unpublished file of a process that ended stays in %s/spool: %m",
			store_path(store));
	} else {
		log_warn("an unpublished file of a process that ended was kept: %s/%s",
			store_path(store), path);
	}
}

/* The folder of a dead process, known by its lock: it is emptied and removed. */
static void keep_leftovers(void *of, int spool, const char *name)
{
	char lock_path[PATH_SIZE];

	snprintf(lock_path, sizeof(lock_path), "%s/%s", name, lock_name);
	scoped(closep) int held = folder_hold_file(spool, lock_path, O_CREAT);
	if (held < 0)
		return;
	folder_visit(spool, name, keep_leftover, of);
	unlinkat(spool, lock_path, 0);
	unlinkat(spool, name, AT_REMOVEDIR);
}

/* Makes this process's folder. Another process that starts now may take it for a dead one's before
 * it is locked: then it is left to that and another made. */
static int make_folder(struct staging *staging)
{
	int at = store_directory_fd(staging->store), r = -EEXIST;
	char unique[FOLDER_UNIQUE_SIZE], lock_path[PATH_SIZE];

	for (int i = 0; i < ATTEMPTS && folder_may_retry(r); i++) {
		folder_unique(unique);
		snprintf(staging->folder, sizeof(staging->folder), "spool/%d-%s", (int)getpid(),
			unique);
		snprintf(lock_path, sizeof(lock_path), "%s/%s", staging->folder, lock_name);
		r = folder_make(at, staging->folder);
		if (r == 0)
			r = folder_hold_file(at, lock_path, O_CREAT);
	}
	return r;
}

struct staging *staging_open(struct store *store, uint64_t limit_bytes, struct error *err)
{
	int at = store_directory_fd(store), r = folder_make(at, "spool");
	struct staging *staging;

	if (r == 0)
		r = folder_visit(at, "spool", keep_leftovers, store);
	staging = must_alloc(sizeof(*staging));
	staging->store = store;
	staging->limit = limit_bytes;
	staging->held = r < 0 ? r : make_folder(staging);
	if (staging->held < 0) {
		errno = -staging->held;
		fail_errno(
			err, "cannot make a folder for new files in %s/spool", store_path(store));
		free(staging);
		return NULL;
	}
	pthread_mutex_init(&staging->lock, NULL);
	return staging;
}

void staging_close(struct staging *staging)
{
	char lock_path[PATH_SIZE];
	int at;

	if (!staging)
		return;
	at = store_directory_fd(staging->store);
	map_for_each (entry, &staging->files)
		unlinkat(at, entry->value, 0);
	map_clear(&staging->files, free);
	snprintf(lock_path, sizeof(lock_path), "%s/%s", staging->folder, lock_name);
	unlinkat(at, lock_path, 0);
	unlinkat(at, staging->folder, AT_REMOVEDIR);
	closep(&staging->held);
	pthread_mutex_destroy(&staging->lock);
	free(staging);
}

static const char *print_id(char key[24], uint64_t id)
{
	snprintf(key, 24, "%" PRIu64, id);
	return key;
}

int staging_create(struct staging *staging, const char *name, uint64_t *id, struct error *err)
{
	int at = store_directory_fd(staging->store);
	char clean[NAME_MAX_LEN + 1], key[24];

	clean_name(clean, name);
	pthread_mutex_lock(&staging->lock);
	*id = ++staging->last_id;
	pthread_mutex_unlock(&staging->lock);
	scoped(freep) char *path =
		must_print("%s/%s-%s", staging->folder, print_id(key, *id), clean);
	scoped(closep) int fd =
		openat(at, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		store_fail_disk(err, staging->store, errno);
		return fail_within(err, "cannot make a file for %s", clean);
	}
	pthread_mutex_lock(&staging->lock);
	map_put(&staging->files, key, take(path));
	pthread_mutex_unlock(&staging->lock);
	return take_fd(&fd);
}

int staging_resize(struct staging *staging, uint64_t old_size, uint64_t size)
{
	int r = 0;

	pthread_mutex_lock(&staging->lock);
	if (size > old_size && size - old_size > staging->limit - staging->used)
		r = -ENOSPC;
	else if (size > old_size)
		staging->used += size - old_size;
	else
		staging->used -= old_size - size;
	pthread_mutex_unlock(&staging->lock);
	return r;
}

/* Takes the file out of the table: its path, which the caller frees, or NULL. */
static char *forget_file(struct staging *staging, uint64_t id, uint64_t size)
{
	char key[24], *path;

	pthread_mutex_lock(&staging->lock);
	path = map_remove(&staging->files, print_id(key, id));
	if (path)
		staging->used -= size;
	pthread_mutex_unlock(&staging->lock);
	return path;
}

void staging_discard(struct staging *staging, uint64_t id, uint64_t size)
{
	scoped(freep) char *path = forget_file(staging, id, size);

	if (path)
		unlinkat(store_directory_fd(staging->store), path, 0);
}

int staging_keep(struct staging *staging, uint64_t id, const char *name, uint64_t size, char *path,
	size_t path_size, struct error *err)
{
	scoped(freep) char *from = forget_file(staging, id, size);
	char to[PATH_SIZE];
	int r;

	if (!from)
		return fail(err, EBADF, "there is no staged file for %s", name);
	r = move_to_failed(
		staging->store, store_directory_fd(staging->store), from, name, time(NULL), to);
	if (r < 0) {
		errno = -r;
		return fail_errno(err, "cannot move %s to %s/failed, it stays in %s/%s", name,
			store_path(staging->store), store_path(staging->store), from);
	}
	snprintf(path, path_size, "%s/%s", store_path(staging->store), to);
	return 0;
}
