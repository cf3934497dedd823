#include "cache/base/error.h"
#include "client/reference.h"
#include "tests/unit/tap.h"

#include <errno.h>

/* A text of `count` times the same character, in one of a few buffers in turn. */
static const char *many(char c, size_t count)
{
	static char buffers[4][600];
	static unsigned next;
	char *text = buffers[next++ % 4];

	memset(text, c, count);
	text[count] = '\0';
	return text;
}

static void test_link_local(void)
{
	static const char *const yes[] = {"169.254.169.254", "169.254.0.1:80", "[fe80::1]:5000",
		"[feb0::]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]:443",
		"[64:ff9b::a9fe:a9fe]"};
	static const char *const no[] = {"169.253.1.1", "10.0.0.1", "[fec0::1]", "[::1]",
		"169.254.example.com", "localhost:5000"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		ok(reference_is_link_local(yes[i]), "link-local [%s]: yes", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		ok(!reference_is_link_local(no[i]), "link-local [%s]: no", no[i]);
}

static void test_hosts(void)
{
	static const struct {
		const char *text;
		bool is_host, is_sure, is_loopback;
	} cases[] = {
		{"localhost", true, true, true},
		{"localhost:5000", true, true, true},
		{"LOCALHOST:5000", true, true, true},
		{"a.localhost", true, true, true},
		{"notlocalhost", true, false, false},
		{"127.0.0.1", true, true, true},
		{"127.0.0.1:5000", true, true, true},
		{"127.255.255.254:1", true, true, true},
		{"128.0.0.1", true, true, false},
		{"10.0.0.1:65535", true, true, false},
		{"[::1]", true, true, true},
		{"[::1]:5000", true, true, true},
		{"[0:0::1]:5000", true, true, true},
		{"[::ffff:127.0.0.1]", true, true, true},
		{"[2001:db8::1]:443", true, true, false},
		{"[fe80::1]", true, true, false},
		{"ghcr.io", true, true, false},
		{"registry.example.com:443", true, true, false},
		{"Registry.Example.com", true, true, false},
		{"xn--bcher-kva.example", true, true, false},
		{"a-b.c--d.e", true, true, false},
		{"123.dkr.ecr.eu-west-1.amazonaws.com", true, true, false},
		{"registry", true, false, false},
		{"registry:5000", true, true, false},
		{"1a", true, false, false},
		{"", false, false, false},
		{".", false, false, false},
		{"a.", false, false, false},
		{".a", false, false, false},
		{"a..b", false, false, false},
		{"-a", false, false, false},
		{"a-", false, false, false},
		{"a.-b", false, false, false},
		{"a_b", false, false, false},
		{"a b", false, false, false},
		{"a/b", false, false, false},
		{"a:", false, false, false},
		{"a:0", false, false, false},
		{"a:01", false, false, false},
		{"a:65536", false, false, false},
		{"a:99999999999", false, false, false},
		{"a:5000x", false, false, false},
		{"a:50:00", false, false, false},
		{"a:-1", false, false, false},
		{":5000", false, false, false},
		{"user@host", false, false, false},
		{"::1", false, false, false},
		{"[::1", false, false, false},
		{"[]", false, false, false},
		{"[", false, false, false},
		{"[::1]x", false, false, false},
		{"[::1]:", false, false, false},
		{"[127.0.0.1]", false, false, false},
		{"[fe80::1%25lo]", false, false, false},
		{"[::g]", false, false, false},
		/* What resolvers read as an address, but does not look like one. */
		{"127.1", false, false, true},
		{"1.2.3", false, false, false},
		{"1.2.3.256", false, false, false},
		{"1.2.3.4.5", false, false, false},
		{"2130706433:5000", false, false, true},
		{"0x7f000001", false, false, true},
		{"0x7f.1", false, false, true},
		{"127.0.0.0x1", false, false, true},
		{"host\n", false, false, false},
	};
	char text[600];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ok(reference_is_host(cases[i].text) == cases[i].is_host, "host [%s]: %s",
			cases[i].text, cases[i].is_host ? "yes" : "no");
		ok(reference_is_sure_host(cases[i].text) == cases[i].is_sure, "sure host [%s]: %s",
			cases[i].text, cases[i].is_sure ? "yes" : "no");
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (cases[i].is_host || cases[i].is_loopback)
			ok(reference_is_loopback(cases[i].text) == cases[i].is_loopback,
				"loopback [%s]: %s", cases[i].text,
				cases[i].is_loopback ? "yes" : "no");
	ok(reference_is_host(many('a', 63)) && !reference_is_host(many('a', 64)), "labels to 63");
	snprintf(text, sizeof(text), "%s.%s.%s.%s:65535", many('a', 63), many('b', 63),
		many('c', 63), many('d', 63));
	ok(reference_is_host(text) && strlen(text) == 261, "the longest host with its port");
	ok(!reference_is_host(many('1', 500)), "nothing longer");
}

static void test_repositories(void)
{
	static const struct {
		const char *text;
		bool is_component, is_repository;
	} cases[] = {
		{"app", true, true},
		{"7", true, true},
		{"a.b", true, true},
		{"a_b", true, true},
		{"a__b", true, true},
		{"a-b", true, true},
		{"a---b", true, true},
		{"a.b_c__d-e", true, true},
		{"1.2.3", true, true},
		{"ns/app", false, true},
		{"a/b/c/d", false, true},
		{"", false, false},
		{"/", false, false},
		{"/a", false, false},
		{"a/", false, false},
		{"a//b", false, false},
		{"a/./b", false, false},
		{"a/../b", false, false},
		{"..", false, false},
		{".git", false, false},
		{"a.", false, false},
		{"-a", false, false},
		{"a-", false, false},
		{"_a", false, false},
		{"a_", false, false},
		{"a__", false, false},
		{"a..b", false, false},
		{"a___b", false, false},
		{"a._b", false, false},
		{"a-_b", false, false},
		{"a_-b", false, false},
		{"Abc", false, false},
		{"aB", false, false},
		{"a b", false, false},
		{"a+b", false, false},
		{"a:b", false, false},
		{"a@b", false, false},
		{"a%2fb", false, false},
		{"\xc3\xa4", false, false},
		{"a\n", false, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ok(reference_is_component(cases[i].text) == cases[i].is_component,
			"component [%s]: %s", cases[i].text, cases[i].is_component ? "yes" : "no");
		ok(reference_is_repository(cases[i].text) == cases[i].is_repository,
			"repository [%s]: %s", cases[i].text,
			cases[i].is_repository ? "yes" : "no");
	}
	ok(reference_is_repository(many('a', 255)) && !reference_is_repository(many('a', 256)),
		"repositories to 255");
	ok(reference_is_component(many('a', 255)) && !reference_is_component(many('a', 256)),
		"components too");
	is_text(reference_last_component("a/b/app"), "app", "the last component");
	is_text(reference_last_component("app"), "app", "the only component");
}

static void test_tags(void)
{
	static const struct {
		const char *text;
		bool is_tag;
	} cases[] = {
		{"1.2.3", true},
		{"latest", true},
		{"_a", true},
		{"A.b-C_d", true},
		{"1.2.3_b", true},
		{"", false},
		{".a", false},
		{"-a", false},
		{"a+b", false},
		{"a/b", false},
		{"a b", false},
		{"a:b", false},
		{"sha256:abc", false},
		{"a\n", false},
		{"\xc3\xa4", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(reference_is_tag(cases[i].text) == cases[i].is_tag, "tag [%s]: %s",
			cases[i].text, cases[i].is_tag ? "yes" : "no");
	ok(reference_is_tag(many('a', 128)) && !reference_is_tag(many('a', 129)), "tags to 128");
}

static void test_versions_and_tags(void)
{
	char tag[REFERENCE_TAG_MAX + 1], version[REFERENCE_TAG_MAX + 1];

	ok(reference_tag_of_version("1.1.0+b1", tag), "a version with metadata has a tag");
	is_text(tag, "1.1.0_b1", "in which '_' stands for '+'");
	ok(reference_version_of_tag(tag, version), "and back");
	is_text(version, "1.1.0+b1", "to the same version");
	ok(reference_tag_of_version("v1.2", tag), "as it is otherwise");
	is_text(tag, "v1.2", "unchanged");
	ok(!reference_tag_of_version("1.1.0_b1", tag), "a version with '_' has none");
	ok(!reference_tag_of_version("+a", tag) || strcmp(tag, "_a") == 0, "a '+' in front");
	ok(!reference_tag_of_version("", tag) && !reference_tag_of_version("a b", tag) &&
			!reference_tag_of_version(".git", tag),
		"nor has what is no tag");
	ok(reference_tag_of_version(many('1', 128), tag) &&
			!reference_tag_of_version(many('1', 129), tag),
		"versions to 128");
	ok(!reference_version_of_tag("a/b", version) && !version[0], "no tag, no version");
}

static void test_sources(void)
{
	static const struct {
		const char *source;
		const char *host; /* NULL: refused */
		const char *path;
	} cases[] = {
		{"oci://", "", ""},
		{"oci://localhost:5000", "localhost:5000", ""},
		{"oci://localhost:5000/", "localhost:5000", ""},
		{"localhost:5000/ns", "localhost:5000", "ns"},
		{"localhost", "localhost", ""},
		{"ghcr.io/owner/charts/app", "ghcr.io", "owner/charts/app"},
		{"oci://ghcr.io/owner/", "ghcr.io", "owner"},
		{"OCI://GHCR.io/owner", "ghcr.io", "owner"},
		{"oci://registry/charts", "registry", "charts"},
		{"oci://[::1]:5000/a", "[::1]:5000", "a"},
		{"oci://docker.io/bitnamicharts", "registry-1.docker.io", "bitnamicharts"},
		{"index.docker.io", "registry-1.docker.io", ""},
		{"registry-1.docker.io/x", "registry-1.docker.io", "x"},
		{"", NULL, NULL},
		{"/", NULL, NULL},
		{"oci:///a", NULL, NULL},
		{"registry/charts", NULL, NULL},
		{"charts", NULL, NULL},
		{"./charts", NULL, NULL},
		{"../charts", NULL, NULL},
		{"oci://user@ghcr.io/a", NULL, NULL},
		{"oci://user:secret@ghcr.io/a", NULL, NULL},
		{"user:secret@ghcr.io", NULL, NULL},
		{"oci://user:sec/ret@ghcr.io/a", NULL, NULL},
		{"oci://ghcr.io/a:1.0.0", NULL, NULL},
		{"oci://ghcr.io/a/b:latest", NULL, NULL},
		{"oci://ghcr.io/a@sha256:00", NULL, NULL},
		{"oci://ghcr.io/a:1@sha256:00", NULL, NULL},
		{"ftp://ghcr.io/a", NULL, NULL},
		{"https://ghcr.io/a", NULL, NULL},
		{"layout:dir", NULL, NULL},
		{"oci://oci://ghcr.io", NULL, NULL},
		{"oci://ghcr.io/A", NULL, NULL},
		{"oci://ghcr.io/a//b", NULL, NULL},
		{"oci://ghcr.io/a/../b", NULL, NULL},
		{"oci://ghcr.io/a?b=c", NULL, NULL},
		{"oci://ghcr.io:0/a", NULL, NULL},
		{"oci://ghcr.io:/a", NULL, NULL},
		{"oci://gh cr.io/a", NULL, NULL},
		{"oci://127.1/a", NULL, NULL},
	};
	char host[REFERENCE_HOST_MAX + 1], path[REFERENCE_REPOSITORY_MAX + 1], text[700];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = {0};
		int r = reference_parse_source(cases[i].source, host, path, &err);

		if (cases[i].host) {
			is_number(r, 0, cases[i].source);
			is_text(host, cases[i].host, "its host");
			is_text(path, cases[i].path, "its path");
		} else {
			ok(r == -EINVAL && err.code == EINVAL && err.text[0], "refused: [%s] (%s)",
				cases[i].source, err.text);
			ok(!strstr(err.text, "secret") && !strstr(err.text, "sec/ret"),
				"without telling a secret");
		}
	}
	for (size_t len = 250; len < 270; len++) {
		struct error err = {0};

		snprintf(text, sizeof(text), "oci://ghcr.io/%s", many('a', len));
		ok((reference_parse_source(text, host, path, &err) == 0) == (len <= 255),
			"a path of %zu", len);
	}
	for (size_t len = 250; len < 270; len++) {
		struct error err = {0};

		snprintf(text, sizeof(text), "oci://%s/a", many('a', len));
		is_number(reference_parse_source(text, host, path, &err), -EINVAL, "a long host");
	}
}

static void test_sentences(void)
{
	static const struct {
		const char *source, *words;
	} cases[] = {
		{"user:secret@ghcr.io", "chartfs login"},
		{"oci://ghcr.io/a/b:1.0", "mount 'oci://ghcr.io/a/b'"},
		{"oci://ghcr.io/a@sha256:00", "digest"},
		{"ftp://x", "give oci://"},
		{"charts/app", "oci://charts/app"},
	};
	char host[REFERENCE_HOST_MAX + 1], path[REFERENCE_REPOSITORY_MAX + 1];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err = {0};

		reference_parse_source(cases[i].source, host, path, &err);
		ok(strstr(err.text, cases[i].words), "[%s] says: %s", cases[i].source, err.text);
	}
}

int main(void)
{
	test_hosts();
	test_link_local();
	test_repositories();
	test_tags();
	test_versions_and_tags();
	test_sources();
	test_sentences();
	return done();
}
