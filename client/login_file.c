#include "client/login_file.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/credentials.h"
#include "client/helper.h"
#include "client/logins.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* The file itself: what a symbolic link at its place leads to, be it that nothing is there yet.
 * There is no endless chain of those: that is no ENOENT. */
static char *real_path(const char *path)
{
	char *real = realpath(path, NULL), target[PATH_MAX];
	scoped(freep) char *next = NULL;
	ssize_t len = -1;

	if (real)
		return real;
	if (errno == ENOENT)
		len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return must_copy(path);
	target[len] = '\0';
	if (*target != '/')
		next = must_print("%.*s/%s", (int)(strrchr(path, '/') - path), path, target);
	return real_path(next ? next : target);
}

static int make_folders(char *path, struct error *err)
{
	for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		int r;

		*slash = '\0';
		r = mkdir(path, 0700);
		if (r < 0 && errno != EEXIST)
			return fail_errno(err, "cannot make %s", path);
		*slash = '/';
	}
	return 0;
}

static int write_whole(int fd, const struct buf *text)
{
	for (size_t done = 0; done < text->len;) {
		ssize_t n = write(fd, text->at + done, text->len - done);

		if (n < 0 && errno != EINTR)
			return -1;
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd);
}

/* Beside the file, then renamed over it; the folder is synced, that a crash loses neither. */
static int replace(const char *path, const struct buf *text, struct error *err)
{
	scoped(freep) char *temporary = must_print("%s.XXXXXX", path);
	scoped(freep) char *folder = must_copy_n(path, (size_t)(strrchr(path, '/') - path));
	scoped(closep) int fd = mkostemp(temporary, O_CLOEXEC);
	scoped(closep) int folder_fd = -1;

	if (fd < 0)
		return fail_errno(err, "cannot write beside %s", path);
	/* mkostemp() makes it 0600. */
	if (write_whole(fd, text) < 0 || rename(temporary, path) < 0) {
		int r = fail_errno(err, "cannot write %s", path);

		unlink(temporary);
		return r;
	}
	folder_fd = open(*folder ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder_fd >= 0)
		(void)fsync(folder_fd);
	return 0;
}

/* One at a time: the folder is locked, since the file itself is replaced. */
static int read_locked(const char *path, struct buf *text, int *lock, struct error *err)
{
	scoped(freep) char *folder = must_copy_n(path, (size_t)(strrchr(path, '/') + 1 - path));
	int r;

	*lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*lock < 0)
		return fail_errno(err, "cannot open %s", folder);
	while (flock(*lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return fail_errno(err, "cannot lock %s", folder);
	r = logins_read(path, text, err);
	return r == -ENOENT ? 0 : r;
}

/* The helper that the file names for a host, or nothing. */
static int find_helper(const struct buf *text, const char *host, char **helper, struct error *err)
{
	scoped(credentials_freep) struct credentials *file = NULL;
	struct credentials_hit hit;

	if (!text->len)
		return 0;
	file = credentials_parse(text->at, text->len, CREDENTIALS_DOCKER, err);
	if (!file)
		return fail(err, err->code, "%s; mend or remove it", err->text);
	if (credentials_find(file, host, "", &hit) && hit.helper)
		*helper = must_copy(hit.helper);
	return 0;
}

int login_file_put(
	const char *path, const char *host, const struct account *account, struct error *err)
{
	scoped(buf_wipep) struct buf text = BUF_INIT(CREDENTIALS_SIZE_MAX);
	scoped(buf_wipep) struct buf changed = BUF_INIT(CREDENTIALS_SIZE_MAX);
	scoped(freep) char *real = real_path(path);
	scoped(freep) char *helper = NULL;
	scoped(closep) int lock = -1;
	const struct account nothing = {0};
	int r = make_folders(real, err);

	if (r == 0)
		r = read_locked(real, &text, &lock, err);
	if (r == 0)
		r = find_helper(&text, host, &helper, err);
	if (r == 0 && helper)
		r = helper_store(helper, credentials_key(host), account, err);
	if (r == 0)
		r = credentials_put(buf_text(&text), text.len, host, helper ? &nothing : account,
			&changed, err);
	if (r < 0)
		return fail_within(err, "cannot store the login in %s", real);
	return replace(real, &changed, err);
}

int login_file_remove(const char *path, const char *host, bool *found, struct error *err)
{
	scoped(buf_wipep) struct buf text = BUF_INIT(CREDENTIALS_SIZE_MAX);
	scoped(buf_wipep) struct buf changed = BUF_INIT(CREDENTIALS_SIZE_MAX);
	scoped(freep) char *real = real_path(path);
	scoped(freep) char *helper = NULL;
	scoped(closep) int lock = -1;
	int r;

	*found = false;
	if (access(real, F_OK) < 0 && errno == ENOENT)
		return 0;
	r = read_locked(real, &text, &lock, err);
	if (r == 0)
		r = find_helper(&text, host, &helper, err);
	if (r == 0 && helper)
		r = helper_erase(helper, credentials_key(host), err);
	if (r == 0)
		r = credentials_remove(buf_text(&text), text.len, host, &changed, found, err);
	if (r < 0)
		return fail_within(err, "cannot forget the login in %s", real);
	return *found ? replace(real, &changed, err) : 0;
}
