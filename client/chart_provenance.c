/* Provenance files (helm pkg/provenance): a clear-signed message of two YAML documents, Chart.yaml
 * and a map `files` from names to "sha256:" and a digest; the marks of PGP around it. */
#include "cache/base/scope.h"
#include "client/chart.h"
#include "client/chart_yaml.h"

#include <errno.h>
#include <string.h>

enum { TEXT_MAX = 8 << 20, MEMORY_MAX = 64 << 20 };

#define BEGIN     "-----BEGIN PGP SIGNED MESSAGE-----"
#define SIGNATURE "-----BEGIN PGP SIGNATURE-----"

static bool is_line(const char *line, size_t len, const char *text)
{
	while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
		len--;
	return len == strlen(text) && memcmp(line, text, len) == 0;
}

enum part { BEFORE, HEADERS, FIRST_DOCUMENT, SECOND_DOCUMENT, SIGNED };

/* What the next line is part of, if `part` is what the last one was part of. */
static enum part next_part(enum part part, const char *line, size_t len)
{
	if (part == BEFORE)
		return is_line(line, len, BEGIN) ? HEADERS : BEFORE;
	if (is_line(line, len, SIGNATURE))
		return SIGNED;
	if (part == HEADERS)
		return is_line(line, len, "") ? FIRST_DOCUMENT : HEADERS;
	/* Helm cuts at "\n...\n" */
	if (part == FIRST_DOCUMENT)
		return is_line(line, len, "...") ? SECOND_DOCUMENT : FIRST_DOCUMENT;
	return part;
}

/* Appends the second document of the message, with the dashes unescaped (RFC 4880, 7.1). */
static int find_sums(const char *text, size_t len, struct buf *sums, struct error *err)
{
	const char *end = text + len;
	enum part part = BEFORE;

	while (text < end && part != SIGNED) {
		const char *line_end = memchr(text, '\n', (size_t)(end - text));
		size_t line_len = (size_t)((line_end ? line_end : end) - text);
		enum part was = part;
		size_t skip = line_len >= 2 && memcmp(text, "- ", 2) == 0 ? 2 : 0;

		part = next_part(part, text, line_len);
		if (part == SECOND_DOCUMENT && was == SECOND_DOCUMENT &&
			(buf_append(sums, text + skip, line_len - skip) < 0 ||
				buf_add_char(sums, '\n') < 0))
			return fail(err, EFBIG, "the provenance file is too large");
		text += line_len + (line_end != NULL);
	}
	if (part != SIGNED || sums->len == 0)
		return fail(err, EINVAL,
			"it is no provenance file: a signed message with sums of "
			"files is missing");
	return 0;
}

static const struct chart_value *find_files(const struct chart_value *root)
{
	if (root->kind != CHART_MAP)
		return NULL;
	for (size_t i = 0; i < root->map.count; i++)
		if (strcmp(root->map.entries[i].key.at, "files") == 0)
			return &root->map.entries[i].value;
	return NULL;
}

static bool has_sum(const struct chart_value *files, const char *sum)
{
	if (!files || files->kind != CHART_MAP)
		return false;
	for (size_t i = 0; i < files->map.count; i++) {
		const struct chart_value *value = &files->map.entries[i].value;

		if (value->kind == CHART_STRING && strcmp(value->text.at, sum) == 0)
			return true;
	}
	return false;
}

int chart_check_provenance(
	const char *text, size_t len, const struct digest *archive, struct error *err)
{
	scoped(buf_freep) struct buf sums = BUF_INIT(TEXT_MAX);
	scoped(chart_arena_clear) struct chart_arena arena = CHART_ARENA_INIT(MEMORY_MAX);
	char digest[DIGEST_TEXT_SIZE];
	struct chart_value root = {0};
	int r = find_sums(text, len, &sums, err);

	if (r == 0)
		r = chart_yaml_parse(&arena, buf_text(&sums), sums.len, &root, err);
	if (r < 0)
		return r;
	digest_print(archive, digest);
	if (!has_sum(find_files(&root), digest))
		return fail(err, EINVAL,
			"the provenance file is another archive's, it does not name %s: copy the "
			"one of this archive, or remove it",
			digest);
	return 0;
}
