#include "client/chart_path.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Appends a component to a path without a leading slash: "." and "" are left out, ".." takes the
 * last one away where there is one that is not itself "..". */
static int add_component(struct buf *path, const char *at, size_t len)
{
	char *last;

	if (len == 0 || (len == 1 && *at == '.'))
		return 0;
	if (len == 2 && memcmp(at, "..", 2) == 0 && path->len > 0) {
		last = strrchr(path->at, '/');
		last = last ? last + 1 : path->at;
		if (strcmp(last, "..") != 0) {
			path->len = last > path->at ? (size_t)(last - 1 - path->at) : 0;
			path->at[path->len] = 0;
			return 0;
		}
	}
	if (path->len > 0 && buf_add_char(path, '/') < 0)
		return -ENOMEM;
	return buf_append(path, at, len);
}

static int clean(const char *rest, bool is_windows, struct buf *path)
{
	const char *separators = is_windows ? "/\\" : "/";
	int r = 0;

	while (r == 0 && *rest) {
		size_t len = strcspn(rest, separators);

		r = add_component(path, rest, len);
		rest += len;
		rest += *rest != 0;
	}
	return r;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int chart_path_from_name(const char *name, struct buf *path, struct error *err)
{
	bool is_windows = strchr(name, '\\') != NULL;
	size_t first = strcspn(name, is_windows ? "\\" : "/");
	const char *rest = name + first + (name[first] != 0), *clean_path;

	if (*rest == '/' || (is_windows && *rest == '\\'))
		return fail(err, EINVAL, "the archive has an absolute path: \"%.200s\"", name);
	buf_clear(path);
	if (clean(rest, is_windows, path) < 0)
		return fail(err, ENOMEM, "no memory for a name in the archive");
	clean_path = buf_text(path);
	if (!*clean_path)
		return fail(err, EINVAL,
			"the archive has a file outside of the chart's directory: \"%.200s\"",
			name);
	if (strncmp(clean_path, "..", 2) == 0)
		return fail(err, EINVAL,
			"the archive has a path that leads out of the chart: \"%.200s\"", name);
	if (is_letter(clean_path[0]) && clean_path[1] == ':' && clean_path[2] == '/')
		return fail(err, EINVAL, "the archive has a path with a drive: \"%.200s\"", name);
	if (strncmp(name, "Chart.yaml", first) == 0 && first == strlen("Chart.yaml"))
		return fail(err, EINVAL, "a directory of the archive is named Chart.yaml");
	return 0;
}
