/* Transfers against the scripted registry: answers, limits, deadlines, addresses, failures. */
#include "cache/base/clock.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/transport_private.h"
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"

#include "tests/unit/scripted.h"

enum { LONG_MS = 60000, SHORT_MS = 700 };

static struct scripted server;
static struct transport *patient, *hasty;

static struct transport *new_transport(int64_t timeout_ms)
{
	struct error err;
	struct transport *transport = transport_new(timeout_ms, &err);

	if (!transport || transport_start(transport, &err) < 0)
		scripted_bail(err.text);
	return transport;
}

/* An address of the registry, in one of four static buffers. */
static const char *at(const char *path)
{
	static char urls[4][256];
	static unsigned turn;
	char *url = urls[turn++ % 4];

	snprintf(url, sizeof(urls[0]), "http://%s%s", server.host, path);
	return url;
}

static void fault(const char *json)
{
	scripted_post(&server, "faults", json);
}

static int run(struct transport *transport, struct request *request, struct response *response,
	struct error *err)
{
	response_clear(response);
	return transport_run(transport, request, response, NULL, err);
}

static void test_answers(void)
{
	scoped(response_clearp) struct response response = {0};
	struct request get = {.method = "GET", .url = at("/v2/")};
	struct error err = {0};

	is_number(run(patient, &get, &response, &err), 0, "GET");
	is_number(response.status, 200, "has its status");
	is_text(buf_text(&response.body), "{}", "and its body");
	is_text(response_header(&response, "docker-distribution-api-version", 0), "registry/2.0",
		"and its headers, in any case");
	ok(!response_header(&response, "Docker", 0), "a header's beginning is not its name");
	ok(response.peer == PEER_PRIVATE && response.is_loopback, "loopback is private");
	fault("{\"action\": \"status\", \"status\": 404, \"body\": \"nothing\"}");
	is_number(run(patient, &get, &response, &err), 0, "404 is an answer");
	is_number(response.status, 404, "with its status");
	is_text(buf_text(&response.body), "nothing", "and body");
	fault("{\"action\": \"raw\", \"body\": \"HTTP/1.1 100 Continue\\r\\nA: 1\\r\\n\\r\\n"
	      "HTTP/1.1 200 OK\\r\\nB: 2\\r\\nB: 3\\r\\nContent-Length: 0\\r\\n\\r\\n\"}");
	is_number(run(patient, &get, &response, &err), 0, "an interim answer");
	ok(!response_header(&response, "A", 0), "is not the answer");
	is_text(response_header(&response, "B", 1), "3", "the second of two headers");
	get = (struct request){.method = "HEAD", .url = at("/v2/")};
	is_number(run(patient, &get, &response, &err), 0, "HEAD");
	ok(response.status == 200 && response.body.len == 0, "has no body");
	get = (struct request){.method = "GET", .url = "ftp://x.example/"};
	is_number(run(patient, &get, &response, &err), -EIO, "other schemes are refused");
}

static void test_limits(void)
{
	scoped(response_clearp) struct response response = {0};
	struct request get = {.method = "GET", .url = at("/v2/"), .limit = 10};
	struct error err = {0};

	fault("{\"action\": \"replace\", \"body\": \"0123456789\"}");
	is_number(run(patient, &get, &response, &err), 0, "a body of just the limit");
	fault("{\"action\": \"replace\", \"body\": \"0123456789a\"}");
	is_number(run(patient, &get, &response, &err), -EFBIG, "a body past the limit");
	is_number(response.failure, FAILURE_PROTOCOL, "is a failure of the protocol");
	get.limit = 0;
	scoped(freep) char *big = must_alloc(200001);
	memset(big, 'x', 200000);
	scoped(freep) char *json =
		must_print("{\"action\": \"status\", \"status\": 500, \"body\": \"%s\"}", big);
	fault(json);
	is_number(run(patient, &get, &response, &err), 0, "a huge error");
	ok(response.status == 500 && response.body.len == TRANSPORT_ERROR_BODY, "is cut");
	big[70000] = '\0';
	scoped(freep) char *flood = must_print(
		"{\"action\": \"raw\", \"body\": \"HTTP/1.1 200 OK\\r\\nX: %s\\r\\n\\r\\n\"}", big);
	fault(flood);
	is_number(run(patient, &get, &response, &err), -EIO, "a flood of headers");
	fault("{\"action\": \"raw\", \"body\": \"SSH-2.0-OpenSSH\\r\\n\"}");
	is_number(run(patient, &get, &response, &err), -EIO, "no HTTP at all");
}

