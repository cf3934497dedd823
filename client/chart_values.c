#include "client/chart_values.h"

#include "cache/base/buf.h"
#include "cache/base/scope.h"
#include "client/chart_unicode.h"
#include "client/chart_yaml.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum { DOCUMENT_MAX = 8 << 20, MEMORY_MAX = 256 << 20 };

static int check_document(const struct buf *text, struct error *err)
{
	struct chart_arena arena = CHART_ARENA_INIT(MEMORY_MAX);
	struct chart_value value;
	int r = chart_yaml_parse(&arena, buf_text(text), text->len, &value, err);

	if (r == 0 && value.kind != CHART_MAP && value.kind != CHART_NULL)
		r = fail(err, EINVAL, "it must be a map");
	if (r == 0)
		r = chart_yaml_check(&value, err);
	chart_arena_clear(&arena);
	return r;
}

/* Whether only space or a comment stands behind the dashes. */
static bool is_separator_good(const char *at, size_t len)
{
	size_t step;

	for (size_t i = 0; i < len; i += step)
		if (!chart_unicode_is_space(chart_unicode_next(at + i, len - i, &step)))
			return at[i] == '#';
	return true;
}

/* Takes the next line, without its end; false behind the last. */
static bool take_line(const char **at, const char *end, const char **line, size_t *len)
{
	const char *line_end;

	if (*at == end)
		return false;
	line_end = memchr(*at, '\n', (size_t)(end - *at));
	*line = *at;
	*at = line_end ? line_end + 1 : end;
	*len = (size_t)((line_end ? line_end : end) - *line);
	if (line_end && *len > 0 && (*line)[*len - 1] == '\r')
		(*len)--;
	return true;
}

/* As the YAMLReader of Kubernetes: a separator ends a document that has a line, and begins one
 * that has none. */
int chart_values_check(const char *text, size_t len, struct error *err)
{
	scoped(buf_freep) struct buf document = BUF_INIT(DOCUMENT_MAX);
	const char *at = text, *end = text + len, *line;
	size_t line_len;
	int r;

	while (take_line(&at, end, &line, &line_len)) {
		if (line_len >= 3 && memcmp(line, "---", 3) == 0) {
			if (!is_separator_good(line + 3, line_len - 3))
				return fail(err, EINVAL, "a line begins with \"---\" and goes on");
			if (document.len > 0) {
				r = check_document(&document, err);
				if (r < 0)
					return r;
				buf_clear(&document);
				continue;
			}
		}
		if (buf_append(&document, line, line_len) < 0 || buf_add_char(&document, '\n') < 0)
			return fail(err, ENOMEM, "no memory for the YAML text");
	}
	return document.len > 0 ? check_document(&document, err) : 0;
}
