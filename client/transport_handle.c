#include "cache/base/clock.h"
#include "client/address.h"
#include "client/transport_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void note_progress(struct transfer *transfer)
{
	transfer->progress_ms = clock_now_ms();
	transfer->origin->progress_ms = transfer->progress_ms;
}

static size_t on_header(char *bytes, size_t one, size_t len, void *of)
{
	struct transfer *transfer = of;
	struct buf *headers = &transfer->response->headers;
	size_t text_len = len * one;

	note_progress(transfer);
	if (transfer->body_began) /* a trailer: nothing here asks for any */
		return len;
	while (text_len && (bytes[text_len - 1] == '\n' || bytes[text_len - 1] == '\r'))
		text_len--;
	if (text_len >= 5 && memcmp(bytes, "HTTP/", 5) == 0) { /* what was before was only 1xx */
		buf_clear(headers);
		return len;
	}
	if (text_len && !memchr(bytes, '\0', text_len) &&
		(buf_append(headers, bytes, text_len) < 0 || buf_add_char(headers, '\0') < 0)) {
		failure_set(transfer, FAILURE_PROTOCOL, EIO,
			"%s:%u sends more than %d bytes of headers", transfer->url.host,
			transfer->url.port, TRANSPORT_HEADERS);
		return 0;
	}
	return len;
}

static size_t take_answer(struct transfer *transfer, const char *bytes, size_t len)
{
	const struct request *request = transfer->request;
	struct response *response = transfer->response;
	uint64_t limit = request->limit ? request->limit : TRANSPORT_BODY_DEFAULT;

	if (response->received + len > limit) {
		failure_set(transfer, FAILURE_PROTOCOL, EFBIG,
			"%s:%u sends more than the %llu bytes that are allowed here",
			transfer->url.host, transfer->url.port, (unsigned long long)limit);
		return 0;
	}
	if (request->sink) {
		if (request->sink->append(request->sink->to, bytes, len, &transfer->err) < 0) {
			response->failure = FAILURE_SINK;
			return 0;
		}
	} else if (buf_append(&response->body, bytes, len) < 0) {
		failure_set(transfer, FAILURE_LOCAL, ENOMEM, "no memory for an answer of %s",
			transfer->url.host);
		return 0;
	}
	response->received += len;
	return len;
}

static size_t on_bytes(char *bytes, size_t one, size_t len, void *of)
{
	struct transfer *transfer = of;
	struct buf *body = &transfer->response->body;
	long status = 0;
	size_t room;

	len *= one;
	note_progress(transfer);
	transfer->body_began = true;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status >= 200 && status < 300)
		return take_answer(transfer, bytes, len);
	room = TRANSPORT_ERROR_BODY - body->len;
	if (len > room) {
		buf_append(body, bytes, room);
		transfer->body_is_cut = true;
		return 0;
	}
	return buf_append(body, bytes, len) < 0 ? 0 : len;
}

static size_t on_read(char *into, size_t one, size_t size, void *of)
{
	struct transfer *transfer = of;
	const struct body *body = &transfer->request->body;
	uint64_t left = body->size - transfer->sent;
	ssize_t len;

	size *= one;
	if (size > left)
		size = left;
	note_progress(transfer);
	if (body->bytes) {
		memcpy(into, (const char *)body->bytes + transfer->sent, size);
		len = (ssize_t)size;
	} else {
		len = size ? pread(body->fd, into, size, (off_t)transfer->sent) : 0;
	}
	if (len < 0 || (len == 0 && size)) {
		failure_set(transfer, FAILURE_LOCAL, EIO, "the file to be sent cannot be read: %s",
			len < 0 ? strerrordesc_np(errno) : "it became shorter");
		return CURL_READFUNC_ABORT;
	}
	transfer->sent += (uint64_t)len;
	return (size_t)len;
}

static int on_seek(void *of, curl_off_t offset, int origin)
{
	struct transfer *transfer = of;

	/* curl rewinds when it wants to ask again by another connection. */
	if (transfer->request->is_single && transfer->sent)
		return CURL_SEEKFUNC_FAIL;
	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > transfer->request->body.size)
		return CURL_SEEKFUNC_FAIL;
	transfer->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static void refuse_address(struct transfer *transfer, const char *address)
{
	failure_set(transfer, FAILURE_ADDRESS, EACCES,
		"refused to go to %s: its address %s is not a public one, and a public registry "
		"named it",
		transfer->url.host, address);
}

