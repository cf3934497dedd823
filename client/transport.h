#pragma once
/*
 * HTTP, one request at a time or several side by side: one thread owns libcurl, which nothing
 * outside transport*.c knows. A transfer is one request to one server: no redirect is followed, no
 * request repeated, no status judged here (exchange.h does). Everything is bounded: headers to
 * 64 KiB, bodies to what the request allows, time by progress. Any thread may call.
 */
#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/wait.h"
#include "client/registry.h"

#include <stdbool.h>
#include <stdint.h>

struct transport;
struct transfer;

/* Made and stopped around the thread: no thread runs before transport_start(). `timeout_ms`
 * is how long a transfer may go without progress. After transport_stop() every transfer, also those
 * to come, ends with EINTR. */
struct transport *transport_new(int64_t timeout_ms, struct error *err);
int transport_start(struct transport *transport, struct error *err);
void transport_stop(struct transport *transport);
void transport_free(struct transport *transport); /* no transfer may be under way */
void transport_freep(struct transport **transport);

int64_t transport_timeout_ms(const struct transport *transport);

/* How to speak TLS with one host. Kept by who made it until the transfer has ended. */
struct tls_settings {
	const char *ca;   /* PEM: all certificates to trust, the system's included; NULL: system */
	size_t ca_len;    /* bytes of `ca` */
	const char *cert; /* PEM file of the client's certificate, or NULL */
	const char *key;  /* PEM file of its key; NULL: in `cert` */
	bool insecure;    /* any certificate will do */
};

/* What is sent with a request. From memory, or from a file by pread; can be sent again. */
struct body {
	bool is_set; /* a request with a body, be it empty */
	const void *bytes;
	int fd; /* where bytes is NULL */
	uint64_t size;
};

enum { REQUEST_HEADER_MAX = 8 };

struct request { /* all pointers stay the caller's, and valid until the transfer has ended */
	const char *method;        /* "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE" */
	const char *url;           /* absolute, http or https */
	const char *authorization; /* the header's value, NULL or "" for none; never logged; EACCES
				    * for one with a line end */
	const char *headers[REQUEST_HEADER_MAX]; /* "Name: value", up to the first NULL */
	struct body body;
	const struct sink *sink; /* takes the body of a 2xx answer; NULL: response.body does */
	uint64_t limit;          /* most bytes of a 2xx answer's body; 0: 4 MiB */
	const struct tls_settings *tls; /* NULL: the system's roots */
	bool only_public; /* refuse to connect to loopback, private and link-local addresses; what
			   * a proxy connects to is the proxy's affair */
	bool is_single;   /* never sent again by itself, not even when a kept connection was dead */
	bool only_connect; /* end once connected (TLS included), without sending anything */
};

/* Why there is no answer: what whoever would repeat the request has to know. */
enum failure {
	FAILURE_NONE,
	FAILURE_RESOLVE,     /* EHOSTUNREACH: no address for the name */
	FAILURE_CONNECT,     /* EHOSTUNREACH: refused, no route */
	FAILURE_TLS,         /* EPROTO: no handshake */
	FAILURE_CERTIFICATE, /* EPROTO: one that cannot be trusted */
	FAILURE_TLS_PLAIN,   /* EPROTO: the handshake was answered by "HTTP/" */
	FAILURE_BROKEN,      /* EHOSTUNREACH: the connection broke before the answer's end */
	FAILURE_TIMEOUT,     /* ETIMEDOUT: no progress */
	FAILURE_ADDRESS,     /* EACCES: only_public forbids it */
	FAILURE_PROTOCOL,    /* EIO: no HTTP, more than the limits */
	FAILURE_SINK,        /* the sink's own error */
	FAILURE_LOCAL,       /* EIO, ENOMEM: the body could not be read, no memory */
	FAILURE_OVER,        /* EINTR: the wait is over, or the transport was stopped */
};

enum peer { PEER_UNKNOWN, PEER_PUBLIC, PEER_PRIVATE, PEER_PROXY };

struct response {           /* {0} before; response_clear() after, also after failures */
	int status;         /* 0: there was no answer */
	struct buf headers; /* use response_header() */
	struct buf body;    /* error bodies are cut at 64 KiB */
	uint64_t received;  /* body bytes that came, those given to the sink included */
	char *url;          /* that was asked */
	enum failure failure;
	enum peer peer;   /* the class of the address that was connected to */
	bool is_loopback; /* that address, or the one tried last */
	bool was_reused;  /* the connection had served before */
};

/* The value of the header's i-th occurrence, or NULL. The name is matched in any case. */
const char *response_header(const struct response *response, const char *name, size_t i);
void response_clear(struct response *response);
void response_clearp(struct response *response); /* for scoped() */

/* Starts a transfer, which goes on by itself. Request and response stay where they are until
 * transport_wait() has ended it, which must be called: it returns 0 when there is an answer of
 * whatever status, else -errno with the sentence and response->failure. When `wait` is over the
 * transfer is ended and -EINTR returned. */
struct transfer *transport_submit(
	struct transport *transport, const struct request *request, struct response *response);
int transport_wait(struct transfer *transfer, const struct wait *wait, struct error *err);

/* Both in one. */
int transport_run(struct transport *transport, const struct request *request,
	struct response *response, const struct wait *wait, struct error *err);
