#include "client/chart_yaml_source.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BYTE_ORDER_MARK "\xef\xbb\xbf"

enum { MENDED_MAX = 100 };

/* A character of the private use area that the text does not have. */
static bool find_unused(const char *text, size_t len, char unused[4])
{
	for (unsigned c = 0xe000; c < 0xf000; c++) {
		unused[0] = (char)(0xe0 | c >> 12);
		unused[1] = (char)(0x80 | (c >> 6 & 0x3f));
		unused[2] = (char)(0x80 | (c & 0x3f));
		unused[3] = 0;
		if (!memmem(text, len, unused, 3))
			return true;
	}
	return false;
}

static bool is_utf16(const char *text, size_t len)
{
	return len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
}

static void rewind_cursor(struct chart_yaml_source *source)
{
	bool has_mark = source->len >= 3 && memcmp(source->at, BYTE_ORDER_MARK, 3) == 0;

	source->index = 0;
	source->offset = has_mark ? 3 : 0; /* libyaml does not count it */
}

int chart_yaml_source_init(struct chart_yaml_source *source, const char *text, size_t len)
{
	*source = (struct chart_yaml_source){.at = text, .len = len};
	rewind_cursor(source);
	if (is_utf16(text, len) || len < 4 || !memmem(text + 1, len - 1, BYTE_ORDER_MARK, 3))
		return 0;
	if (!find_unused(text, len, source->mark))
		return 0;
	source->copy = malloc(len);
	if (!source->copy)
		return -ENOMEM;
	memcpy(source->copy, text, len);
	source->at = source->copy;
	for (char *at = source->copy + 1;;) {
		at = memmem(at, (size_t)(source->copy + len - at), BYTE_ORDER_MARK, 3);
		if (!at)
			return 0;
		memcpy(at, source->mark, 3);
	}
}

void chart_yaml_source_clear(struct chart_yaml_source *source)
{
	free(source->copy);
}

/* Moves the cursor on to a character; false past the end. */
static bool seek(struct chart_yaml_source *source, size_t index)
{
	while (source->index < index && source->offset < source->len) {
		source->offset++;
		while (source->offset < source->len && (source->at[source->offset] & 0xc0) == 0x80)
			source->offset++;
		source->index++;
	}
	return source->index == index && source->offset < source->len;
}

/* Puts a text in the place of a character of one byte. The cursor goes back to the beginning. */
static bool replace(struct chart_yaml_source *source, size_t offset, const char *by)
{
	size_t by_len = strlen(by), behind = offset + 1;
	char *copy;

	if (source->mended++ == MENDED_MAX)
		return false;
	copy = malloc(source->len + by_len);
	if (!copy)
		return false;
	memcpy(mempcpy(mempcpy(copy, source->at, offset), by, by_len), source->at + behind,
		source->len - behind);
	free(source->copy);
	source->copy = copy;
	source->at = copy;
	source->len += by_len - 1;
	rewind_cursor(source);
	return true;
}

/* Moves the cursor to a character, be it in front of where it is. */
static bool find(struct chart_yaml_source *source, size_t index)
{
	rewind_cursor(source);
	return !is_utf16(source->at, source->len) && seek(source, index);
}

bool chart_yaml_source_hide_colon(struct chart_yaml_source *source, size_t index)
{
	if (!find(source, index) || source->at[source->offset] != ':')
		return false;
	if (!*source->colon && !find_unused(source->at, source->len, source->colon))
		return false;
	return replace(source, source->offset, source->colon);
}

bool chart_yaml_source_unescape_quote(struct chart_yaml_source *source, size_t index)
{
	if (!find(source, index) || source->len - source->offset < 2 ||
		memcmp(source->at + source->offset, "\\'", 2) != 0)
		return false;
	return replace(source, source->offset, "");
}

/* Of what belongs to Helm's tags and not to libyaml's; both take it for the same when it is
 * escaped.
 */
static bool escape_in_tag(struct chart_yaml_source *source, size_t offset)
{
	switch (source->at[offset]) {
	case ',':
		return replace(source, offset, "%2C");
	case '[':
		return replace(source, offset, "%5B");
	case ']':
		return replace(source, offset, "%5D");
	default:
		return false;
	}
}

bool chart_yaml_source_escape_tag(struct chart_yaml_source *source, size_t index)
{
	return find(source, index) && escape_in_tag(source, source->offset);
}

static bool is_tag_character(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("!%-_;/?:@&=+$.~*'()", c));
}

/* The byte behind an anchor and the space that follows it. */
static size_t skip_anchor(const struct chart_yaml_source *source, size_t at)
{
	static const char space[] = " \t\r\n";

	while (at < source->len && !strchr(space, source->at[at]))
		at++;
	while (at < source->len && strchr(space, source->at[at]))
		at++;
	return at;
}

bool chart_yaml_source_escape_node(struct chart_yaml_source *source, size_t first)
{
	size_t at;

	if (is_utf16(source->at, source->len) || !seek(source, first))
		return false;
	at = source->at[source->offset] == '&' ? skip_anchor(source, source->offset)
					       : source->offset;
	if (source->len - at < 2 || source->at[at] != '!' || source->at[at + 1] == '<')
		return false;
	while (at < source->len && is_tag_character(source->at[at]))
		at++;
	return at < source->len && escape_in_tag(source, at);
}

void chart_yaml_source_restore(const struct chart_yaml_source *source, struct chart_text *text)
{
	char *out = (char *)(uintptr_t)text->at;
	const char *end = text->at + text->len;

	if (!*source->colon && !*source->mark)
		return;
	for (const char *in = text->at; in < end;) {
		if (*source->colon && end - in >= 3 && memcmp(in, source->colon, 3) == 0) {
			*out++ = ':';
			in += 3;
		} else if (*source->mark && end - in >= 3 && memcmp(in, source->mark, 3) == 0) {
			memcpy(out, BYTE_ORDER_MARK, 3);
			out += 3;
			in += 3;
		} else {
			*out++ = *in++;
		}
	}
	*out = 0;
	text->len = (size_t)(out - text->at);
}

bool chart_yaml_source_has_slash_escape(struct chart_yaml_source *source, size_t first)
{
	bool is_quoted = false;

	if (is_utf16(source->at, source->len) || !seek(source, first))
		return false;
	/* an anchor or a tag may stand in front of the quote, but neither can hold one */
	for (size_t i = source->offset; i + 1 < source->len; i++) {
		char c = source->at[i];

		if (is_quoted && c == '\\') {
			if (source->at[++i] == '/')
				return true;
		} else if (c == '"') {
			if (is_quoted)
				return false;
			is_quoted = true;
		}
	}
	return false;
}
