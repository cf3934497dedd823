#include "cache/folder.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

static void closedirp(DIR **dir)
{
	int saved = errno;

	if (*dir)
		closedir(*dir);
	errno = saved;
}

int folder_make(int at, const char *path)
{
	scoped(freep) char *part = must_copy(path);

	for (char *slash = part; (slash = strchr(slash, '/')); slash++) {
		if (slash == part)
			continue;
		*slash = '\0';
		if (mkdirat(at, part, 0700) < 0 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return mkdirat(at, path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int folder_visit(
	int at, const char *path, void (*visit)(void *of, int folder, const char *name), void *of)
{
	scoped(closep) int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	scoped(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	take_fd(&fd); /* the DIR's now */
	while (errno = 0, (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			visit(of, dirfd(dir), entry->d_name);
	return -errno;
}

int folder_hold_file(int at, const char *path, int flags)
{
	scoped(closep) int fd =
		openat(at, path, flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	struct stat status;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &status) < 0)
		return -errno;
	return status.st_nlink ? take_fd(&fd) : -ESTALE;
}

bool folder_may_retry(int result)
{
	return result == -EEXIST || result == -EWOULDBLOCK || result == -ESTALE ||
	       result == -ENOENT;
}

void folder_unique(char text[FOLDER_UNIQUE_SIZE])
{
	uint64_t number = 0;

	/* Up to 256 bytes come whole and at once, once the kernel's pool is up. */
	while (getrandom(&number, sizeof(number), 0) != sizeof(number))
		;
	snprintf(text, FOLDER_UNIQUE_SIZE, "%016llx", (unsigned long long)number);
}
