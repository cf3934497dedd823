#include "client/exchange.h"

#include "cache/base/clock.h"
#include "cache/base/log.h"
#include "cache/base/scope.h"
#include "client/retry.h"
#include "client/url.h"

#include <string.h>
#include <strings.h>

/* Four challenges: without a token, then the three ways to ask for a deletion's. */
enum { HOPS_MAX = 5, BROKEN_AT_ONCE_MAX = 2, CHALLENGES_MAX = 4 };

static struct scopes scopes_of(const struct exchange *exchange)
{
	struct scopes scopes = {.at = exchange->scopes};

	while (scopes.count < EXCHANGE_SCOPES && exchange->scopes[scopes.count].actions)
		scopes.count++;
	return scopes;
}

static int set_url(struct endpoint *endpoint, struct exchange *exchange, const struct wait *wait,
	struct error *err)
{
	bool is_path = exchange->path[0] == '/';
	const char *base = endpoint_base(endpoint, wait, err);

	if (!base)
		return -err->code;
	buf_clear(&exchange->url);
	exchange->url = (struct buf)BUF_INIT(EXCHANGE_URL_SIZE);
	if (buf_printf(&exchange->url, "%s%s", is_path ? base : "", exchange->path) < 0)
		return fail(err, is_path ? EINVAL : EIO, "an address of %s is too long",
			endpoint_host(endpoint));
	if (strncasecmp(base, "https:", 6) == 0 &&
		strncasecmp(buf_text(&exchange->url), "https:", 6) != 0)
		return fail(err, EPROTO, "%s leads from https to http: refused",
			endpoint_host(endpoint));
	return 0;
}

/* Whether a URL is the registry's own: there, and only there, its credentials may go. */
static bool is_own(struct endpoint *endpoint, const char *url)
{
	struct error ignored = {0};
	const char *base = endpoint_base(endpoint, NULL, &ignored);

	return base && url_is_same_origin(base, url);
}

static int set_request(struct endpoint *endpoint, struct exchange *exchange, struct error *err)
{
	struct request *request = &exchange->request;
	const char *url = buf_text(&exchange->url);
	bool own = is_own(endpoint, url);

	if (!own)
		exchange->was_redirected = true;
	*request = (struct request){.method = exchange->method,
		.url = url,
		.body = exchange->body,
		.sink = exchange->sink,
		.limit = exchange->limit,
		.is_single = exchange->keeps_lost,
		.only_public = !own && !endpoint_is_private(endpoint)};
	memcpy(request->headers, exchange->headers, sizeof(exchange->headers));
	if (exchange->credentials)
		request->authorization = exchange->hops == 0 ? exchange->credentials : NULL;
	else if (own)
		request->authorization = buf_text(&exchange->authorization);
	request->tls = endpoint_tls(endpoint, url, err);
	return request->tls ? 0 : -err->code;
}

/* Sends what exchange->url says. */
static int submit(struct endpoint *endpoint, struct exchange *exchange, struct error *err)
{
	int r = set_request(endpoint, exchange, err);

	if (r < 0)
		return r;
	response_clear(&exchange->response);
	exchange->transfer = transport_submit(
		endpoint_transport(endpoint), &exchange->request, &exchange->response);
	return 0;
}

/* The first request of an attempt, to the registry itself. */
static int send_first(struct endpoint *endpoint, struct exchange *exchange, const struct wait *wait,
	struct error *err)
{
	int r = endpoint_admit(endpoint, err);

	if (r == 0)
		r = set_url(endpoint, exchange, wait, err);
	if (r < 0)
		return r;
	exchange->hops = 0;
	exchange->was_redirected = false;
	exchange->attempts++;
	if (exchange->sink && exchange->sink_is_dirty &&
		(r = exchange->sink->rewind(exchange->sink->to, err)) < 0)
		return r;
	exchange->sink_is_dirty = false;
	return submit(endpoint, exchange, err);
}

static int authorize(struct endpoint *endpoint, struct exchange *exchange, const struct wait *wait,
	struct error *err)
{
	struct scopes scopes = scopes_of(exchange);

	buf_wipe(&exchange->authorization);
	exchange->authorization = (struct buf)BUF_INIT(EXCHANGE_AUTHORIZATION_SIZE);
	if (exchange->credentials)
		return 0;
	return auth_authorize(
		endpoint_auth(endpoint), &scopes, &exchange->authorization, wait, err);
}

