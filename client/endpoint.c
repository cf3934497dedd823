#include "client/endpoint.h"

#include "cache/base/clock.h"
#include "cache/base/log.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/reference.h"
#include "client/url.h"

#include <string.h>

enum { SILENCES_BEFORE_PAUSE = 3, PAUSE_MS = 2000 };

enum scheme { SCHEME_UNKNOWN, SCHEME_BEING_ASKED, SCHEME_HTTP, SCHEME_HTTPS };

struct endpoint {
	struct transport *transport;
	struct certs *certs;
	struct auth *auth;
	char *host;
	char *http, *https;   /* "http://HOST", "https://HOST" */
	pthread_mutex_t lock; /* a leaf; guards all below */
	pthread_cond_t scheme_changed;
	enum scheme scheme;
	unsigned scheme_failures;  /* how many times it could not be found out */
	struct error scheme_error; /* why, the last time */
	const struct quirks *quirks;
	bool has_answered, is_private;
	unsigned silences; /* in a row */
	int64_t paused_until_ms;
};

struct endpoint *endpoint_new(const struct auth_setup *setup)
{
	struct endpoint *endpoint = must_alloc(sizeof(*endpoint));

	endpoint->auth = auth_new(setup);
	endpoint->transport = setup->transport;
	endpoint->certs = setup->certs;
	endpoint->host = must_copy(setup->host);
	endpoint->http = must_print("http://%s", setup->host);
	endpoint->https = must_print("https://%s", setup->host);
	pthread_mutex_init(&endpoint->lock, NULL);
	wait_condition_init(&endpoint->scheme_changed);
	endpoint->quirks = quirks_of_host(setup->host);
	if (setup->options->plain_http)
		endpoint->scheme = SCHEME_HTTP;
	else if (!reference_is_loopback(setup->host))
		endpoint->scheme = SCHEME_HTTPS;
	return endpoint;
}

void endpoint_free(struct endpoint *endpoint)
{
	if (!endpoint)
		return;
	auth_free(endpoint->auth);
	pthread_cond_destroy(&endpoint->scheme_changed);
	pthread_mutex_destroy(&endpoint->lock);
	free(endpoint->host);
	free(endpoint->http);
	free(endpoint->https);
	free(endpoint);
}

const char *endpoint_host(const struct endpoint *endpoint)
{
	return endpoint->host;
}

struct auth *endpoint_auth(const struct endpoint *endpoint)
{
	return endpoint->auth;
}

struct transport *endpoint_transport(const struct endpoint *endpoint)
{
	return endpoint->transport;
}

int64_t endpoint_timeout_ms(const struct endpoint *endpoint)
{
	return transport_timeout_ms(endpoint->transport);
}

const struct tls_settings *endpoint_tls(
	const struct endpoint *endpoint, const char *url, struct error *err)
{
	char host[URL_HOST_SIZE + 16];
	struct url parts;
	bool is_default;

	if (url_is_same_origin(url, endpoint->https))
		return certs_find(endpoint->certs, endpoint->host, true, err);
	if (!url_parse(url, &parts)) {
		fail(err, EIO, "this is no address of http or https");
		return NULL;
	}
	is_default = parts.port == (parts.is_https ? 443 : 80);
	snprintf(host, sizeof(host), strchr(parts.host, ':') ? "[%s]" : "%s", parts.host);
	if (!is_default)
		snprintf(host + strlen(host), 8, ":%u", parts.port);
	return certs_find(endpoint->certs, host, false, err);
}

/* Asks by a TLS hello alone. SCHEME_UNKNOWN with the failure where that did not tell. */
static enum scheme ask_scheme(struct endpoint *endpoint, const struct wait *wait, struct error *err)
{
	struct request request = {.method = "GET", .url = endpoint->https, .only_connect = true};
	scoped(response_clearp) struct response response = {0};
	int r;

	request.tls = certs_find(endpoint->certs, endpoint->host, true, err);
	if (!request.tls)
		return SCHEME_UNKNOWN;
	r = transport_run(endpoint->transport, &request, &response, wait, err);
	if (r == 0 || response.failure == FAILURE_CERTIFICATE)
		return SCHEME_HTTPS;
	if (response.failure == FAILURE_TLS_PLAIN && response.is_loopback) {
		log_debug("%s speaks plain http", endpoint->host);
		return SCHEME_HTTP;
	}
	return SCHEME_UNKNOWN;
}

