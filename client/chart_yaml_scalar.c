/* What a scalar is by its text: YAML 1.1 as go-yaml v2 has it (its resolve.go). */
#include "client/chart_time.h"
#include "client/chart_yaml.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TAG(name) "tag:yaml.org,2002:" name

struct word {
	const char *text;
	struct chart_value value;
};

#define TRUE                                                                                       \
	{                                                                                          \
		.kind = CHART_BOOL, .boolean = true                                                \
	}
#define FALSE                                                                                      \
	{                                                                                          \
		.kind = CHART_BOOL, .boolean = false                                               \
	}
#define FLOAT(x)                                                                                   \
	{                                                                                          \
		.kind = CHART_FLOAT, .real = (x)                                                   \
	}

static const struct word words[] = {
	{"y", TRUE},
	{"Y", TRUE},
	{"yes", TRUE},
	{"Yes", TRUE},
	{"YES", TRUE},
	{"true", TRUE},
	{"True", TRUE},
	{"TRUE", TRUE},
	{"on", TRUE},
	{"On", TRUE},
	{"ON", TRUE},
	{"n", FALSE},
	{"N", FALSE},
	{"no", FALSE},
	{"No", FALSE},
	{"NO", FALSE},
	{"false", FALSE},
	{"False", FALSE},
	{"FALSE", FALSE},
	{"off", FALSE},
	{"Off", FALSE},
	{"OFF", FALSE},
	{"", {.kind = CHART_NULL}},
	{"~", {.kind = CHART_NULL}},
	{"null", {.kind = CHART_NULL}},
	{"Null", {.kind = CHART_NULL}},
	{"NULL", {.kind = CHART_NULL}},
	{".nan", FLOAT(NAN)},
	{".NaN", FLOAT(NAN)},
	{".NAN", FLOAT(NAN)},
	{".inf", FLOAT(INFINITY)},
	{".Inf", FLOAT(INFINITY)},
	{".INF", FLOAT(INFINITY)},
	{"+.inf", FLOAT(INFINITY)},
	{"+.Inf", FLOAT(INFINITY)},
	{"+.INF", FLOAT(INFINITY)},
	{"-.inf", FLOAT(-INFINITY)},
	{"-.Inf", FLOAT(-INFINITY)},
	{"-.INF", FLOAT(-INFINITY)},
};

static bool find_word(const char *text, struct chart_value *value)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(text, words[i].text) == 0) {
			*value = words[i].value;
			return true;
		}
	return false;
}

/* Go's base 0: 0x, 0o, 0b and a leading 0 tell the base. */
static unsigned take_base(const char **text)
{
	static const struct {
		char letter;
		unsigned base;
	} bases[] = {{'x', 16}, {'o', 8}, {'b', 2}};

	if (**text != '0' || !(*text)[1])
		return 10;
	for (size_t i = 0; i < sizeof(bases) / sizeof(*bases); i++)
		if (((*text)[1] | 0x20) == bases[i].letter && (*text)[2]) {
			*text += 2;
			return bases[i].base;
		}
	*text += 1;
	return 8;
}

static bool parse_natural(const char *text, uint64_t *number)
{
	unsigned base = take_base(&text);

	*number = 0;
	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned c = (unsigned char)*text, digit;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20) - 'a' + 10;
		else
			return false;
		if (digit >= base || *number > (UINT64_MAX - digit) / base)
			return false;
		*number = *number * base + digit;
	}
	return true;
}

