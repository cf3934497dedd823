#pragma once
/*
 * One question to a registry and its final answer: the scheme, the Authorization header and its
 * renewal after a 401, redirects, retries. Between it and the wire there is only the transport.
 */
#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/wait.h"
#include "client/endpoint.h"
#include "client/transport.h"

#include <stdbool.h>
#include <stdint.h>

enum { EXCHANGE_SCOPES = 2, EXCHANGE_URL_SIZE = 32 << 10, EXCHANGE_AUTHORIZATION_SIZE = 256 << 10 };

struct exchange { /* {.method = ..., .path = ...} before; exchange_clear() after */
	/* The question. What is pointed to stays the caller's until the end. */
	const char *method;
	const char *path; /* "/v2/..." of the registry, or an absolute URL that it gave */
	const char *headers[4];
	struct body body;
	const struct sink *sink; /* rewound before a repetition */
	uint64_t limit;
	struct scope scopes[EXCHANGE_SCOPES]; /* none: as GET /v2/ */
	/* An Authorization to send to `path` and nowhere else, instead of the registry's own; ""
	 * for none. NULL: the registry's, and to the registry only. */
	const char *credentials;
	bool is_once;    /* a broken connection or a 5xx is the caller's to handle (uploads) */
	bool keeps_lost; /* an answer that is lost is not asked for again */

	/* The answer. */
	bool was_redirected; /* it came from another server than the registry, be it that `path`
			      * names one: a login that it asks for is none of the registry's */
	bool sink_is_dirty;  /* bytes of an earlier attempt are in it */
	unsigned attempts;   /* requests to the registry that were made for it */
	struct response response;

	/* exchange.c's own. */
	struct request request;
	struct transfer *transfer;
	struct buf authorization, url;
	int64_t began_ms;
	unsigned repeats, hops, challenges;
	struct error err; /* of exchange_start() */
};

/* Sends it; afterwards exchange_finish() must be called, also where this fails: that tells. So
 * several can be under way at once. May wait: for a token, for the scheme. */
void exchange_start(struct endpoint *endpoint, struct exchange *exchange, const struct wait *wait);

/* Waits for the final answer: 0 with response.status, whatever that is (5xx and 429 after the
 * retries) but 401, which is -EACCES; else -errno with the sentence. */
int exchange_finish(struct endpoint *endpoint, struct exchange *exchange, const struct wait *wait,
	struct error *err);

/* Both in one. */
int exchange_run(struct endpoint *endpoint, struct exchange *exchange, const struct wait *wait,
	struct error *err);

/* Makes it ready to be asked once more, with the same question. */
void exchange_reset(struct exchange *exchange);
void exchange_clear(struct exchange *exchange);
void exchange_clearp(struct exchange *exchange); /* for scoped() */
