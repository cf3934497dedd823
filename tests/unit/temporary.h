#pragma once
/* A temporary folder for one test program, and looks into it. Include it once, after tap.h. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

static char temporary[256];

static void temporary_make(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(temporary, sizeof(temporary), "%s/chartfs-unit-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(temporary)) {
		printf("Bail out! no temporary folder\n");
		exit(EXIT_FAILURE);
	}
}

static int temporary_drop(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void)status;
	(void)kind;
	(void)walk;
	return remove(path);
}

static void temporary_remove(void)
{
	nftw(temporary, temporary_drop, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* A path below it, in a static buffer of its own for each of eight calls. */
__attribute__((format(printf, 1, 2))) static const char *below(const char *format, ...)
{
	static char texts[8][PATH_MAX];
	static unsigned next;
	char *text = texts[next++ % 8];
	int len = snprintf(text, PATH_MAX, "%s/", temporary);
	__builtin_va_list args;

	__builtin_va_start(args, format);
	vsnprintf(text + len, (size_t)(PATH_MAX - len), format, args);
	__builtin_va_end(args);
	return text;
}

/* How many names a folder holds, with the last of them; 0 where there is none. */
__attribute__((unused)) static int count_names(const char *path, char last[NAME_MAX + 1])
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int count = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		count++;
		if (last)
			snprintf(last, NAME_MAX + 1, "%s", entry->d_name);
	}
	closedir(dir);
	return count;
}

__attribute__((unused)) static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd) < 0) {
		printf("Bail out! cannot write %s\n", path);
		exit(EXIT_FAILURE);
	}
}

/* A file's text, in a static buffer; NULL where there is none. */
__attribute__((unused)) static const char *read_file(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (len < 0)
		return NULL;
	text[len] = '\0';
	return text;
}
