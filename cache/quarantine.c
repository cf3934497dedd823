#include "cache/quarantine.h"

#include "cache/base/scope.h"
#include "cache/folder.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const char folder[] = "quarantine";

struct kept {
	int64_t time_ns;
	uint64_t size;
	char name[144];
};

struct census {
	struct kept *files;
	size_t count, size;
};

static void count_file(void *of, int at, const char *name)
{
	struct census *census = of;
	struct stat status;
	struct kept *file;

	if (fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(status.st_mode) ||
		strlen(name) >= sizeof(file->name))
		return;
	if (census->count == census->size) {
		size_t size = census->size ? census->size * 2 : QUARANTINE_FILES + 1;
		struct kept *files = reallocarray(census->files, size, sizeof(*files));

		if (!files)
			return;
		census->files = files;
		census->size = size;
	}
	file = &census->files[census->count++];
	file->time_ns = status.st_ctim.tv_sec * INT64_C(1000000000) + status.st_ctim.tv_nsec;
	file->size = (uint64_t)status.st_size;
	snprintf(file->name, sizeof(file->name), "%s", name);
}

static int newest_first(const void *a, const void *b)
{
	int64_t at = ((const struct kept *)a)->time_ns, bt = ((const struct kept *)b)->time_ns;

	return at < bt ? 1 : -(at > bt);
}

static void make_room(int at)
{
	struct census census = {0};
	uint64_t bytes = 0;

	folder_visit(at, folder, count_file, &census);
	if (census.count)
		qsort(census.files, census.count, sizeof(*census.files), newest_first);
	for (size_t i = 0; i < census.count; i++) {
		char path[sizeof(folder) + sizeof(census.files->name)];

		bytes += census.files[i].size;
		if (i == 0 || (i < QUARANTINE_FILES && bytes <= QUARANTINE_BYTES))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, census.files[i].name);
		unlinkat(at, path, 0);
	}
	free(census.files);
}

int quarantine_add(
	int at, const char *path, const struct digest *expected, const struct digest *got)
{
	char expected_text[DIGEST_TEXT_SIZE], got_text[DIGEST_TEXT_SIZE];
	char to[sizeof(folder) + sizeof(expected_text) + sizeof(got_text)];
	int r = folder_make(at, folder);

	if (r < 0)
		return r;
	digest_print(expected, expected_text);
	digest_print(got, got_text);
	snprintf(to, sizeof(to), "%s/%s-%s", folder, strchr(expected_text, ':') + 1,
		strchr(got_text, ':') + 1);
	if (renameat(at, path, at, to) < 0)
		return -errno;
	make_room(at);
	return 0;
}
