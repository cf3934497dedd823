#include "client/error_body.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/json.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { READ_MAX = 64 << 10 };

/* Length of the UTF-8 character at `at`; 0 where the bytes are none (RFC 3629), or hold one that
 * steers a terminal (C1) or the direction of text. */
static size_t character_length(const unsigned char *at, size_t len)
{
	static const struct {
		unsigned char mask, lead, least, most; /* bounds of the second byte */
	} forms[] = {
		{0xff, 0xc2, 0xa0, 0xbf},
		{0xe0, 0xc0, 0x80, 0xbf},
		{0xff, 0xe0, 0xa0, 0xbf},
		{0xff, 0xed, 0x80, 0x9f},
		{0xf0, 0xe0, 0x80, 0xbf},
		{0xff, 0xf0, 0x90, 0xbf},
		{0xff, 0xf4, 0x80, 0x8f},
		{0xf8, 0xf0, 0x80, 0xbf},
	};
	size_t size = *at < 0x80 ? 1 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;

	if (size == 1)
		return *at >= ' ' && *at != 0x7f;
	if (*at < 0xc2 || *at > 0xf4 || size > len)
		return 0;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if ((*at & forms[i].mask) != forms[i].lead)
			continue;
		if (at[1] < forms[i].least || at[1] > forms[i].most)
			return 0;
		break;
	}
	for (size_t i = 2; i < size; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if (size == 3 && at[0] == 0xe2 &&
		((at[1] == 0x80 && at[2] >= 0xa8 && at[2] <= 0xae) ||
			(at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9)))
		return 0;
	return size;
}

/* Copies a text: what is no good character becomes one space with the spaces beside it, and it ends
 * between characters where it does not fit. */
static void copy_clean(const char *text, size_t len, char *to, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	bool is_space = false;
	size_t used = 0, step;

	for (; len > 0; at += step, len -= step) {
		size_t character = character_length(at, len);

		step = character ? character : 1;
		if (!character || *at == ' ') {
			is_space = used > 0;
			continue;
		}
		if (used + is_space + character >= size)
			break;
		if (is_space)
			to[used++] = ' ';
		is_space = false;
		memcpy(to + used, at, character);
		used += character;
	}
	to[used] = '\0';
}

static void set_message(struct error_body *body, const char *text)
{
	if (text && !body->message[0])
		copy_clean(text, strlen(text), body->message, sizeof(body->message));
}

/* A code is a word; what holds anything else is taken for a message. */
static void set_code(struct error_body *body, const char *text)
{
	size_t len = 0;

	if (!text || body->code[0])
		return;
	while (isalnum((unsigned char)text[len]) || (text[len] && strchr("_-.", text[len])))
		len++;
	if (text[len] || len >= sizeof(body->code))
		set_message(body, text);
	else
		memcpy(body->code, text, len + 1);
}

/* Registries use the first three names, token servers the others (RFC 6749 section 5.2; Docker's
 * own: "details"). */
static void read_object(const cJSON *object, struct error_body *body)
{
	set_message(body, json_text(object, "message"));
	set_message(body, json_text(object, "error_description"));
	set_message(body, json_text(object, "detail"));
	set_message(body, json_text(object, "details"));
	set_code(body, json_text(object, "code"));
	set_code(body, json_text(object, "error"));
}

static void read_json(const cJSON *root, struct error_body *body)
{
	const cJSON *errors = json_member(root, "errors");
	const cJSON *first = cJSON_IsArray(errors) ? errors->child : errors;

	if (cJSON_IsArray(root))
		first = root->child;
	if (cJSON_IsString(first))
		set_message(body, first->valuestring);
	else if (cJSON_IsObject(first))
		read_object(first, body);
	else if (cJSON_IsString(root))
		set_message(body, root->valuestring);
	if (!body->code[0] && !body->message[0])
		read_object(root, body);
}

/* The text up to the next line's end, or an HTML page's title. */
static void read_text(const char *bytes, size_t len, struct error_body *body)
{
	scoped(freep) char *text = must_copy_n(bytes, len);
	char *title, *end;

	title = text + strspn(text, " \t\r\n");
	if (*title == '<') {
		title = strcasestr(title, "<title");
		title = title ? strchr(title, '>') : NULL;
		end = title ? strchr(title, '<') : NULL;
		if (!end)
			return;
		title++;
	} else if (*title == '{' || *title == '[') {
		return;
	} else {
		end = title + strcspn(title, "\r\n");
	}
	*end = '\0';
	set_message(body, title);
}

void error_body_read(const char *bytes, size_t len, struct error_body *body)
{
	scoped(json_freep) cJSON *root = NULL;

	*body = (struct error_body){0};
	if (len > READ_MAX)
		len = READ_MAX;
	root = len ? json_parse(bytes, len) : NULL;
	if (root)
		read_json(root, body);
	else if (len)
		read_text(bytes, len, body);
}
