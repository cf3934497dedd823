#include "client/chart_json.h"

#include "client/chart_number.h"

#include <string.h>

/* The escape of the character at `c`, "" where there is none; its length in *len. */
static const char *escape(const char *c, size_t left, char escaped[8], size_t *len)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	unsigned char byte = (unsigned char)*c;

	*len = 1;
	for (const char *s = shorts; *s; s += 2)
		if (*c == *s) {
			memcpy(escaped, (const char[]){'\\', s[1], 0}, 3);
			return escaped;
		}
	if (byte < 0x20 || byte == '<' || byte == '>' || byte == '&') {
		static const char hex[] = "0123456789abcdef";

		memcpy(escaped, "\\u00", 4);
		escaped[4] = hex[byte >> 4];
		escaped[5] = hex[byte & 15];
		escaped[6] = 0;
		return escaped;
	}
	if (left >= 3 && memcmp(c, "\xe2\x80", 2) == 0 && (c[2] == '\xa8' || c[2] == '\xa9')) {
		*len = 3;
		return c[2] == '\xa8' ? "\\u2028" : "\\u2029";
	}
	return "";
}

int chart_json_add_text(struct buf *buf, struct chart_text text)
{
	size_t begin = 0, len;
	int r = buf_add_char(buf, '"');

	for (size_t i = 0; i < text.len && r == 0; i += len) {
		char escaped[8];
		const char *replacement = escape(text.at + i, text.len - i, escaped, &len);

		if (!*replacement)
			continue;
		r = buf_append(buf, text.at + begin, i - begin);
		if (r == 0)
			r = buf_add(buf, replacement);
		begin = i + len;
	}
	if (r == 0)
		r = buf_append(buf, text.at + begin, text.len - begin);
	return r < 0 ? r : buf_add_char(buf, '"');
}

int chart_json_add_string(struct buf *buf, const char *text)
{
	return chart_json_add_text(buf, (struct chart_text){text, strlen(text)});
}

static int add_list(struct buf *buf, const struct chart_value *value)
{
	int r = buf_add_char(buf, '[');

	for (size_t i = 0; i < value->list.count && r == 0; i++) {
		if (i > 0)
			r = buf_add_char(buf, ',');
		if (r == 0)
			r = chart_json_add_value(buf, &value->list.values[i]);
	}
	return r < 0 ? r : buf_add_char(buf, ']');
}

static int add_map(struct buf *buf, const struct chart_value *value)
{
	int r = buf_add_char(buf, '{');

	for (size_t i = 0; i < value->map.count && r == 0; i++) {
		if (i > 0)
			r = buf_add_char(buf, ',');
		if (r == 0)
			r = chart_json_add_text(buf, value->map.entries[i].key);
		if (r == 0)
			r = buf_add_char(buf, ':');
		if (r == 0)
			r = chart_json_add_value(buf, &value->map.entries[i].value);
	}
	return r < 0 ? r : buf_add_char(buf, '}');
}

static int add_number(struct buf *buf, double number)
{
	char text[CHART_NUMBER_SIZE];

	chart_number_print_json(number, text);
	return buf_add(buf, text);
}

int chart_json_add_value(struct buf *buf, const struct chart_value *value)
{
	switch (value->kind) {
	case CHART_NULL:
		return buf_add(buf, "null");
	case CHART_BOOL:
		return buf_add(buf, value->boolean ? "true" : "false");
	case CHART_INT:
		return add_number(buf, (double)value->integer);
	case CHART_UINT:
		return add_number(buf, (double)value->natural);
	case CHART_FLOAT:
		return add_number(buf, value->real);
	case CHART_STRING:
		return chart_json_add_text(buf, value->text);
	case CHART_LIST:
		return add_list(buf, value);
	case CHART_MAP:
		return add_map(buf, value);
	}
	return 0;
}