static curl_socket_t on_open_socket(void *of, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct transfer *transfer = of;
	char text[INET6_ADDRSTRLEN] = "of an unknown kind";
	struct in6_addr address;
	bool is_known = address_of_socket(&to->addr, &address);

	(void)purpose;
	note_progress(transfer);
	transfer->response->is_loopback =
		is_known && !*transfer->proxy && address_is_loopback(&address);
	if (transfer->request->only_public && !*transfer->proxy &&
		(!is_known || address_is_private(&address))) {
		if (is_known)
			inet_ntop(AF_INET6, &address, text, sizeof(text));
		refuse_address(transfer, text);
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* Called for reused connections too, which no socket is opened for. */
static int on_connected(void *of, char *address_text, char *local, int port, int local_port)
{
	struct transfer *transfer = of;
	struct response *response = transfer->response;
	struct in6_addr address;

	(void)local, (void)port, (void)local_port;
	note_progress(transfer);
	transfer->err.code = 0; /* another address of the host did */
	response->failure = FAILURE_NONE;
	if (*transfer->proxy) {
		response->peer = PEER_PROXY;
		return CURL_PREREQFUNC_OK;
	}
	if (address_text && address_parse(address_text, &address)) {
		response->peer = address_is_private(&address) ? PEER_PRIVATE : PEER_PUBLIC;
		response->is_loopback = address_is_loopback(&address);
	}
	if (transfer->request->only_public && response->peer != PEER_PUBLIC) {
		refuse_address(transfer, address_text ? address_text : "");
		return CURL_PREREQFUNC_ABORT;
	}
	return CURL_PREREQFUNC_OK;
}

/* OpenSSL shows the first five bytes of what it takes for a record, before it judges them. */
static int on_debug(CURL *easy, curl_infotype type, char *bytes, size_t len, void *of)
{
	struct transfer *transfer = of;

	(void)easy;
	if (type == CURLINFO_SSL_DATA_IN && len >= 5 && memcmp(bytes, "HTTP/", 5) == 0)
		transfer->is_plain_http = true;
	return 0;
}

static int add_header(struct transfer *transfer, const char *line)
{
	struct curl_slist *longer = curl_slist_append(transfer->headers, line);

	if (!longer)
		return -ENOMEM;
	transfer->headers = longer;
	return 0;
}

static int set_headers(struct transfer *transfer)
{
	const struct request *request = transfer->request;
	const char *authorization = request->authorization ? request->authorization : "";
	struct buf line = BUF_INIT(strlen(authorization) + 32);
	int r = add_header(transfer, "Expect:");

	if (r == 0)
		r = add_header(transfer, "Accept-Encoding: identity");
	for (size_t i = 0; r == 0 && i < REQUEST_HEADER_MAX && request->headers[i]; i++)
		r = add_header(transfer, request->headers[i]);
	if (r == 0 && *authorization) {
		r = buf_printf(&line, "Authorization: %s", authorization);
		if (r == 0)
			r = add_header(transfer, buf_text(&line));
		buf_wipe(&line);
	}
	curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
	return r;
}

static void set_method(struct transfer *transfer)
{
	const struct request *request = transfer->request;
	CURL *easy = transfer->easy;

	if (request->only_connect) {
		curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
		curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L);
		curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_debug);
		curl_easy_setopt(easy, CURLOPT_DEBUGDATA, transfer);
	} else if (strcmp(request->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	} else if (request->body.is_set) {
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body.size);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	} else if (strcmp(request->method, "GET") != 0) {
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	}
}

/* Before 8.0.0 curl's HTTP/2 can spin on uploads and end a broken download as if it were whole;
 * one stream beside another gains nothing for large blobs anyway. */
static void set_version(struct transfer *transfer)
{
	const struct request *request = transfer->request;
	bool uploads = request->body.is_set && request->body.size;
	bool is_old = curl_version_info(CURLVERSION_NOW)->version_num < 0x080000;
	bool http2 = transfer->url.is_https && !request->sink && !(uploads && is_old);

	curl_easy_setopt(transfer->easy, CURLOPT_HTTP_VERSION,
		http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(transfer->easy, CURLOPT_PIPEWAIT,
		http2 && transfer->origin->speaks_http2 ? 1L : 0L);
	if (request->sink)
		curl_easy_setopt(transfer->easy, CURLOPT_BUFFERSIZE, 256L << 10);
	if (uploads && request->body.size > 64 << 10)
		curl_easy_setopt(transfer->easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
}

static void set_tls(struct transfer *transfer)
{
	const struct tls_settings *tls = transfer->request->tls;
	CURL *easy = transfer->easy;

	if (!transfer->url.is_https)
		return;
	if (curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, trust_use) == CURLE_OK) {
		curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transfer);
		/* Nothing of curl's own, which would be parsed for every connection. */
		curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
		/* Its cache would take one host's certificates for those of all. */
		curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	}
	if (!tls)
		return;
	if (tls->insecure) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (tls->cert) {
		curl_easy_setopt(easy, CURLOPT_SSLCERT, tls->cert);
		curl_easy_setopt(easy, CURLOPT_SSLKEY, tls->key ? tls->key : tls->cert);
	}
}

static void set_network(struct transfer *transfer)
{
	CURL *easy = transfer->easy;
	long timeout_ms = (long)transport_timeout_ms(transfer->transport);

	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, transfer->proxy);
	curl_easy_setopt(easy, CURLOPT_NOPROXY, ""); /* transport_proxy() has decided */
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
}

int transport_handle_open(struct transfer *transfer, struct error *err)
{
	CURL *easy = transfer->easy = curl_easy_init();

	if (!easy)
		return fail(err, ENOMEM, "no memory for a transfer");
	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->curl_text);
	curl_easy_setopt(easy, CURLOPT_URL, transfer->request->url);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "chartfs/" CHARTFS_VERSION);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	set_network(transfer);
	set_tls(transfer);
	set_method(transfer);
	set_version(transfer);
	if (set_headers(transfer) < 0)
		return fail(err, ENOMEM, "no memory for a request's headers");
	return 0;
}

void transport_handle_close(struct transfer *transfer)
{
	if (transfer->easy)
		curl_easy_cleanup(transfer->easy);
	transfer->easy = NULL;
	for (struct curl_slist *line = transfer->headers; line; line = line->next)
		if (strncmp(line->data, "Authorization:", 14) == 0)
			explicit_bzero(line->data, strlen(line->data));
	curl_slist_free_all(transfer->headers);
	transfer->headers = NULL;
}

bool transport_handle_drains(struct transfer *transfer)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	int unsent = 0, before = transfer->unsent;

	if (!transfer->sent || !transfer->easy ||
		curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK ||
		fd == CURL_SOCKET_BAD || ioctl(fd, SIOCOUTQ, &unsent) < 0)
		return false;
	transfer->unsent = unsent;
	return unsent < before;
}
