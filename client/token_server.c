#include "client/token_server.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/error_body.h"
#include "client/retry.h"
#include "client/url.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { TRIES = 3, FIRST_PAUSE_MS = 250, LONGEST_PAUSE_MS = 10000, HOPS = 5 };

/* A token may take this many times the timeout, redirects and repetitions included. */
enum { TIMEOUTS = 4 };

/* The host of the server's URL as certs.d knows it, and for sentences: HOST[:PORT]. */
static char *host_of(const char *url)
{
	struct url parts;
	bool is_v6;

	if (!url_parse(url, &parts))
		return must_copy("?");
	is_v6 = strchr(parts.host, ':') != NULL;
	if (parts.port == (parts.is_https ? 443u : 80u))
		return must_print(is_v6 ? "[%s]" : "%s", parts.host);
	return must_print(is_v6 ? "[%s]:%u" : "%s:%u", parts.host, parts.port);
}

static bool is_passing(const struct response *response)
{
	int status = response->status;

	if (status == 0)
		return response->failure == FAILURE_BROKEN;
	return status == 408 || status == 429 || status >= 500;
}

static int64_t pause_ms(const struct response *response, int tried)
{
	const char *after = response_header(response, "Retry-After", 0);
	int64_t after_ms = after ? retry_parse_after(after, time(NULL)) : -1;
	int64_t ms = after_ms >= 0 ? after_ms : (int64_t)FIRST_PAUSE_MS << tried;

	/* A reused connection may have been closed by the server at any time: no fault of it. */
	if (response->status == 0 && response->was_reused)
		return 0;
	return ms < LONGEST_PAUSE_MS ? ms : LONGEST_PAUSE_MS;
}

/* Sends the request, again where the failure is one that passes. */
static int run(const struct token_server *server, const struct request *request,
	struct response *response, const struct wait *wait, struct error *err)
{
	int r;

	for (int tried = 0;; tried++) {
		response_clear(response);
		r = transport_run(server->transport, request, response, wait, err);
		if (tried + 1 == TRIES || !is_passing(response))
			return r;
		if (wait_sleep(wait, pause_ms(response, tried)) < 0)
			return fail(err, EINTR, "interrupted while asking for a token");
	}
}

static int run_at(const struct token_server *server, const char *url, struct request *request,
	struct response *response, const struct wait *wait, struct error *err)
{
	scoped(freep) char *host = host_of(url);

	request->url = url;
	request->limit = TOKEN_REPLY_MAX;
	request->only_public = server->only_public;
	request->tls = certs_find(server->certs, host, server->is_registry, err);
	if (!request->tls)
		return -err->code;
	return run(server, request, response, wait, err);
}

/* 1: the answer is a redirect, and `url` the new address, which must be the same server's. */
static int follow(const struct response *response, struct buf *url, struct error *err)
{
	scoped(buf_freep) struct buf target = BUF_INIT(URL_SIZE_MAX);
	const char *location = response_header(response, "Location", 0);

	if (response->status < 301 || response->status > 308 || !location)
		return 0;
	if (url_resolve(buf_text(url), location, &target, err) < 0)
		return -err->code;
	if (!url_is_same_origin(buf_text(url), buf_text(&target)))
		return fail(
			err, EACCES, "it redirects to another server, where no credentials may go");
	buf_clear(url);
	return buf_add(url, buf_text(&target)) < 0 ? fail(err, EIO, "its redirect is too long") : 1;
}

static int get(const struct token_server *server, const struct token_question *question,
	const struct account *account, struct response *response, const struct wait *wait,
	struct error *err)
{
	scoped(buf_wipep) struct buf authorization = BUF_INIT(TOKEN_REPLY_MAX);
	scoped(buf_freep) struct buf url = BUF_INIT(URL_SIZE_MAX);
	struct request request = {.method = "GET"};
	int r = token_print_url(question, account, &url);

	if (r == 0 && account->kind != ACCOUNT_NONE)
		r = token_print_basic(account, &authorization);
	if (r < 0)
		return fail(err, EIO, "the token request would be too long");
	request.authorization = buf_text(&authorization);
	for (int hop = 0; hop <= HOPS; hop++) {
		r = run_at(server, buf_text(&url), &request, response, wait, err);
		if (r == 0)
			r = follow(response, &url, err);
		if (r <= 0)
			return r;
	}
	return fail(err, EIO, "it redirects without end");
}

static int post(const struct token_server *server, const struct token_question *question,
	const struct account *account, struct response *response, const struct wait *wait,
	struct error *err)
{
	scoped(buf_wipep) struct buf form = BUF_INIT(3 * TOKEN_REPLY_MAX);
	struct request request = {
		.method = "POST", .headers = {"Content-Type: application/x-www-form-urlencoded"}};

	if (token_print_form(question, account, &form) < 0)
		return fail(err, EIO, "the token request would be too long");
	request.body.is_set = true;
	request.body.bytes = buf_text(&form);
	request.body.size = form.len;
	return run_at(server, question->realm, &request, response, wait, err);
}

/* What a status other than 200 means. */
static int judge(const struct token_server *server, const char *at, const struct account *account,
	const struct response *response, struct error *err)
{
	struct error_body body;
	const char *colon;

	error_body_read(buf_text(&response->body), response->body.len, &body);
	colon = *body.message ? ": " : "";
	if (response->status != 400 && response->status != 401 && response->status != 403)
		return fail(err, EIO,
			"the token server %s of %s answers %d%s%s: try again later, or check the "
			"registry's address",
			at, server->host, response->status, colon, body.message);
	if (account->kind == ACCOUNT_NONE)
		return fail(err, EACCES,
			"%s lets nobody in without a login (token server %s: %d%s%s): %s",
			server->host, at, response->status, colon, body.message, server->remedy);
	return fail(err, EACCES,
		"the token server %s of %s does not accept the %s %s (%d%s%s), which is wrong, has "
		"expired or has no such right: %s",
		at, server->host, server->whose,
		account->kind == ACCOUNT_IDENTITY ? "identity token" : "user and password",
		response->status, colon, body.message, server->remedy);
}

/* The body holds a secret. */
static void reply_wipe(struct response *response)
{
	buf_wipe(&response->body);
	response_clear(response);
}

int token_server_ask(const struct token_server *server, const struct token_question *question,
	const struct account *account, struct token *token, const struct wait *wait,
	struct error *err)
{
	scoped(reply_wipe) struct response response = {0};
	scoped(freep) char *at = host_of(question->realm);
	bool is_identity = account->kind == ACCOUNT_IDENTITY;
	struct wait_limit limit;
	int r;

	wait_limit_begin(&limit, wait, TIMEOUTS * transport_timeout_ms(server->transport));
	if (is_identity)
		r = post(server, question, account, &response, &limit.wait, err);
	/* Servers that know no OAuth2 take the identity token as a password. */
	if (!is_identity || (r == 0 && (response.status == 404 || response.status == 405)))
		r = get(server, question, account, &response, &limit.wait, err);
	if (r == -EINTR && wait_limit_is_reached(&limit))
		return fail(err, ETIMEDOUT, "the token server %s of %s takes too long", at,
			server->host);
	if (r == 0 && response.status != 200)
		return judge(server, at, account, &response, err);
	if (r == 0)
		r = token_parse(buf_text(&response.body), response.body.len, token, err);
	if (r == -EFBIG)
		err->code = EIO;
	if (r < 0)
		return fail_within(err, "no token from %s for %s", at, server->host);
	return 0;
}
