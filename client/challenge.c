#include "client/challenge.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"

#include <string.h>
#include <strings.h>

struct cursor {
	const char *at;
	const char *end;
};

void challenge_clear(struct challenge *challenge)
{
	free(challenge->realm);
	free(challenge->service);
	free(challenge->scope);
	free(challenge->error);
	*challenge = (struct challenge){0};
}

static bool is_token(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token68(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("-._~+/", c));
}

static void skip_any(struct cursor *in, const char *chars)
{
	while (in->at < in->end && *in->at && strchr(chars, *in->at))
		in->at++;
}

static size_t read_token(struct cursor *in)
{
	const char *from = in->at;

	while (in->at < in->end && is_token(*in->at))
		in->at++;
	return (size_t)(in->at - from);
}

/* Steps past a token68, if one stands here and nothing else up to the next comma. */
static void skip_token68(struct cursor *in)
{
	struct cursor ahead = *in;

	while (ahead.at < ahead.end && is_token68(*ahead.at))
		ahead.at++;
	if (ahead.at == in->at)
		return;
	skip_any(&ahead, "=");
	skip_any(&ahead, " \t");
	if (ahead.at == ahead.end || *ahead.at == ',')
		*in = ahead;
}

static bool is_control(char c)
{
	return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

/* The text of a quoted string, the first quote being passed; NULL where it does not end. */
static char *read_quoted(struct cursor *in)
{
	scoped(freep) char *text = must_alloc((size_t)(in->end - in->at) + 1);
	size_t len = 0;

	for (; in->at < in->end && *in->at != '"'; in->at++) {
		if (*in->at == '\\' && ++in->at == in->end)
			return NULL;
		if (is_control(*in->at))
			return NULL;
		text[len++] = *in->at;
	}
	if (in->at == in->end)
		return NULL;
	in->at++;
	return take(text);
}

/* A parameter's value. One without quotes may hold more than a token: URLs are seen so. */
static char *read_value(struct cursor *in)
{
	const char *from;

	skip_any(in, " \t");
	if (in->at < in->end && *in->at == '"') {
		in->at++;
		return read_quoted(in);
	}
	for (from = in->at; in->at < in->end && !strchr(" \t,\"", *in->at); in->at++)
		if (is_control(*in->at))
			return NULL;
	return must_copy_n(from, (size_t)(in->at - from));
}

/* Gives the value to the parameter of that name; the first of several counts, others are freed. */
static void set_parameter(struct challenge *challenge, const char *name, size_t len, char *value)
{
	const struct {
		const char *name;
		char **value;
	} known[] = {
		{"realm", &challenge->realm},
		{"service", &challenge->service},
		{"scope", &challenge->scope},
		{"error", &challenge->error},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].name) != len || strncasecmp(known[i].name, name, len) != 0)
			continue;
		if (*known[i].value)
			break;
		*known[i].value = value;
		return;
	}
	free(value);
}

/* The parameters of one challenge, up to its end or to the name of the next one. They should be
 * separated by commas; where there are none they are still told apart by their '='. */
static bool read_parameters(struct cursor *in, struct challenge *challenge)
{
	for (;;) {
		const char *name;
		char *value;
		size_t len;

		skip_any(in, " \t,");
		if (in->at == in->end)
			return true;
		name = in->at;
		len = read_token(in);
		if (len == 0)
			return false;
		skip_any(in, " \t");
		if (in->at == in->end || *in->at != '=') {
			in->at = name;
			return true;
		}
		in->at++;
		value = read_value(in);
		if (!value)
			return false;
		set_parameter(challenge, name, len, value);
	}
}

static enum challenge_scheme scheme_of(const char *name, size_t len)
{
	if (len == 6 && strncasecmp(name, "bearer", len) == 0)
		return CHALLENGE_BEARER;
	if (len == 5 && strncasecmp(name, "basic", len) == 0)
		return CHALLENGE_BASIC;
	return CHALLENGE_OTHER;
}

/* Bearer without a realm names nobody to get a token from. */
static int rank(const struct challenge *challenge)
{
	switch (challenge->scheme) {
	case CHALLENGE_BEARER:
		return challenge->realm && *challenge->realm ? 3 : 1;
	case CHALLENGE_BASIC:
		return 2;
	case CHALLENGE_OTHER:
		return 1;
	case CHALLENGE_NONE:
		break;
	}
	return 0;
}

bool challenge_add(struct challenge *challenge, const char *value, size_t len)
{
	struct cursor in = {value, value + len};
	bool is_good = len <= CHALLENGE_SIZE_MAX;

	for (skip_any(&in, " \t,"); is_good && in.at < in.end; skip_any(&in, " \t,")) {
		scoped(challenge_clear) struct challenge next = {0};
		const char *name = in.at;

		len = read_token(&in);
		if (len == 0)
			return false;
		next.scheme = scheme_of(name, len);
		if (in.at < in.end && *in.at == ' ') {
			skip_any(&in, " ");
			skip_token68(&in);
			is_good = read_parameters(&in, &next);
		}
		if (rank(&next) > rank(challenge)) {
			struct challenge worse = *challenge;

			*challenge = next;
			next = worse;
		}
	}
	return is_good;
}
