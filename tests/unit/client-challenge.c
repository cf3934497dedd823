#include "cache/base/scope.h"
#include "client/challenge.h"
#include "tests/unit/tap.h"

struct expected {
	const char *value;
	enum challenge_scheme scheme;
	const char *realm, *service, *scope, *error;
};

static void check(const struct challenge *challenge, const struct expected *expected)
{
	is_number(challenge->scheme, expected->scheme, expected->value);
	is_text(challenge->realm, expected->realm, "realm");
	is_text(challenge->service, expected->service, "service");
	is_text(challenge->scope, expected->scope, "scope");
	is_text(challenge->error, expected->error, "error");
}

static void test_one_header(void)
{
	static const struct expected cases[] = {
		/* as registries send them */
		{"Basic realm=\"basic-realm\"", CHALLENGE_BASIC, "basic-realm", NULL, NULL, NULL},
		{"Bearer realm=\"http://127.0.0.1:5001/token\",service=\"my,svc\",scope=\"registry:catalog:*"
		 "\"",
			CHALLENGE_BEARER, "http://127.0.0.1:5001/token", "my,svc",
			"registry:catalog:*", NULL},
		{"Bearer realm=\"https://h/t\",service=\"s\",scope=\"repository:t/one:pull "
		 "repository:ns/a:pull,push\",error=\"insufficient_scope\"",
			CHALLENGE_BEARER, "https://h/t", "s",
			"repository:t/one:pull repository:ns/a:pull,push", "insufficient_scope"},
		{"basic realm=zot", CHALLENGE_BASIC, "zot", NULL, NULL, NULL},
		{"bearer realm=https://h/t?a=b,service=zot", CHALLENGE_BEARER, "https://h/t?a=b",
			"zot", NULL, NULL},
		{"BEARER REALM=\"https://h/t\" , Service = s", CHALLENGE_BEARER, "https://h/t", "s",
			NULL, NULL},
		{"Bearer realm=\"https://h/t\",service=\"s\",scope=\"\"", CHALLENGE_BEARER,
			"https://h/t", "s", "", NULL},
		{"Bearer realm=\"https://h/t\" service=\"s\"", CHALLENGE_BEARER, "https://h/t", "s",
			NULL, NULL},
		{"Basic", CHALLENGE_BASIC, NULL, NULL, NULL, NULL},
		{"Basic ", CHALLENGE_BASIC, NULL, NULL, NULL, NULL},
		{"Basic realm=\"\", charset=\"UTF-8\"", CHALLENGE_BASIC, "", NULL, NULL, NULL},
		{"Basic realm=\"a \\\"b\\\" \\\\c\"", CHALLENGE_BASIC, "a \"b\" \\c", NULL, NULL,
			NULL},
		{"Basic realm=\"a, Bearer realm=b\"", CHALLENGE_BASIC, "a, Bearer realm=b", NULL,
			NULL, NULL},
		{"Basic realm=a, realm=b", CHALLENGE_BASIC, "a", NULL, NULL, NULL},
		{"Basic  ,, realm=a,,", CHALLENGE_BASIC, "a", NULL, NULL, NULL},
		{"Negotiate", CHALLENGE_OTHER, NULL, NULL, NULL, NULL},
		{"Negotiate YII+/x==", CHALLENGE_OTHER, NULL, NULL, NULL, NULL},
		{"Digest realm=\"d\", nonce=\"n\"", CHALLENGE_OTHER, "d", NULL, NULL, NULL},
		{"", CHALLENGE_NONE, NULL, NULL, NULL, NULL},
		{" , ,", CHALLENGE_NONE, NULL, NULL, NULL, NULL},
		/* several in one header */
		{"Basic realm=\"b\", Bearer realm=\"https://h/t\", service=s", CHALLENGE_BEARER,
			"https://h/t", "s", NULL, NULL},
		{"Bearer realm=\"https://h/t\", service=s, Basic realm=\"b\"", CHALLENGE_BEARER,
			"https://h/t", "s", NULL, NULL},
		{"Negotiate, Basic realm=b", CHALLENGE_BASIC, "b", NULL, NULL, NULL},
		{"Negotiate YII+/x==, Basic realm=b", CHALLENGE_BASIC, "b", NULL, NULL, NULL},
		{"Basic, Negotiate YII=", CHALLENGE_BASIC, NULL, NULL, NULL, NULL},
		{"Bearer realm=a, Bearer realm=b", CHALLENGE_BEARER, "a", NULL, NULL, NULL},
		{"Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
			CHALLENGE_BASIC, "simple", NULL, NULL, NULL},
		/* a Bearer that names no realm is of no use */
		{"Bearer service=s, Basic realm=b", CHALLENGE_BASIC, "b", NULL, NULL, NULL},
		{"Bearer realm=\"\", Basic realm=b", CHALLENGE_BASIC, "b", NULL, NULL, NULL},
		{"Bearer service=s", CHALLENGE_BEARER, NULL, "s", NULL, NULL},
		{"Negotiate, Bearer", CHALLENGE_OTHER, NULL, NULL, NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scoped(challenge_clear) struct challenge challenge = {0};

		ok(challenge_add(&challenge, cases[i].value, strlen(cases[i].value)),
			"in the grammar");
		check(&challenge, &cases[i]);
	}
}

/* What is broken ends the reading; what came before it counts. */
static void test_broken(void)
{
	static const struct expected cases[] = {
		{"realm=\"a\"", CHALLENGE_OTHER, NULL, NULL, NULL, NULL},
		{"=", CHALLENGE_NONE, NULL, NULL, NULL, NULL},
		{"\"Basic\"", CHALLENGE_NONE, NULL, NULL, NULL, NULL},
		{"Basic; realm=a", CHALLENGE_BASIC, NULL, NULL, NULL, NULL},
		{"Basic realm=\"a", CHALLENGE_BASIC, NULL, NULL, NULL, NULL},
		{"Basic realm=\"a\\", CHALLENGE_BASIC, NULL, NULL, NULL, NULL},
		{"Basic realm=\"a\x01\"", CHALLENGE_BASIC, NULL, NULL, NULL, NULL},
		{"Basic realm=a\x7f", CHALLENGE_BASIC, NULL, NULL, NULL, NULL},
		{"Basic realm=a\"b", CHALLENGE_BASIC, "a", NULL, NULL, NULL},
		{"Bearer realm=\"a\", service=\"b", CHALLENGE_BEARER, "a", NULL, NULL, NULL},
		{"Basic realm=a, =b, Bearer realm=c", CHALLENGE_BASIC, "a", NULL, NULL, NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scoped(challenge_clear) struct challenge challenge = {0};

		ok(!challenge_add(&challenge, cases[i].value, strlen(cases[i].value)),
			"not in the grammar");
		check(&challenge, &cases[i]);
	}
}

static void add(struct challenge *challenge, const char *value)
{
	challenge_add(challenge, value, strlen(value));
}

static void test_several_headers(void)
{
	static const struct expected bearer = {
		"the best of all headers", CHALLENGE_BEARER, "t", "s", NULL, NULL};
	scoped(challenge_clear) struct challenge challenge = {0};

	add(&challenge, "Negotiate");
	is_number(challenge.scheme, CHALLENGE_OTHER, "the first header");
	add(&challenge, "Basic realm=b");
	is_number(challenge.scheme, CHALLENGE_BASIC, "a better one");
	add(&challenge, "Bearer realm=t,service=s");
	add(&challenge, "Basic realm=c");
	add(&challenge, "\"broken");
	check(&challenge, &bearer);
	challenge_clear(&challenge);
	ok(challenge.scheme == CHALLENGE_NONE && !challenge.realm, "nothing is left");
}

static void test_bounds(void)
{
	static char value[CHALLENGE_SIZE_MAX + 2] = "Basic realm=";
	scoped(challenge_clear) struct challenge challenge = {0};

	memset(value + 12, 'a', CHALLENGE_SIZE_MAX - 11);
	ok(!challenge_add(&challenge, value, CHALLENGE_SIZE_MAX + 1), "too long");
	is_number(challenge.scheme, CHALLENGE_NONE, "is not read");
	ok(challenge_add(&challenge, value, CHALLENGE_SIZE_MAX), "the longest");
	is_number((long long)strlen(challenge.realm), CHALLENGE_SIZE_MAX - 12, "is");
	challenge_clear(&challenge);
	ok(!challenge_add(&challenge, "Basic realm=a\0b", 15), "a NUL is in no value");
	is_text(challenge.realm, "a", "what came before counts");
}

int main(void)
{
	test_one_header();
	test_broken();
	test_several_headers();
	test_bounds();
	return done();
}