static void test_authorization(void)
{
	scoped(response_clearp) struct response response = {0};
	struct request get = {.method = "GET", .url = at("/v2/")};
	scoped(freep) char *long_one = must_alloc(100001);
	struct error err = {0};

	scripted_post(&server, "reset", "{}");
	get.authorization = "Bearer a\r\nX-Evil: 1";
	is_number(run(patient, &get, &response, &err), -EACCES, "credentials with a line end");
	get.authorization = "Bearer a\n";
	is_number(run(patient, &get, &response, &err), -EACCES, "or with a line feed");
	ok(strstr(err.text, "line end") && !strstr(err.text, "Bearer"), "%s", err.text);
	is_text(scripted_ask(&server, "GET", "count", ""), "0\n", "are not sent");
	memset(long_one, 'x', 100000);
	get.authorization = long_one;
	is_number(run(patient, &get, &response, &err), 0, "100,000 bytes of them");
	is_number(response.status, 431, "are for the registry to judge");
}

struct piece {
	struct buf bytes;
	size_t fails_at; /* 0: never */
};

static int piece_append(void *to, const void *bytes, size_t len, struct error *err)
{
	struct piece *piece = to;

	if (piece->fails_at && piece->bytes.len + len >= piece->fails_at)
		return fail(err, ENOSPC, "the sink is full");
	return buf_append(&piece->bytes, bytes, len);
}

static void test_sink(void)
{
	scoped(response_clearp) struct response response = {0};
	struct piece piece = {.bytes = BUF_INIT(1000)};
	struct sink sink = {.append = piece_append, .to = &piece};
	struct request get = {.method = "GET", .url = at("/v2/"), .sink = &sink};
	struct error err = {0};

	fault("{\"action\": \"replace\", \"body\": \"to the sink\"}");
	is_number(run(patient, &get, &response, &err), 0, "a body");
	is_text(buf_text(&piece.bytes), "to the sink", "goes to the sink");
	ok(response.received == 11 && response.body.len == 0, "and nowhere else");
	fault("{\"action\": \"status\", \"status\": 500, \"body\": \"sorry\"}");
	is_number(run(patient, &get, &response, &err), 0, "an error's body");
	is_text(buf_text(&response.body), "sorry", "does not");
	piece.fails_at = 1;
	is_number(
		run(patient, &get, &response, &err), -ENOSPC, "a sink's failure is the transfer's");
	is_text(err.text, "the sink is full", "with its sentence");
	is_number(response.failure, FAILURE_SINK, "and is told apart");
	buf_clear(&piece.bytes);
}