static bool parse_integer(const char *text, struct chart_value *value)
{
	bool is_signed = *text == '-' || *text == '+', is_negative = *text == '-';
	uint64_t number;

	if (!parse_natural(text + is_signed, &number))
		return false;
	if (number <= (uint64_t)INT64_MAX + is_negative) {
		value->kind = CHART_INT;
		value->integer = (int64_t)(is_negative ? -number : number);
		return true;
	}
	/* past what has a sign, only a number without one */
	value->kind = CHART_UINT;
	value->natural = number;
	return !is_signed;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(const char *text)
{
	size_t whole, part = 0;

	if (*text == '-' || *text == '+')
		text++;
	whole = strspn(text, "0123456789");
	text += whole;
	if (*text == '.') {
		part = strspn(text + 1, "0123456789");
		text += 1 + part;
	}
	if (whole + part == 0)
		return false;
	if ((*text | 0x20) == 'e') {
		size_t digits;

		text++;
		if (*text == '-' || *text == '+')
			text++;
		digits = strspn(text, "0123456789");
		if (digits == 0)
			return false;
		text += digits;
	}
	return *text == 0;
}

/* The program never leaves the C locale, in which strtod() knows the decimal point. */
static bool parse_float(const char *text, struct chart_value *value)
{
	if (!is_float(text))
		return false;
	value->kind = CHART_FLOAT;
	value->real = strtod(text, NULL);
	return isfinite(value->real);
}

/* What begins with a point goes to Go's ParseFloat as it is: underscores only between digits. */
static bool parse_fraction(
	struct chart_arena *arena, const struct chart_text *text, struct chart_value *value)
{
	char *plain = chart_arena_alloc(arena, text->len + 1);
	size_t len = 0;

	if (!plain)
		return false;
	for (size_t i = 0; i < text->len; i++) {
		if (text->at[i] != '_')
			plain[len++] = text->at[i];
		else if (!isdigit((unsigned char)text->at[i - 1]) ||
			 !isdigit((unsigned char)text->at[i + 1]))
			return false;
	}
	return parse_float(plain, value);
}

/* Numbers may have underscores anywhere but in front. */
static bool parse_number(
	struct chart_arena *arena, const struct chart_text *text, struct chart_value *value)
{
	char *plain = chart_arena_alloc(arena, text->len + 1);
	size_t len = 0;

	if (!plain)
		return false;
	for (size_t i = 0; i < text->len; i++)
		if (text->at[i] != '_')
			plain[len++] = text->at[i];
	return parse_integer(plain, value) || parse_float(plain, value);
}

/* The type of a text that nothing but itself tells. */
static void resolve(
	struct chart_arena *arena, const struct chart_text *text, struct chart_value *value)
{
	char first = text->len ? text->at[0] : 'n';
	bool has_nul = memchr(text->at, 0, text->len) != NULL;

	if (!has_nul && strchr("0123456789+-.yYnNtTfFoO~", first)) {
		if (find_word(text->at, value))
			return;
		if (first == '.' && parse_fraction(arena, text, value))
			return;
		if (strchr("0123456789+-", first) && parse_number(arena, text, value))
			return;
	}
	value->kind = CHART_STRING;
	value->text = *text;
}

static int hex_of_base64(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* RFC 4648 with line ends anywhere and strict padding. Returns the length, or -1. */
static ssize_t decode_base64(const struct chart_text *text, unsigned char *bytes)
{
	unsigned group = 0;
	size_t digits = 0, padding = 0, len = 0;

	for (size_t i = 0; i < text->len; i++) {
		char c = text->at[i];
		int value = hex_of_base64(c);

		if (c == '\r' || c == '\n')
			continue;
		if (c == '=') {
			padding++;
			continue;
		}
		if (value < 0 || padding > 0)
			return -1;
		group = group << 6 | (unsigned)value;
		if (++digits % 4 == 0)
			for (int shift = 16; shift >= 0; shift -= 8)
				bytes[len++] = (unsigned char)(group >> shift);
	}
	if (padding != (4 - digits % 4) % 4 || digits % 4 == 1)
		return -1;
	if (digits % 4 >= 2)
		bytes[len++] = (unsigned char)(group << 6 * (4 - digits % 4) >> 16);
	if (digits % 4 == 3)
		bytes[len++] = (unsigned char)(group << 6 >> 8);
	return (ssize_t)len;
}

/* The length of the UTF-8 sequence at `at`, 0 where there is none. */
static size_t utf8_len(const unsigned char *at, size_t left)
{
	static const struct {
		unsigned char mask, lead, least, most;
	} forms[] = {{0, 0, 0, 0}, {0xe0, 0xc0, 0xc2, 0xdf}, {0xf0, 0xe0, 0xe0, 0xef},
		{0xf8, 0xf0, 0xf0, 0xf4}};

	if (at[0] < 0x80)
		return 1;
	for (size_t more = 1; more <= 3; more++) {
		if ((at[0] & forms[more].mask) != forms[more].lead)
			continue;
		if (at[0] < forms[more].least || at[0] > forms[more].most || left < more + 1)
			return 0;
		for (size_t i = 1; i <= more; i++)
			if ((at[i] & 0xc0) != 0x80)
				return 0;
		if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
			(at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
			return 0;
		return more + 1;
	}
	return 0;
}

/* !!binary: bytes; what is no UTF-8 among them becomes U+FFFD in JSON, byte by byte. */
static int resolve_binary(struct chart_arena *arena, const struct chart_text *text,
	struct chart_value *value, struct error *err)
{
	unsigned char *bytes = chart_arena_alloc(arena, text->len + 1);
	char *utf8;
	ssize_t len;
	size_t out = 0, step;

	if (!bytes)
		return fail(err, EFBIG, "the YAML text takes too much memory");
	len = decode_base64(text, bytes);
	if (len < 0)
		return fail(err, EINVAL, "a !!binary value in the YAML text is no base64");
	utf8 = chart_arena_alloc(arena, 3 * (size_t)len + 1);
	if (!utf8)
		return fail(err, EFBIG, "the YAML text takes too much memory");
	for (size_t at = 0; at < (size_t)len; at += step) {
		step = utf8_len(bytes + at, (size_t)len - at);
		memcpy(utf8 + out, step ? (const char *)bytes + at : "\xef\xbf\xbd",
			step ? step : 3);
		out += step ? step : 3;
		step += !step;
	}
	*value = (struct chart_value){.kind = CHART_STRING, .text = {utf8, out}};
	return 0;
}

static bool is_tag_kept(const char *tag, enum chart_kind kind)
{
	switch (kind) {
	case CHART_NULL:
		return strcmp(tag, TAG("null")) == 0;
	case CHART_BOOL:
		return strcmp(tag, TAG("bool")) == 0;
	case CHART_INT:
	case CHART_UINT:
		return strcmp(tag, TAG("int")) == 0;
	case CHART_FLOAT:
		return strcmp(tag, TAG("float")) == 0;
	default:
		return false;
	}
}

static bool is_known_tag(const char *tag)
{
	static const char *const known[] = {
		TAG("bool"), TAG("int"), TAG("float"), TAG("null"), TAG("timestamp")};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(tag, known[i]) == 0)
			return true;
	return false;
}

int chart_yaml_scalar(struct chart_arena *arena, const struct chart_node *node,
	struct chart_value *value, struct error *err)
{
	const char *tag = node->tag;

	if (tag && strcmp(tag, TAG("binary")) == 0)
		return resolve_binary(arena, &node->text, value, err);
	if (tag ? !is_known_tag(tag) : !node->is_plain) {
		*value = (struct chart_value){.kind = CHART_STRING, .text = node->text};
		return 0;
	}
	resolve(arena, &node->text, value);
	if (!tag || is_tag_kept(tag, value->kind))
		return 0;
	if (strcmp(tag, TAG("float")) == 0 && value->kind == CHART_INT) {
		*value = (struct chart_value){.kind = CHART_FLOAT, .real = (double)value->integer};
		return 0;
	}
	if (strcmp(tag, TAG("timestamp")) == 0 && value->kind == CHART_STRING &&
		chart_time_is_timestamp(node->text.at))
		return 0;
	return fail(err, EINVAL,
		"line %u of the YAML text has a value that does not fit its tag %s", node->line,
		tag);
}
