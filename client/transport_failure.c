#include "client/transport_private.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

void failure_set(struct transfer *transfer, enum failure failure, int code, const char *format, ...)
{
	char text[sizeof(transfer->err.text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fail(&transfer->err, code, "%s", text);
	transfer->response->failure = failure;
}

/* What curl knows in words, or else the code's own text. Some of its words quote the proxy's
 * address, in which a password may stand. */
static const char *curl_says(const struct transfer *transfer, CURLcode code)
{
	const char *text = transfer->curl_text;

	if (*transfer->proxy && strstr(text, transfer->proxy))
		return curl_easy_strerror(code);
	return *text ? text : curl_easy_strerror(code);
}

static void describe_tls(struct transfer *transfer, CURLcode code)
{
	const char *host = transfer->url.host;

	if (transfer->is_plain_http)
		failure_set(transfer, FAILURE_TLS_PLAIN, EPROTO,
			"%s:%u answers http where https was asked for: use -o plain_http if it may "
			"be trusted without encryption",
			host, transfer->url.port);
	else if (code == CURLE_PEER_FAILED_VERIFICATION)
		failure_set(transfer, FAILURE_CERTIFICATE, EPROTO,
			"the certificate of %s:%u cannot be trusted (%s): give its authority by "
			"-o ca_file=FILE",
			host, transfer->url.port, curl_says(transfer, code));
	else if (code == CURLE_SSL_CERTPROBLEM)
		failure_set(transfer, FAILURE_TLS, EPROTO,
			"the client certificate for %s:%u cannot be used (%s)", host,
			transfer->url.port, curl_says(transfer, code));
	else if (code == CURLE_SSL_CACERT_BADFILE)
		failure_set(transfer, FAILURE_TLS, EPROTO,
			"the certificates to trust for %s:%u cannot be read (%s)", host,
			transfer->url.port, curl_says(transfer, code));
	else
		failure_set(transfer, FAILURE_TLS, EPROTO,
			"no TLS connection with %s:%u (%s): if it speaks plain http, use "
			"-o plain_http",
			host, transfer->url.port, curl_says(transfer, code));
}

static void describe_unconnected(struct transfer *transfer, CURLcode code)
{
	const char *host = transfer->url.host;

	if (*transfer->proxy)
		failure_set(transfer, FAILURE_CONNECT, EHOSTUNREACH,
			"cannot connect to the proxy for %s:%u (%s): does it run, and is it given as "
			"in https_proxy=http://HOST:PORT?",
			host, transfer->url.port, curl_says(transfer, code));
	else
		failure_set(transfer, FAILURE_CONNECT, EHOSTUNREACH,
			"cannot connect to %s:%u (%s): is the registry running?", host,
			transfer->url.port, curl_says(transfer, code));
}

static void describe_network(struct transfer *transfer, CURLcode code)
{
	const char *host = transfer->url.host;

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		failure_set(transfer, FAILURE_RESOLVE, EHOSTUNREACH,
			"cannot find the address of %s: is the name right, does the name server "
			"answer?",
			host);
		break;
	case CURLE_COULDNT_RESOLVE_PROXY:
		failure_set(transfer, FAILURE_RESOLVE, EHOSTUNREACH,
			"cannot find the address of the proxy for %s (see https_proxy)", host);
		break;
	case CURLE_COULDNT_CONNECT:
		describe_unconnected(transfer, code);
		break;
	case CURLE_OPERATION_TIMEDOUT:
		failure_set(transfer, FAILURE_TIMEOUT, ETIMEDOUT, "%s:%u does not answer in time",
			host, transfer->url.port);
		break;
	case CURLE_OUT_OF_MEMORY:
		failure_set(transfer, FAILURE_LOCAL, ENOMEM, "no memory for a transfer");
		break;
	default:
		failure_set(transfer, FAILURE_PROTOCOL, EIO, "%s:%u: %s", host, transfer->url.port,
			curl_says(transfer, code));
	}
}

/* The proxy's own answer to CONNECT, where that was no success; else 0. */
static long proxy_refusal(struct transfer *transfer)
{
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return status >= 300 ? status : 0;
}

static void describe_refusal(struct transfer *transfer, long status)
{
	failure_set(transfer, FAILURE_CONNECT, EHOSTUNREACH,
		"the proxy does not connect to %s:%u (%ld): %s", transfer->url.host,
		transfer->url.port, status,
		status == 407 ? "it wants a user and password, as in "
				"https_proxy=http://USER:PASSWORD@HOST:PORT"
			      : "check https_proxy, or name the host in no_proxy");
}

void failure_describe(struct transfer *transfer, CURLcode code)
{
	if (transfer->err.code) /* a callback, which knows better, ended it */
		return;
	if (code != CURLE_OPERATION_TIMEDOUT && proxy_refusal(transfer)) {
		describe_refusal(transfer, proxy_refusal(transfer));
		return;
	}
	switch (code) {
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_CLIENTCERT:
		describe_tls(transfer, code);
		break;
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_SEND_FAIL_REWIND:
		failure_set(transfer, FAILURE_BROKEN, EHOSTUNREACH,
			"the connection with %s:%u broke (%s)", transfer->url.host,
			transfer->url.port, curl_says(transfer, code));
		break;
	default:
		describe_network(transfer, code);
	}
}
