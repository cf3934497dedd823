#pragma once
/*
 * What the files transport*.c share, and nobody else sees.
 *
 *   transport.c         the thread: submitted -> origin's queue -> curl -> ended
 *   transport_handle.c  one transfer's curl handle: options and callbacks
 *   transport_failure.c what curl reports, as an errno and a sentence
 *   transport_trust.c   the certificates that are trusted, parsed once
 *   transport_proxy.c   which proxy the environment names for a URL
 *
 * transport.lock guards what is marked so; everything else of a transfer belongs to the transport
 * thread from submission until `is_ended`, then to who waits. The lock is a leaf.
 */
#include "cache/base/error.h"
#include "cache/base/list.h"
#include "client/transport.h"
#include "client/url.h"

#include <curl/curl.h>

enum {
	TRANSPORT_PER_ORIGIN = 32, /* connections side by side to one scheme, host and port */
	TRANSPORT_KEPT = 64,       /* idle connections that are kept */
	TRANSPORT_ORIGINS = 256,   /* remembered; redirects may name any number of them */
	TRANSPORT_BODY_DEFAULT = 4 << 20,
	TRANSPORT_ERROR_BODY = 64 << 10,
	TRANSPORT_HEADERS = 64 << 10,
};

/* Scheme, host and port. Those that wait for a connection are not late while others of the same
 * origin move. The thread's alone. */
struct origin {
	struct list waiting;
	size_t running;
	int64_t progress_ms;
	bool speaks_http2;
};

struct transfer {
	struct transport *transport;
	const struct request *request;
	struct response *response;
	struct list link; /* submitted (guarded), then origin.waiting, then transport.running */
	pthread_cond_t changed;
	bool is_cancelled; /* guarded by transport.lock */
	bool is_ended;     /* guarded by transport.lock */
	struct url url;
	struct origin *origin;
	const char *proxy; /* "" for none */
	CURL *easy;        /* NULL while it waits */
	struct curl_slist *headers;
	char curl_text[CURL_ERROR_SIZE];
	int64_t progress_ms;
	uint64_t sent; /* bytes of the request's body that curl has taken */
	int unsent;    /* bytes that the kernel still had to send, when last looked at */
	bool body_began;
	bool body_is_cut;   /* enough of an error's body came */
	bool is_plain_http; /* "HTTP/" came where a TLS record was due */
	struct error err;   /* what a callback found; err.code 0 for none */
};

/* transport_handle.c */
int transport_handle_open(struct transfer *transfer, struct error *err);
void transport_handle_close(struct transfer *transfer);
/* Whether the kernel has sent something since the last question: progress that curl cannot see. */
bool transport_handle_drains(struct transfer *transfer);

/* transport_failure.c: fills the transfer's error and response->failure. */
void failure_describe(struct transfer *transfer, CURLcode code);
void failure_set(struct transfer *transfer, enum failure failure, int code, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* transport_trust.c: a callback of curl's that gives a connection's TLS context the certificates
 * to trust. */
struct trust;
CURLcode trust_use(CURL *easy, void *context, void *transfer);
void trust_free_all(struct trust *trusts);
struct trust **transport_trusts(struct transport *transport);

/* The proxy for a URL, "" for none; the environment's own text. Loopback is never proxied. */
const char *transport_proxy(const struct url *url);
/* Whether a list as in NO_PROXY ("a.example,.b,10.0.0.0/8,host:port,*") holds the host. */
bool transport_proxy_excludes(const char *list, const char *host, unsigned port);