void exchange_start(struct endpoint *endpoint, struct exchange *exchange, const struct wait *wait)
{
	struct error *err = &exchange->err;

	exchange->began_ms = clock_now_ms();
	/* The scheme comes first: the token server may be the registry itself. */
	if (!endpoint_base(endpoint, wait, err))
		return;
	if (authorize(endpoint, exchange, wait, err) == 0)
		send_first(endpoint, exchange, wait, err);
}

/* The 401 of the registry itself. 0: sent again. */
static int answer_challenge(struct endpoint *endpoint, struct exchange *exchange,
	const struct wait *wait, struct error *err)
{
	scoped(buf_wipep) struct buf authorization = BUF_INIT(EXCHANGE_AUTHORIZATION_SIZE);
	struct scopes scopes = scopes_of(exchange);
	int r;

	if (++exchange->challenges > CHALLENGES_MAX)
		return fail(err, EACCES, "%s refuses every token that it was sent",
			endpoint_host(endpoint));
	r = auth_answer(endpoint_auth(endpoint), &exchange->response, &scopes,
		buf_text(&exchange->authorization), &authorization, wait, err);
	if (r < 0)
		return r;
	buf_wipe(&exchange->authorization);
	exchange->authorization = authorization;
	authorization = (struct buf)BUF_INIT(0);
	return send_first(endpoint, exchange, wait, err);
}

static bool is_redirect(const struct exchange *exchange)
{
	int status = exchange->response.status;

	if (!response_header(&exchange->response, "Location", 0))
		return false;
	if (status == 307 || status == 308)
		return true;
	/* Others would turn a write into a read. */
	return (status == 301 || status == 302 || status == 303) &&
	       (strcmp(exchange->method, "GET") == 0 || strcmp(exchange->method, "HEAD") == 0);
}

/* Follows one redirect. 0: sent. */
static int follow(struct endpoint *endpoint, struct exchange *exchange, struct error *err)
{
	scoped(buf_freep) struct buf target = BUF_INIT(EXCHANGE_URL_SIZE);
	struct buf next = BUF_INIT(EXCHANGE_URL_SIZE);
	const char *from = exchange->response.url;
	const char *location = response_header(&exchange->response, "Location", 0);
	bool was_https = strncasecmp(from, "https:", 6) == 0;

	if (++exchange->hops > HOPS_MAX)
		return fail(err, EIO, "%s redirects more than %d times", endpoint_host(endpoint),
			HOPS_MAX);
	if (url_resolve(from, location, &target, err) < 0)
		return fail_within(err, "a redirect of %s", endpoint_host(endpoint));
	if (url_restore_scheme(from, buf_text(&target), &next) < 0)
		return fail(err, EIO, "a redirect of %s is too long", endpoint_host(endpoint));
	buf_clear(&exchange->url);
	exchange->url = next;
	if (was_https && strncasecmp(buf_text(&next), "https:", 6) != 0)
		return fail(err, EPROTO, "%s redirects from https to http: refused",
			endpoint_host(endpoint));
	if (!is_own(endpoint, buf_text(&next)))
		buf_wipe(&exchange->authorization); /* not even if it leads back later */
	return submit(endpoint, exchange, err);
}

/* Waits before asking again. -EAGAIN: there is nothing to be gained any more. */
static int pause_for(struct endpoint *endpoint, struct exchange *exchange, int64_t delay_ms,
	const struct wait *wait, struct error *err)
{
	int64_t left_ms = exchange->began_ms + endpoint_timeout_ms(endpoint) - clock_now_ms();

	if (delay_ms > left_ms)
		return -EAGAIN;
	exchange->repeats++;
	log_debug("%s %s is asked again in %lld ms", exchange->method, endpoint_host(endpoint),
		(long long)delay_ms);
	if (wait_sleep(wait, delay_ms) < 0)
		return fail(
			err, EINTR, "interrupted while waiting for %s", endpoint_host(endpoint));
	return 0;
}

/* A transfer without an answer. 0: sent again, else its error or another. */
static int retry_failure(struct endpoint *endpoint, struct exchange *exchange,
	const struct wait *wait, struct error *err)
{
	const struct response *response = &exchange->response;
	bool has_answered = endpoint_has_answered(endpoint);
	struct error other = {0};
	int64_t delay_ms;
	int r;

	/* A kept connection that the server had closed: nothing is wrong. */
	if (response->failure == FAILURE_BROKEN && response->was_reused && !exchange->is_once &&
		!exchange->keeps_lost && exchange->repeats < BROKEN_AT_ONCE_MAX)
		delay_ms = 0;
	else if (exchange->is_once || (exchange->keeps_lost && response->failure == FAILURE_BROKEN))
		return -err->code;
	else
		delay_ms =
			retry_delay_of_failure(response->failure, has_answered, exchange->repeats);
	if (delay_ms < 0)
		return -err->code;
	r = pause_for(endpoint, exchange, delay_ms, wait, &other);
	if (r == 0)
		r = send_first(endpoint, exchange, wait, &other);
	if (r == -EAGAIN)
		return -err->code;
	if (r < 0)
		*err = other;
	return r;
}

