#include "cache/base/scope.h"
#include "client/address.h"
#include "client/url.h"
#include "tests/unit/tap.h"

#include <arpa/inet.h>
#include <errno.h>

static void test_parse(void)
{
	static const struct {
		const char *text;
		const char *host; /* NULL: no URL */
		unsigned port;
		const char *path, *query;
	} cases[] = {
		{"https://example.com", "example.com", 443, "", NULL},
		{"http://example.com/", "example.com", 80, "/", NULL},
		{"HTTPS://Example.COM:8443/A?b=C", "example.com", 8443, "/A?b=C", "b=C"},
		{"https://example.com?b", "example.com", 443, "?b", "b"},
		{"https://example.com/a?", "example.com", 443, "/a?", ""},
		{"https://example.com/a#b?c", "example.com", 443, "/a#b?c", NULL},
		{"https://example.com:/a", "example.com", 443, "/a", NULL},
		{"https://[::1]:5000/a", "::1", 5000, "/a", NULL},
		{"http://127.0.0.1:5000/v2/", "127.0.0.1", 5000, "/v2/", NULL},
		{"https://my_bucket.s3.example/a", "my_bucket.s3.example", 443, "/a", NULL},
		{"https://h/a?u=http://user@x/", "h", 443, "/a?u=http://user@x/",
			"u=http://user@x/"},
		{"https://h/\xc3\xa4", "h", 443, "/\xc3\xa4", NULL},
		{"", NULL, 0, NULL, NULL},
		{"/v2/", NULL, 0, NULL, NULL},
		{"example.com/a", NULL, 0, NULL, NULL},
		{"https:/example.com", NULL, 0, NULL, NULL},
		{"https:///a", NULL, 0, NULL, NULL},
		{"https://", NULL, 0, NULL, NULL},
		{"https://:80/", NULL, 0, NULL, NULL},
		{"ftp://example.com/", NULL, 0, NULL, NULL},
		{"file:///etc/passwd", NULL, 0, NULL, NULL},
		{"httpx://example.com/", NULL, 0, NULL, NULL},
		{"abcde://example.com/", NULL, 0, NULL, NULL},
		{"https://user@example.com/", NULL, 0, NULL, NULL},
		{"https://user:secret@example.com/", NULL, 0, NULL, NULL},
		{"https://good.com\\@evil.com/", NULL, 0, NULL, NULL},
		{"https://exa mple.com/", NULL, 0, NULL, NULL},
		{"https://example.com/a b", NULL, 0, NULL, NULL},
		{"https://example.com/a\r\nX: y", NULL, 0, NULL, NULL},
		{"https://example.com/\x7f", NULL, 0, NULL, NULL},
		{"https://ex%61mple.com/", NULL, 0, NULL, NULL},
		{"https://example.com:0/", NULL, 0, NULL, NULL},
		{"https://example.com:65536/", NULL, 0, NULL, NULL},
		{"https://example.com:99999999999999999999/", NULL, 0, NULL, NULL},
		{"https://example.com:80a/", NULL, 0, NULL, NULL},
		{"https://[::1/a", NULL, 0, NULL, NULL},
		{"https://[::1]a/", NULL, 0, NULL, NULL},
		{"https://[fe80::1%25eth0]/", NULL, 0, NULL, NULL},
		{"https://[127.0.0.1]/", NULL, 0, NULL, NULL},
		{"https://[]/", NULL, 0, NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct url url;

		if (!ok(url_parse(cases[i].text, &url) == !!cases[i].host, "[%s] is %s",
			    cases[i].text, cases[i].host ? "a URL" : "no URL") ||
			!cases[i].host)
			continue;
		is_text(url.host, cases[i].host, "host");
		is_number(url.port, cases[i].port, "port");
		is_text(url.path, cases[i].path, "path");
		is_text(url.query, cases[i].query, "query");
		ok(url.is_https == (cases[i].text[4] != ':'), "scheme");
	}
}

static void test_length(void)
{
	static char text[URL_SIZE_MAX + 2] = "https://h/";
	struct url url;

	memset(text + strlen(text), 'a', URL_SIZE_MAX - strlen(text));
	ok(url_parse(text, &url), "the longest URL");
	text[URL_SIZE_MAX] = 'a';
	ok(!url_parse(text, &url), "nothing longer");
	memset(text + 8, 'h', 300);
	ok(!url_parse(text, &url), "nor a host of 300");
}

/* The examples of RFC 3986 section 5.4, without what http does not allow or fragments. */
static void test_resolve_by_the_book(void)
{
	static const struct {
		const char *reference, *target;
	} cases[] = {
		{"g", "http://a/b/c/g"},
		{"./g", "http://a/b/c/g"},
		{"g/", "http://a/b/c/g/"},
		{"/g", "http://a/g"},
		{"//g", "http://g"},
		{"?y", "http://a/b/c/d;p?y"},
		{"g?y", "http://a/b/c/g?y"},
		{"#s", "http://a/b/c/d;p?q"},
		{"g#s", "http://a/b/c/g"},
		{"g?y#s", "http://a/b/c/g?y"},
		{";x", "http://a/b/c/;x"},
		{"g;x", "http://a/b/c/g;x"},
		{"", "http://a/b/c/d;p?q"},
		{".", "http://a/b/c/"},
		{"./", "http://a/b/c/"},
		{"..", "http://a/b/"},
		{"../", "http://a/b/"},
		{"../g", "http://a/b/g"},
		{"../..", "http://a/"},
		{"../../g", "http://a/g"},
		{"../../../g", "http://a/g"},
		{"../../../../g", "http://a/g"},
		{"/./g", "http://a/g"},
		{"/../g", "http://a/g"},
		{"g.", "http://a/b/c/g."},
		{".g", "http://a/b/c/.g"},
		{"g..", "http://a/b/c/g.."},
		{"..g", "http://a/b/c/..g"},
		{"./../g", "http://a/b/g"},
		{"./g/.", "http://a/b/c/g/"},
		{"g/./h", "http://a/b/c/g/h"},
		{"g/../h", "http://a/b/c/h"},
		{"g;x=1/./y", "http://a/b/c/g;x=1/y"},
		{"g;x=1/../y", "http://a/b/c/y"},
		{"g?y/./x", "http://a/b/c/g?y/./x"},
		{"g?y/../x", "http://a/b/c/g?y/../x"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scoped(buf_freep) struct buf target = BUF_INIT(200);
		struct error err;

		is_number(url_resolve("http://a/b/c/d;p?q", cases[i].reference, &target, &err), 0,
			cases[i].reference);
		is_text(buf_text(&target), cases[i].target, "is resolved");
	}
}

static void test_resolve(void)
{
	static const struct {
		const char *base, *reference;
		const char *target; /* NULL: EIO */
	} cases[] = {
		/* as registries send them: upload locations, pages, redirects */
		{"https://r/v2/a/blobs/uploads/", "/v2/a/blobs/uploads/1?_state=A%2bb_-%3D%3d",
			"https://r/v2/a/blobs/uploads/1?_state=A%2bb_-%3D%3d"},
		{"https://r:8443/v2/", "https://R:8443/a/../b?c=%7e#d",
			"https://R:8443/a/../b?c=%7e"},
		{"https://r/v2/_catalog?n=1", "/v2/_catalog?last=ns%2Fa&n=1",
			"https://r/v2/_catalog?last=ns%2Fa&n=1"},
		{"https://r/v2/_catalog?n=1", "?last=a&n=1", "https://r/v2/_catalog?last=a&n=1"},
		{"https://r/v2/a/tags/list?n=1", "list?last=b", "https://r/v2/a/tags/list?last=b"},
		{"http://r", "?a", "http://r?a"},
		{"http://r", "a", "http://r/a"},
		{"http://r", "", "http://r"},
		{"http://r?q", "/a", "http://r/a"},
		{"http://r/a#b", "", "http://r/a"},
		{"http://[::1]:5000/v2/", "/a", "http://[::1]:5000/a"},
		{"https://r/a/", "//other:444/b", "https://other:444/b"},
		{"https://r/a", "http://s3.example/b?X-Amz-Signature=a%2Fb",
			"http://s3.example/b?X-Amz-Signature=a%2Fb"},
		{"https://r/a/b", "c//d/", "https://r/a/c//d/"},
		{"https://r/a/b", "..//c", "https://r//c"},
		{"https://r/a/b", "/\\evil.com/", "https://r/\\evil.com/"},
		{"https://r/a", "ftp://r/b", NULL},
		{"https://r/a", "javascript:alert(1)", NULL},
		{"https://r/a", "data:b", NULL},
		{"https://r/a", "https:b", NULL},
		{"https://r/a", "https://user:secret@r/b", NULL},
		{"https://r/a", "//user@evil/b", NULL},
		{"https://r/a", "///b", NULL},
		{"https://r/a", "/b c", NULL},
		{"https://r/a", "/b\r\nc", NULL},
		{"https://r/a", "\t/b", NULL},
		{"ftp://r/a", "/b", NULL},
		{"", "https://r/b", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scoped(buf_freep) struct buf target = BUF_INIT(URL_SIZE_MAX);
		struct error err = {0};
		int r = url_resolve(cases[i].base, cases[i].reference, &target, &err);

		is_number(r, cases[i].target ? 0 : -EIO, cases[i].reference);
		is_text(buf_text(&target), cases[i].target ? cases[i].target : "", "is resolved");
		ok(!strstr(err.text, "secret"), "no secret in the sentence");
	}
}

static void test_resolve_bounds(void)
{
	static char reference[URL_SIZE_MAX + 10] = "/";
	scoped(buf_freep) struct buf target = BUF_INIT(URL_SIZE_MAX);
	struct error err;

	memset(reference + 1, 'a', sizeof(reference) - 2);
	is_number(
		url_resolve("https://r/", reference, &target, &err), -EIO, "too long a reference");
	reference[URL_SIZE_MAX - 5] = '\0';
	is_number(url_resolve("https://r/", reference, &target, &err), -EIO, "too long a target");
	reference[URL_SIZE_MAX - 9] = '\0';
	is_number(url_resolve("https://r/", reference, &target, &err), 0, "just not too long");
}

static void test_same_origin(void)
{
	static const struct {
		const char *a, *b;
		bool is_same;
	} cases[] = {
		{"https://r/a", "https://r/b?c", true},
		{"https://r", "https://R:443/", true},
		{"http://r:80/", "http://r/", true},
		{"http://[::1]:5000/", "http://[::1]:5000/b", true},
		{"https://r/", "http://r/", false},
		{"https://r/", "http://r:443/", false},
		{"https://r/", "https://r:8443/", false},
		{"https://r/", "https://s/", false},
		{"https://r/", "https://r.evil/", false},
		{"https://r/", "https://r@evil/", false},
		{"https://r/", "/a", false},
		{"/a", "/a", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(url_is_same_origin(cases[i].a, cases[i].b) == cases[i].is_same &&
				url_is_same_origin(cases[i].b, cases[i].a) == cases[i].is_same,
			"%s and %s: %s", cases[i].a, cases[i].b, cases[i].is_same ? "same" : "not");
}

static void test_restore_scheme(void)
{
	static const struct {
		const char *base, *url, *fixed;
	} cases[] = {
		{"https://r/v2/", "http://r/a?b=%2f", "https://r/a?b=%2f"},
		{"https://r:8443/v2/", "http://r:8443/a", "https://r:8443/a"},
		{"https://r:8443/v2/", "http://R/a", "https://r:8443/a"},
		{"https://r/v2/", "http://r:5000/a", "http://r:5000/a"},
		{"https://r/v2/", "http://s/a", "http://s/a"},
		{"https://r/v2/", "https://r:444/a", "https://r:444/a"},
		{"http://r/v2/", "http://r/a", "http://r/a"},
		{"http://r/v2/", "https://r/a", "https://r/a"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scoped(buf_freep) struct buf fixed = BUF_INIT(100);

		is_number(url_restore_scheme(cases[i].base, cases[i].url, &fixed), 0, cases[i].url);
		is_text(buf_text(&fixed), cases[i].fixed, cases[i].base);
	}
}

static void test_parameters(void)
{
	scoped(buf_freep) struct buf url = BUF_INIT(200);
	scoped(buf_freep) struct buf open = BUF_INIT(200);
	scoped(buf_freep) struct buf small = BUF_INIT(12);

	buf_add(&url, "https://r/a");
	is_number(url_add_parameter(&url, "digest", "sha256:ab"), 0, "the first parameter");
	is_number(url_add_parameter(&url, "scope", "repository:a/b:pull,push \xc3\xa4~"), 0,
		"another");
	is_text(buf_text(&url),
		"https://r/a?digest=sha256%3Aab&scope=repository%3Aa%2Fb%3Apull%2Cpush%20%C3%A4~",
		"are joined and encoded");
	buf_add(&open, "/a?");
	url_add_parameter(&open, "b", "");
	is_text(buf_text(&open), "/a?b=", "a '?' is not repeated");
	buf_add(&small, "/a");
	is_number(url_add_parameter(&small, "n", "::::"), -EFBIG, "the limit counts");
	is_number((long long)small.len, 0, "and nothing half remains");
}

static void test_addresses(void)
{
	static const struct {
		const char *host;
		bool is_loopback, is_private;
	} cases[] = {
		{"localhost", true, true},
		{"LocalHost.", true, true},
		{"a.localhost", true, true},
		{"localhost.example.com", false, false},
		{"mylocalhost", false, false},
		{"127.0.0.1", true, true},
		{"127.1", true, true},
		{"0x7f.1", true, true},
		{"2130706433", true, true},
		{"017700000001", true, true},
		{"::1", true, true},
		{"[::1]", true, true},
		{"::ffff:127.0.0.1", true, true},
		{"::ffff:7f00:1", true, true},
		{"64:ff9b::7f00:1", true, true},
		{"0.0.0.0", false, true},
		{"::", false, true},
		{"10.255.0.1", false, true},
		{"11.0.0.1", false, false},
		{"100.64.0.1", false, true},
		{"100.128.0.1", false, false},
		{"169.254.169.254", false, true},
		{"0xa9fea9fe", false, true},
		{"169.255.0.1", false, false},
		{"172.15.255.255", false, false},
		{"172.16.0.1", false, true},
		{"172.31.255.255", false, true},
		{"172.32.0.0", false, false},
		{"192.168.1.1", false, true},
		{"192.169.1.1", false, false},
		{"8.8.8.8", false, false},
		{"fe80::1", false, true},
		{"febf::1", false, true},
		{"fec0::1", false, true},
		{"fc00::1", false, true},
		{"fdff::1", false, true},
		{"fe00::1", false, false},
		{"ff02::1", false, false},
		{"::ffff:10.0.0.1", false, true},
		{"2001:db8::1", false, false},
		{"example.com", false, false},
		{"10.example.com", false, false},
		{"", false, false},
	};
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr local = {.sa_family = AF_UNIX};
	struct in6_addr address;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ok(address_host_is_loopback(cases[i].host) == cases[i].is_loopback,
			"[%s] is loopback: %s", cases[i].host, cases[i].is_loopback ? "yes" : "no");
		ok(address_host_is_private(cases[i].host) == cases[i].is_private,
			"[%s] is private: %s", cases[i].host, cases[i].is_private ? "yes" : "no");
	}
	ok(address_of_socket((struct sockaddr *)&v4, &address) && address_is_loopback(&address),
		"an IPv4 socket");
	ok(address_of_socket((struct sockaddr *)&v6, &address) && address_is_loopback(&address),
		"an IPv6 socket");
	ok(!address_of_socket(&local, &address), "a local socket has no address");
}

int main(void)
{
	test_parse();
	test_length();
	test_resolve_by_the_book();
	test_resolve();
	test_resolve_bounds();
	test_same_origin();
	test_restore_scheme();
	test_parameters();
	test_addresses();
	return done();
}
