#include "client/status.h"

#include "client/error_body.h"

#include <errno.h>
#include <stdio.h>
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
	{412, {EACCES, EEXIST, EPERM}},
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

int status_fail(struct error *err, enum status_of of, const struct response *response,
	const struct quirks *quirks, const char *host, const char *repository)
{
	int code = status_errno(of, response->status);
	struct error_body body;
	const char *colon;

	(void)quirks, (void)repository;
	error_body_read(buf_text(&response->body), response->body.len, &body);
	colon = body.code[0] || body.message[0] ? ": " : "";
	return fail(err, code, "%s answers %d%s%s%s%s", host, response->status, colon, body.code,
		body.code[0] && body.message[0] ? " " : "", body.message);
}