/* Whether an answer that everybody gets tells that there are logins as well (zot at /v2/). */
static bool is_offer(const struct exchange *exchange)
{
	return exchange->response.status == 200 && !exchange->was_redirected &&
	       !exchange->credentials && !exchange->sink && exchange->challenges == 0 &&
	       !exchange->authorization.len &&
	       response_header(&exchange->response, "WWW-Authenticate", 0);
}

/* 1: the answer stands. 0: sent again, with credentials. */
static int answer_offer(struct endpoint *endpoint, struct exchange *exchange,
	const struct wait *wait, struct error *err)
{
	struct scopes scopes = scopes_of(exchange);
	int r;

	exchange->challenges++;
	r = auth_answer_offer(endpoint_auth(endpoint), &exchange->response, &scopes,
		&exchange->authorization, wait, err);
	return r != 0 ? r : send_first(endpoint, exchange, wait, err);
}

/* What to do with an answer. 1: it is final. 0: something was sent again. */
static int judge(struct endpoint *endpoint, struct exchange *exchange, const struct wait *wait,
	struct error *err)
{
	struct response *response = &exchange->response;
	int64_t delay_ms;
	int r;

	if (response->status == 401 && !exchange->was_redirected && !exchange->credentials)
		return answer_challenge(endpoint, exchange, wait, err);
	if (is_offer(exchange))
		return answer_offer(endpoint, exchange, wait, err);
	if (is_redirect(exchange))
		return follow(endpoint, exchange, err);
	/* The signed address of a redirect may have run out meanwhile. */
	if (exchange->was_redirected && exchange->hops > 0 && response->status == 403 &&
		exchange->repeats == 0 && strcmp(exchange->method, "GET") == 0)
		delay_ms = 0;
	else
		delay_ms =
			exchange->is_once ? -1 : retry_delay_of_answer(response, exchange->repeats);
	if (delay_ms < 0)
		return 1;
	r = pause_for(endpoint, exchange, delay_ms, wait, err);
	if (r == -EAGAIN)
		return 1;
	if (r == 0 && exchange->was_redirected)
		r = authorize(endpoint, exchange, wait, err);
	return r < 0 ? r : send_first(endpoint, exchange, wait, err);
}

/* Waits for what is under way. 1: the answer is final. 0: something was sent again. */
static int step(struct endpoint *endpoint, struct exchange *exchange, const struct wait *wait,
	struct error *err)
{
	int r = transport_wait(exchange->transfer, wait, err);

	exchange->transfer = NULL;
	if (exchange->sink && exchange->response.received)
		exchange->sink_is_dirty = true;
	if (is_own(endpoint, exchange->response.url))
		endpoint_note(endpoint, &exchange->response);
	if (r < 0)
		return retry_failure(endpoint, exchange, wait, err);
	return judge(endpoint, exchange, wait, err);
}

int exchange_finish(struct endpoint *endpoint, struct exchange *exchange, const struct wait *wait,
	struct error *err)
{
	struct error failure = {0};
	int r = 0;

	if (!exchange->transfer) {
		*err = exchange->err;
		return -err->code;
	}
	while (r == 0)
		r = step(endpoint, exchange, wait, &failure);
	if (r > 0)
		return 0;
	*err = failure;
	return r;
}

int exchange_run(struct endpoint *endpoint, struct exchange *exchange, const struct wait *wait,
	struct error *err)
{
	exchange_start(endpoint, exchange, wait);
	return exchange_finish(endpoint, exchange, wait, err);
}

void exchange_reset(struct exchange *exchange)
{
	response_clear(&exchange->response);
	buf_wipe(&exchange->authorization);
	buf_clear(&exchange->url);
	exchange->repeats = exchange->hops = exchange->challenges = 0;
	exchange->was_redirected = false;
	exchange->err = (struct error){0};
}

void exchange_clear(struct exchange *exchange)
{
	exchange_reset(exchange);
	*exchange = (struct exchange){0};
}

void exchange_clearp(struct exchange *exchange)
{
	exchange_clear(exchange);
}