static const char *base_of_scheme_locked(const struct endpoint *endpoint)
{
	return endpoint->scheme == SCHEME_HTTP ? endpoint->http : endpoint->https;
}

/* The lock is held before and after, and not while it asks. */
static int find_scheme_locked(struct endpoint *endpoint, const struct wait *wait, struct error *err)
{
	enum scheme scheme;
	struct error failure = {0};

	endpoint->scheme = SCHEME_BEING_ASKED;
	pthread_mutex_unlock(&endpoint->lock);
	scheme = ask_scheme(endpoint, wait, &failure);
	pthread_mutex_lock(&endpoint->lock);
	endpoint->scheme = scheme;
	pthread_cond_broadcast(&endpoint->scheme_changed);
	if (scheme != SCHEME_UNKNOWN)
		return 0;
	*err = failure;
	if (failure.code != EINTR) { /* that was this caller's own affair */
		endpoint->scheme_failures++;
		endpoint->scheme_error = failure;
	}
	return -failure.code;
}

const char *endpoint_base(struct endpoint *endpoint, const struct wait *wait, struct error *err)
{
	unsigned failures;
	int r = 0;

	pthread_mutex_lock(&endpoint->lock);
	failures = endpoint->scheme_failures;
	while (r == 0 && endpoint->scheme < SCHEME_HTTP) {
		if (endpoint->scheme_failures != failures) { /* whoever asked learnt this */
			*err = endpoint->scheme_error;
			r = -err->code;
		} else if (endpoint->scheme == SCHEME_UNKNOWN) {
			r = find_scheme_locked(endpoint, wait, err);
		} else if (wait_step(wait, &endpoint->scheme_changed, &endpoint->lock, 0) < 0) {
			r = fail(err, EINTR, "interrupted while waiting for %s", endpoint->host);
		}
	}
	pthread_mutex_unlock(&endpoint->lock);
	return r < 0 ? NULL : base_of_scheme_locked(endpoint);
}

const struct quirks *endpoint_quirks(struct endpoint *endpoint)
{
	const struct quirks *quirks;

	pthread_mutex_lock(&endpoint->lock);
	quirks = endpoint->quirks;
	pthread_mutex_unlock(&endpoint->lock);
	return quirks;
}

bool endpoint_has_answered(struct endpoint *endpoint)
{
	bool has_answered;

	pthread_mutex_lock(&endpoint->lock);
	has_answered = endpoint->has_answered;
	pthread_mutex_unlock(&endpoint->lock);
	return has_answered;
}

bool endpoint_is_private(struct endpoint *endpoint)
{
	bool is_private;

	pthread_mutex_lock(&endpoint->lock);
	is_private = endpoint->is_private;
	pthread_mutex_unlock(&endpoint->lock);
	return is_private;
}

int endpoint_admit(struct endpoint *endpoint, struct error *err)
{
	bool is_paused;

	pthread_mutex_lock(&endpoint->lock);
	is_paused = clock_now_ms() < endpoint->paused_until_ms;
	pthread_mutex_unlock(&endpoint->lock);
	if (is_paused)
		return fail(err, ETIMEDOUT,
			"%s did not answer several times in a row: it is asked again in a few "
			"seconds",
			endpoint->host);
	return 0;
}

void endpoint_note(struct endpoint *endpoint, const struct response *response)
{
	pthread_mutex_lock(&endpoint->lock);
	if (response->status) {
		endpoint->has_answered = true;
		endpoint->is_private = response->peer == PEER_PRIVATE;
		endpoint->silences = 0;
		endpoint->quirks = quirks_of_response(endpoint->quirks, response);
	} else if (response->failure == FAILURE_TIMEOUT) {
		if (++endpoint->silences >= SILENCES_BEFORE_PAUSE)
			endpoint->paused_until_ms = clock_now_ms() + PAUSE_MS;
	} else if (response->failure != FAILURE_OVER) {
		endpoint->silences = 0;
	}
	pthread_mutex_unlock(&endpoint->lock);
}
