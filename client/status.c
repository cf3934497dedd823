#include "client/status.h"

#include "cache/base/scope.h"
#include "client/error_body.h"

#include <errno.h>
#include <string.h>

/* EAGAIN: still failing after the retries; the mount says EIO. */
static const struct {
	int status;
	int errnos[3]; /* by enum status_of */
} table[] = {
	{400, {EIO, EINVAL, EPERM}},
	{401, {EACCES, EACCES, EACCES}},
	{402, {EACCES, EACCES, EACCES}},
	{403, {EACCES, EACCES, EACCES}},
	{404, {ENOENT, ENOENT, ENOENT}},
	{405, {ENOTSUP, EPERM, EPERM}},
	{407, {EACCES, EACCES, EACCES}},
	{408, {EAGAIN, EAGAIN, EAGAIN}},
	{409, {EIO, EEXIST, EPERM}},
	{410, {ENOENT, ENOENT, ENOENT}},
	{412, {EACCES, EEXIST, EPERM}}, /* on reading: Harbor's policy on what may be pulled */
	{413, {EFBIG, EFBIG, EIO}},
	{415, {EIO, EINVAL, EIO}},
	{423, {EACCES, EACCES, EPERM}},
	{429, {EAGAIN, EAGAIN, EAGAIN}},
	{451, {EACCES, EACCES, EACCES}},
	{501, {ENOTSUP, EPERM, EPERM}},
	{507, {EIO, ENOSPC, EIO}},
};

int status_errno(enum status_of of, int status)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].errnos[of];
	return status >= 500 ? EAGAIN : EIO;
}

/* "404: NAME_UNKNOWN repository name not known" */
static void print_words(struct buf *text, int status, const struct error_body *body)
{
	buf_printf(text, "%d", status);
	if (body->code[0])
		buf_printf(text, ": %s", body->code);
	if (body->message[0])
		buf_printf(text, "%s%s", body->code[0] ? " " : ": ", body->message);
}

static int fail_not_made(struct error *err, const struct quirks *quirks,
	const struct quirks_place *place, const char *words)
{
	scoped(buf_freep) struct buf make = BUF_INIT(1024);

	if (!quirks->make)
		return fail(err, ENOENT,
			"%s does not take a push to %s: it, or its namespace, has to be created "
			"there first (%s)",
			place->host, place->repository, words);
	quirks_print(&make, quirks->make, place);
	return fail(err, ENOENT, "%s has to be created on %s first, as by '%s' (%s)",
		place->repository, quirks->title, buf_text(&make), words);
}

/* Some do not say which of the two it is. */
static int fail_denied(struct error *err, const struct quirks *quirks,
	const struct quirks_place *place, const char *words)
{
	scoped(buf_freep) struct buf make = BUF_INIT(1024);

	if (quirks->make)
		quirks_print(&make, quirks->make, place);
	return fail(err, EACCES,
		"%s answers %s; the login may not push there, or it has to be created first%s%s%s",
		place->host, words, make.len ? ", as by '" : "", buf_text(&make),
		make.len ? "'" : "");
}

static int fail_meaning(struct error *err, enum quirks_meaning meaning, const struct quirks *quirks,
	const struct quirks_place *place, const char *words)
{
	switch (meaning) {
	case QUIRKS_MEANS_IMMUTABLE:
		return fail(err, EEXIST,
			"%s does not let a published version be changed: push another version (%s)",
			place->host, words);
	case QUIRKS_MEANS_QUOTA:
		return fail(err, EDQUOT,
			"the quota on %s is used up: delete versions, or have it raised (%s)",
			place->host, words);
	case QUIRKS_MEANS_POLICY:
		return fail(err, EACCES, "a rule of %s forbids it (%s)", place->host, words);
	default:
		return fail_not_made(err, quirks, place, words);
	}
}

/* What a person may do about it; "" where the registry's words have to do. */
static const char *advice(int code, enum status_of of)
{
	switch (code) {
	case EEXIST:
		return "; what is published there cannot be changed: push another version";
	case EPERM:
		return of == STATUS_OF_DELETION ? "; it does not delete this" : "";
	case EAGAIN:
		return "; try again later";
	default:
		return "";
	}
}

int status_fail(struct error *err, enum status_of of, const struct response *response,
	const struct quirks *quirks, const char *host, const char *repository)
{
	struct quirks_place place = {.host = host, .repository = repository};
	scoped(buf_freep) struct buf words = BUF_INIT(1024);
	enum quirks_meaning meaning = QUIRKS_MEANS_NOTHING;
	int code = status_errno(of, response->status);
	struct error_body body;

	error_body_read(buf_text(&response->body), response->body.len, &body);
	print_words(&words, response->status, &body);
	if (of == STATUS_OF_PUSH)
		meaning = quirks_meaning(quirks, response->status, body.code, body.message);
	if (meaning)
		return fail_meaning(err, meaning, quirks, &place, buf_text(&words));
	if (of == STATUS_OF_PUSH && code == EACCES)
		return fail_denied(err, quirks, &place, buf_text(&words));
	return fail(err, code, "%s answers %s%s", host, buf_text(&words), advice(code, of));
}