static void test_bodies(void)
{
	scoped(response_clearp) struct response response = {0};
	struct request post = {.method = "POST",
		.url = at("/v2/up/load/blobs/uploads/"),
		.body = {.is_set = true, .bytes = ""}};
	struct error err = {0};
	scoped(closep) int fd = open(below("body"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	is_number(run(patient, &post, &response, &err), 0, "an empty POST");
	is_number(response.status, 202, "opens an upload");
	scoped(freep) char *location =
		must_print("%s&digest=sha256%%3A%s", response_header(&response, "Location", 0),
			"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
	if (pwrite(fd, "hello", 5, 0) != 5)
		scripted_bail("no file");
	struct request put = {.method = "PUT",
		.url = location,
		.headers = {"Content-Type: application/octet-stream"},
		.body = {.is_set = true, .fd = fd, .size = 5}};
	is_number(run(patient, &put, &response, &err), 0, "a PUT from a file");
	is_number(response.status, 201, "arrives whole");
	put.body.size = 6;
	is_number(run(patient, &put, &response, &err), -EIO, "a file that is shorter than said");
	is_number(response.failure, FAILURE_LOCAL, "is this side's failure");
}

static bool is_over_now(void *of)
{
	(void)of;
	return true;
}

static void test_deadlines(void)
{
	scoped(response_clearp) struct response response = {0};
	struct wait over = {.is_over = is_over_now};
	struct request silent = {.method = "GET", .url = at("/v2/?silent")};
	struct request half = {.method = "GET", .url = at("/v2/?half")};
	struct request slow = {.method = "GET", .url = at("/v2/?slow")};
	struct transport *stopped = new_transport(LONG_MS);
	struct error err = {0};
	int64_t began_ms = clock_now_ms();

	/* Each has queries of its own: the server may come to see what nobody waits for any more
	 * only when the next one is asked. */
	fault("{\"action\": \"hang\", \"query\": \"silent\", \"count\": -1}");
	fault("{\"action\": \"hang\", \"query\": \"half\", \"after\": 1, \"count\": -1}");
	is_number(run(hasty, &silent, &response, &err), -ETIMEDOUT, "no answer in time");
	is_number(response.failure, FAILURE_TIMEOUT, "is a timeout");
	is_number(run(hasty, &half, &response, &err), -ETIMEDOUT, "nor the rest of a body");
	response_clear(&response);
	is_number(transport_run(patient, &silent, &response, &over, &err), -EINTR, "nobody waits");
	is_number(response.failure, FAILURE_OVER, "for what is over");
	response_clear(&response);
	struct transfer *transfer = transport_submit(stopped, &silent, &response);
	transport_stop(stopped);
	is_number(transport_wait(transfer, NULL, &err), -EINTR, "a transport that stops");
	is_number(run(stopped, &silent, &response, &err), -EINTR, "takes nothing more");
	transport_free(stopped);
	ok(clock_now_ms() - began_ms < LONG_MS, "none of that took the long timeout");
	/* 40 bytes, one each 200 ms: longer than the timeout in all, but never without progress. */
	struct transport *steady = new_transport(7000);
	fault("{\"action\": \"replace\", \"query\": \"slow\", "
	      "\"body\": \"0123456789012345678901234567890123456789\"}");
	fault("{\"action\": \"drip\", \"query\": \"slow\", \"seconds\": 0.2}");
	is_number(run(steady, &slow, &response, &err), 0, "what moves is not late");
	is_number((long long)response.received, 40, "however slowly");
	scripted_ask(&server, "DELETE", "faults", "");
	transport_free(steady);
}

static void test_failures(void)
{
	scoped(response_clearp) struct response response = {0};
	struct request get = {.method = "GET", .url = at("/v2/?broken")};
	struct error err = {0};
	struct sockaddr_in local = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(local);
	scoped(closep) int deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char url[128];

	/* Twice: what a kept connection does not answer, curl asks again by a new one. */
	fault("{\"action\": \"refuse\", \"query\": \"broken\", \"count\": 2}");
	is_number(run(patient, &get, &response, &err), -EHOSTUNREACH, "closed without an answer");
	is_number(response.failure, FAILURE_BROKEN, "is a broken connection");
	scripted_reset(&server);
	fault("{\"action\": \"cut\", \"after\": 1, \"query\": \"broken\"}");
	is_number(run(patient, &get, &response, &err), -EHOSTUNREACH, "so is half an answer");
	is_number(response.failure, FAILURE_BROKEN, "broken too");
	/* A port that is bound and does not listen refuses, and nobody else can take it. */
	if (bind(deaf, (struct sockaddr *)&local, size) < 0 ||
		getsockname(deaf, (struct sockaddr *)&local, &size) < 0)
		scripted_bail("no port");
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(local.sin_port));
	get.url = url;
	is_number(run(patient, &get, &response, &err), -EHOSTUNREACH, "refused");
	is_number(response.failure, FAILURE_CONNECT, "is no connection");
	ok(strstr(err.text, "is the registry running?"), "and says what to look at");
	snprintf(url, sizeof(url), "https://%s/", server.host);
	get.only_connect = true;
	is_number(run(patient, &get, &response, &err), -EPROTO, "plain http behind https");
	ok(response.failure == FAILURE_TLS_PLAIN && response.is_loopback, "is recognised");
}

static void test_addresses(void)
{
	scoped(response_clearp) struct response response = {0};
	struct request get = {.method = "GET", .url = at("/v2/"), .only_public = true};
	struct transport *fresh = new_transport(LONG_MS);
	struct error err = {0};

	is_number(run(fresh, &get, &response, &err), -EACCES, "loopback is not public");
	is_number(response.failure, FAILURE_ADDRESS, "which is told apart");
	get.only_public = false;
	is_number(run(fresh, &get, &response, &err), 0, "it may be asked as such");
	get.only_public = true;
	is_number(run(fresh, &get, &response, &err), -EACCES,
		"and a connection that is there already changes nothing");
	transport_free(fresh);
}

static void test_many(void)
{
	enum { MANY = 100 };
	struct request get = {.method = "GET", .url = at("/v2/")};
	static struct response responses[MANY];
	struct transfer *transfers[MANY];
	struct error err = {0};
	int good = 0;

	for (int i = 0; i < MANY; i++)
		transfers[i] = transport_submit(patient, &get, &responses[i]);
	for (int i = 0; i < MANY; i++) {
		good += transport_wait(transfers[i], NULL, &err) == 0 && responses[i].status == 200;
		response_clear(&responses[i]);
	}
	is_number(good, MANY, "more side by side than there are connections");
}

static const struct {
	const char *list, *host;
	unsigned port;
	bool excludes;
} exclusions[] = {
	{"", "a.example", 443, false},
	{"*", "a.example", 443, true},
	{"a.example", "a.example", 443, true},
	{"A.Example", "a.example", 443, true},
	{"example", "a.example", 443, true},
	{".example", "a.example", 443, true},
	{"*.example", "a.example", 443, true},
	{".a.example", "a.example", 443, true},
	{"b.example, a.example", "a.example", 443, true},
	{"xample", "a.example", 443, false},
	{"a.example:443", "a.example", 443, true},
	{"a.example:5000", "a.example", 443, false},
	{"10.0.0.0/8", "10.1.2.3", 443, true},
	{"10.0.0.0/8", "11.1.2.3", 443, false},
	{"10.0.0.0/8", "a.example", 443, false},
	{"10.0.0.0/33", "10.0.0.0", 443, false},
	{"fd00::/8", "fd12::1", 443, true},
	{"fd00::/8", "fe80::1", 443, false},
	{"10.1.2.3", "10.1.2.3", 443, true},
	{"::1", "::1", 443, true},
};

static void test_proxies(void)
{
	struct url far = {.is_https = true, .host = "a.example", .port = 443};
	struct url near = {.is_https = true, .host = "127.0.0.1", .port = 443};

	for (size_t i = 0; i < sizeof(exclusions) / sizeof(exclusions[0]); i++)
		ok(transport_proxy_excludes(exclusions[i].list, exclusions[i].host,
			   exclusions[i].port) == exclusions[i].excludes,
			"'%s' %s %s", exclusions[i].list,
			exclusions[i].excludes ? "holds" : "does not hold", exclusions[i].host);
	is_text(transport_proxy(&far), "", "no proxy by itself");
	setenv("HTTPS_PROXY", "http://proxy.example:3128", 1);
	is_text(transport_proxy(&far), "http://proxy.example:3128", "that of the environment");
	is_text(transport_proxy(&near), "", "but not for loopback");
	setenv("no_proxy", ".example", 1);
	is_text(transport_proxy(&far), "", "nor for what is excluded");
	far.is_https = false;
	unsetenv("no_proxy");
	is_text(transport_proxy(&far), "", "nor for another scheme");
	unsetenv("HTTPS_PROXY");
}

/* A file's text as an option of this transport. */
static char *load(const char *path, size_t *len)
{
	char *text = must_copy(read_file(path));

	*len = strlen(text);
	return text;
}

static void test_tls(void)
{
	static struct scripted secure;
	const char *const make[] = {
		"python3", "tests/registry/certificates.py", temporary, "127.0.0.1", NULL};
	scoped(response_clearp) struct response response = {0};
	struct tls_settings tls = {0}, insecure = {.insecure = true};
	struct request get = {.method = "GET"};
	struct error err = {0};
	char url[128];
	pid_t pid = fork();

	if (pid == 0) {
		dup2(2, 1);
		execvp("python3", (char *const *)(uintptr_t)make);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	scripted_start(&secure, "distribution-2", "--tls-cert", below("server.pem"), "--tls-key",
		below("server.key"), NULL);
	snprintf(url, sizeof(url), "https://%s/v2/", secure.host);
	get.url = url;
	is_number(run(patient, &get, &response, &err), -EPROTO, "an unknown authority");
	is_number(response.failure, FAILURE_CERTIFICATE, "is told apart");
	ok(strstr(err.text, "ca_file"), "and what to do");
	scoped(freep) char *ca = load(below("ca.pem"), &tls.ca_len);
	tls.ca = ca;
	get.tls = &tls;
	if (!is_number(run(patient, &get, &response, &err), 0, "a known one"))
		printf("#   %s\n", err.text);
	is_number(response.status, 200, "answers");
	snprintf(url, sizeof(url), "https://localhost:%u/v2/", secure.registry);
	is_number(run(patient, &get, &response, &err), -EPROTO, "the name of another");
	get.tls = &insecure;
	is_number(run(patient, &get, &response, &err), 0, "which may be asked for");
	scripted_stop(&secure);
}

int main(void)
{
	static const char *const variables[] = {"http_proxy", "HTTP_PROXY", "https_proxy",
		"HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	temporary_make();
	test_proxies();
	scripted_start(&server, "distribution-2", NULL);
	patient = new_transport(LONG_MS);
	hasty = new_transport(SHORT_MS);
	test_answers();
	test_limits();
	test_authorization();
	test_sink();
	test_bodies();
	test_failures();
	test_addresses();
	test_many();
	test_tls();
	test_deadlines();
	transport_free(hasty);
	transport_free(patient);
	scripted_stop(&server);
	temporary_remove();
	return done();
}
