/* Whose certificates are trusted, and which are shown. */
#include "cache/base/scope.h"
#include "client/certs.h"
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <sys/wait.h>

static char *certificates[3], *keys[3]; /* texts */

static void run(const char *command)
{
	if (system(command) != 0) {
		printf("Bail out! failed: %s\n", command);
		exit(EXIT_FAILURE);
	}
}

static void make_certificates(void)
{
	char command[4 * PATH_MAX];

	for (int i = 0; i < 3; i++) {
		snprintf(command, sizeof(command),
			"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
			"-days 3650 -subj /CN=%c -keyout '%s' -out '%s' 2>/dev/null",
			'a' + i, below("%c.pem.key", 'a' + i), below("%c.pem", 'a' + i));
		run(command);
		certificates[i] = strdup(read_file(below("%c.pem", 'a' + i)));
		keys[i] = strdup(read_file(below("%c.pem.key", 'a' + i)));
	}
}

static void make_folder(const char *path)
{
	char text[PATH_MAX];

	snprintf(text, sizeof(text), "mkdir -p '%s'", path);
	run(text);
}

/* Whether a blob of roots has a certificate, among the system's or without them. */
static bool has(const struct tls_settings *tls, const char *certificate)
{
	return tls && tls->ca && memmem(tls->ca, tls->ca_len, certificate, strlen(certificate));
}

static void test_usual(void)
{
	struct client_options options = {.insecure = true};
	struct error err = {0};
	struct certs *certs = certs_new(&options, &err);
	const struct tls_settings *tls = certs_find(certs, "h.io", true, &err);

	ok(tls && !tls->ca && !tls->cert && tls->insecure, "nothing given: the system's roots");
	tls = certs_find(certs, "auth.io", false, &err);
	ok(tls && !tls->insecure, "`insecure` is for the registry only");
	certs_free(certs);
}

static void test_options(void)
{
	scoped(freep) char *ca = strdup(below("a.pem"));
	scoped(freep) char *cert = strdup(below("b.pem"));
	scoped(freep) char *key = strdup(below("b.pem.key"));
	struct client_options options = {.ca_file = ca, .cert_file = cert, .key_file = key};
	struct error err = {0};
	struct certs *certs;
	const struct tls_settings *tls;

	setenv("SSL_CERT_FILE", below("c.pem"), 1);
	certs = certs_new(&options, &err);
	tls = certs_find(certs, "h.io", true, &err);
	ok(has(tls, certificates[0]) && has(tls, certificates[2]), "ca_file and SSL_CERT_FILE");
	is_text(tls->cert, cert, "the certificate to show");
	is_text(tls->key, key, "its key");
	tls = certs_find(certs, "auth.io", false, &err);
	ok(has(tls, certificates[0]) && !tls->cert, "others are shown nothing");
	certs_free(certs);
	unsetenv("SSL_CERT_FILE");
	make_folder(below("roots"));
	write_file(below("roots/x.0"), certificates[1], 0600);
	write_file(below("roots/README"), "none", 0600);
	setenv("SSL_CERT_DIR", below("roots"), 1);
	options = (struct client_options){0};
	certs = certs_new(&options, &err);
	ok(has(certs_find(certs, "h.io", true, &err), certificates[1]), "SSL_CERT_DIR");
	certs_free(certs);
	unsetenv("SSL_CERT_DIR");
}

struct refusal {
	const char *name;
	const char *ca, *cert, *key; /* below the temporary folder */
	int code;
};

static const struct refusal refusals[] = {
	{"no ca_file", "missing.pem", NULL, NULL, ENOENT},
	{"a ca_file without certificate", "a.pem.key", NULL, NULL, EINVAL},
	{"somebody else's key", NULL, "a.pem", "b.pem.key", EINVAL},
	{"no key in the certificate's file", NULL, "a.pem", NULL, EINVAL},
	{"no certificate to the key", NULL, NULL, "a.pem.key", EINVAL},
	{"a directory", ".", NULL, NULL, EINVAL},
};

static void test_refusal(const struct refusal *test)
{
	char ca[PATH_MAX], cert[PATH_MAX], key[PATH_MAX];
	struct client_options options = {.ca_file = test->ca ? ca : NULL,
		.cert_file = test->cert ? cert : NULL,
		.key_file = test->key ? key : NULL};
	struct error err = {0};

	snprintf(ca, sizeof(ca), "%s", below("%s", test->ca ? test->ca : ""));
	snprintf(cert, sizeof(cert), "%s", below("%s", test->cert ? test->cert : ""));
	snprintf(key, sizeof(key), "%s", below("%s", test->key ? test->key : ""));
	ok(!certs_new(&options, &err) && err.code == test->code, "%s: %s", test->name, err.text);
}

static void test_folders(void)
{
	struct client_options options = {0};
	struct error err = {0};
	struct certs *certs = certs_new(&options, &err);
	const struct tls_settings *tls;

	make_folder(below(".config/containers/certs.d/h.io:5000"));
	write_file(below(".config/containers/certs.d/h.io:5000/ca.crt"), certificates[0], 0600);
	write_file(below(".config/containers/certs.d/h.io:5000/me.cert"), certificates[1], 0600);
	write_file(below(".config/containers/certs.d/h.io:5000/me.key"), keys[1], 0600);
	tls = certs_find(certs, "h.io:5000", true, &err);
	ok(has(tls, certificates[0]), "a host's root");
	ok(tls && tls->ca_len > strlen(certificates[0]) + 1, "beside the system's");
	is_text(tls->cert, below(".config/containers/certs.d/h.io:5000/me.cert"), "the pair");
	is_text(tls->key, below(".config/containers/certs.d/h.io:5000/me.key"), "of it");
	ok(tls == certs_find(certs, "h.io:5000", true, &err), "settings stay");
	tls = certs_find(certs, "h.io", true, &err);
	ok(tls && !tls->ca, "another port, another host");
	tls = certs_find(certs, "h.io:5000", false, &err);
	ok(has(tls, certificates[0]) && !tls->cert, "as a token server it is shown nothing");
	make_folder(below(".config/docker/certs.d/docker.io"));
	write_file(below(".config/docker/certs.d/docker.io/x.crt"), certificates[2], 0600);
	ok(has(certs_find(certs, "registry-1.docker.io", true, &err), certificates[2]),
		"docker's directory, docker.io's name");
	make_folder(below(".config/containers/certs.d/half.io"));
	write_file(below(".config/containers/certs.d/half.io/me.cert"), certificates[1], 0600);
	ok(!certs_find(certs, "half.io", true, &err) && err.code == EINVAL, "%s", err.text);
	write_file(below(".config/containers/certs.d/half.io/me.key"), keys[0], 0600);
	ok(!certs_find(certs, "half.io", true, &err) && err.code == EINVAL, "%s", err.text);
	write_file(below(".config/containers/certs.d/half.io/me.key"), keys[1], 0600);
	ok(certs_find(certs, "half.io", true, &err), "mended");
	make_folder(below(".config/containers/certs.d/bad.io"));
	write_file(below(".config/containers/certs.d/bad.io/ca.crt"), "none", 0600);
	ok(!certs_find(certs, "bad.io", true, &err) && err.code == EINVAL, "%s", err.text);
	certs_free(certs);
}

int main(void)
{
	temporary_make();
	setenv("HOME", temporary, 1);
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
	make_certificates();
	test_usual();
	test_options();
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		test_refusal(&refusals[i]);
	test_folders();
	for (int i = 0; i < 3; i++) {
		free(certificates[i]);
		free(keys[i]);
	}
	temporary_remove();
	return done();
}
