#include "client/link.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct cursor {
	const char *at;
	const char *end;
};

struct run {
	const char *at;
	size_t len;
};

static bool skip(struct cursor *in, char c)
{
	if (in->at == in->end || *in->at != c)
		return false;
	in->at++;
	return true;
}

static void skip_any(struct cursor *in, const char *chars)
{
	while (in->at < in->end && *in->at && strchr(chars, *in->at))
		in->at++;
}

static struct run read_until(struct cursor *in, const char *stops)
{
	struct run run = {in->at, 0};

	while (in->at < in->end && (!*in->at || !strchr(stops, *in->at)))
		in->at++;
	run.len = (size_t)(in->at - run.at);
	return run;
}

static bool is_text(struct run run, const char *text)
{
	return run.len == strlen(text) && strncasecmp(run.at, text, run.len) == 0;
}

/* A quoted value, the first quote being passed; escapes are stepped over, not resolved: no relation
 * that we look for needs one. */
static bool read_quoted(struct cursor *in, struct run *value)
{
	value->at = in->at;
	for (; in->at < in->end; in->at++) {
		if (*in->at == '"') {
			value->len = (size_t)(in->at++ - value->at);
			return true;
		}
		if (*in->at == '\\' && ++in->at == in->end)
			break;
	}
	return false;
}

/* Whether "next" is among relations that are separated by spaces. */
static bool has_next(struct run relations)
{
	struct cursor in = {relations.at, relations.at + relations.len};

	while (in.at < in.end) {
		skip_any(&in, " \t");
		if (is_text(read_until(&in, " \t"), "next"))
			return true;
	}
	return false;
}

/* The parameters behind one target; `*is_next` where its first "rel" says so (RFC 8288 section 3.3:
 * further ones do not count). */
static bool read_parameters(struct cursor *in, bool *is_next)
{
	bool has_relation = false;

	*is_next = false;
	for (;;) {
		struct run name, value = {"", 0};

		skip_any(in, " \t");
		if (in->at == in->end || *in->at == ',')
			return true;
		if (!skip(in, ';'))
			return false;
		skip_any(in, " \t");
		name = read_until(in, " \t=;,");
		skip_any(in, " \t");
		if (skip(in, '=')) {
			skip_any(in, " \t");
			if (!skip(in, '"'))
				value = read_until(in, " \t;,");
			else if (!read_quoted(in, &value))
				return false;
		}
		if (is_text(name, "rel") && !has_relation) {
			has_relation = true;
			*is_next = has_next(value);
		}
	}
}

int link_find_next(const char *value, size_t len, struct buf *target, struct error *err)
{
	struct cursor in = {value, value + len};
	int r = 0;

	if (len > LINK_SIZE_MAX)
		return fail(err, EIO, "the server's Link header is too long");
	for (skip_any(&in, " \t,"); in.at < in.end; skip_any(&in, " \t,")) {
		bool is_next;
		struct run address;

		if (!skip(&in, '<'))
			return fail(err, EIO, "the server's Link header cannot be read");
		address = read_until(&in, ">");
		if (!skip(&in, '>') || !read_parameters(&in, &is_next))
			return fail(err, EIO, "the server's Link header cannot be read");
		if (!is_next)
			continue;
		r = buf_append(target, address.at, address.len);
		return r < 0 ? fail(err, -r, "the server's Link header is too long") : 1;
	}
	return 0;
}
