/* What token servers are asked for, and which realms may be asked at all. */
#include "cache/base/error.h"
#include "cache/base/scope.h"
#include "client/realm.h"
#include "client/scope.h"
#include "client/token.h"
#include "tests/unit/tap.h"

#include <errno.h>

struct scope_case {
	const char *name;
	struct scope at[2];
	size_t count;
	enum scope_deletion deletion;
	const char *challenged, *expected; /* expected: between spaces */
};

static const struct scope_case scope_cases[] = {
	{"nothing", {{0}}, 0, SCOPE_DELETE, NULL, ""},
	{"the catalog", {{NULL, NULL}}, 1, SCOPE_DELETE, NULL, "registry:catalog:*"},
	{"pull", {{"a/b", "pull"}}, 1, SCOPE_DELETE, NULL, "repository:a/b:pull"},
	{"a mount", {{"t/one", "pull,push"}, {"ns/a", "pull"}}, 2, SCOPE_DELETE, NULL,
		"repository:ns/a:pull repository:t/one:pull,push"},
	{"the challenge's order changes nothing", {{"a", "pull,push"}}, 1, SCOPE_DELETE,
		"repository:a:push,pull", "repository:a:pull,push"},
	{"a deletion", {{"a", "delete"}}, 1, SCOPE_DELETE, NULL, "repository:a:delete"},
	{"a deletion by everything", {{"a", "delete"}}, 1, SCOPE_ALL, NULL, "repository:a:*"},
	{"a deletion by push", {{"a", "delete"}}, 1, SCOPE_PUSH, NULL, "repository:a:pull,push"},
	{"a scope of its own", {{"a", "pull"}}, 1, SCOPE_DELETE, "aws", "aws"},
	{"with ours", {{"a", "pull"}}, 1, SCOPE_DELETE, "repository:a:pull aws",
		"aws repository:a:pull"},
	{"with somebody else's", {{"a", "pull"}}, 1, SCOPE_DELETE, "aws  repository:b:pull,push",
		"aws"},
	{"somebody else's", {{"a", "pull"}}, 1, SCOPE_DELETE, "repository:b:*",
		"repository:a:pull"},
};

static void test_scope(const struct scope_case *test)
{
	struct scopes scopes = {test->at, test->count};
	scoped(names_clearp) struct names texts = {0};
	char got[256] = "";

	is_number(scope_print(&scopes, test->deletion, test->challenged, &texts), 0, test->name);
	for (size_t i = 0; i < texts.count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", i ? " " : "",
			names_get(&texts, i));
	is_text(got, test->expected, test->name);
}

static void test_kinds(void)
{
	const struct scope catalog = {NULL, NULL}, pull = {"delete/x", "pull"},
			   deletion = {"delete/x", "delete"};
	const struct scopes ping = {NULL, 0}, of_catalog = {&catalog, 1}, of_pull = {&pull, 1},
			    of_deletion = {&deletion, 1};

	ok(scope_kind(&ping) == SCOPE_PING && scope_kind(&of_catalog) == SCOPE_CATALOG &&
			scope_kind(&of_pull) == SCOPE_REPOSITORY,
		"kinds");
	ok(scope_is_deletion(&of_deletion) && !scope_is_deletion(&of_pull) &&
			!scope_is_deletion(&of_catalog),
		"deletions");
	is_number(scope_deletion_of(&of_deletion, NULL), SCOPE_DELETE, "no challenged right");
	is_number(scope_deletion_of(&of_deletion, "repository:delete/x:delete"), SCOPE_DELETE,
		"delete");
	is_number(scope_deletion_of(&of_deletion, "repository:delete/x:*"), SCOPE_ALL, "*");
	is_number(scope_deletion_of(&of_deletion, "repository:delete/x:pull,push"), SCOPE_PUSH,
		"push");
	is_number(scope_deletion_of(&of_deletion, "repository:y:*"), SCOPE_DELETE,
		"somebody else's right");
}

struct realm_case {
	const char *name, *url;
	enum peer peer;
	const char *realm;
	int result;
	bool only_public;
};

static const struct realm_case realm_cases[] = {
	{"another public host", "https://r.io/v2/", PEER_PUBLIC, "https://auth.r.io/token?x=1", 0,
		true},
	{"the same host", "https://r.io/v2/", PEER_PUBLIC, "https://r.io/token", 0, false},
	{"the same host by http", "https://r.io/v2/", PEER_PUBLIC, "http://r.io/token", -EACCES,
		false},
	{"http from https", "https://r.io/v2/", PEER_PRIVATE, "http://auth.r.io/token", -EACCES,
		false},
	{"http from http", "http://r.lan/v2/", PEER_PRIVATE, "http://auth.lan/token", 0, false},
	{"https from http", "http://127.0.0.1:5000/v2/", PEER_PRIVATE, "https://auth.io/token", 0,
		false},
	{"loopback behind a public one", "https://r.io/", PEER_PUBLIC, "https://127.0.0.1/t",
		-EACCES, false},
	{"an old spelling of it", "https://r.io/", PEER_PUBLIC, "https://0x7f000001/t", -EACCES,
		false},
	{"localhost", "https://r.io/", PEER_PUBLIC, "https://localhost/t", -EACCES, false},
	{"the metadata service", "https://r.io/", PEER_UNKNOWN, "https://169.254.169.254/t",
		-EACCES, false},
	{"IPv6", "https://r.io/", PEER_PUBLIC, "https://[fd00::1]/t", -EACCES, false},
	{"private behind private", "https://r.lan/", PEER_PRIVATE, "https://10.0.0.1/t", 0, false},
	{"private behind a private address", "https://10.0.0.2/", PEER_UNKNOWN,
		"https://10.0.0.1/t", 0, false},
	{"by a proxy", "https://r.io/", PEER_PROXY, "https://10.0.0.1/t", 0, true},
	{"a private one by a proxy", "https://10.0.0.2/", PEER_PROXY, "https://10.0.0.1/t", 0,
		false},
	{"no URL", "https://r.io/", PEER_PUBLIC, "token", -EIO, false},
	{"another scheme", "https://r.io/", PEER_PUBLIC, "file:///etc/passwd", -EIO, false},
	{"userinfo", "https://r.io/", PEER_PUBLIC, "https://r.io@evil.io/t", -EIO, false},
};

static void test_realm(const struct realm_case *test)
{
	struct error err = {0};
	bool only_public;

	is_number(realm_check(test->url, test->peer, test->realm, &only_public, &err), test->result,
		test->name);
	if (test->result == 0)
		is_number(only_public, test->only_public, test->name);
	else
		ok(*err.text, "%s: %s", test->name, err.text);
}

static void test_questions(void)
{
	scoped(names_clearp) struct names scopes = {0};
	struct token_question question = {
		.realm = "https://a.io/t?x=1", .service = "my,svc", .scopes = &scopes};
	scoped(account_wipe) struct account account = {0};
	scoped(buf_wipep) struct buf url = BUF_INIT(4096), form = BUF_INIT(4096),
				     basic = BUF_INIT(4096);

	names_add(&scopes, "repository:a:pull", 17);
	names_add(&scopes, "repository:b:pull,push", 22);
	account_set(&account, ACCOUNT_PASSWORD, "a b", "p:&");
	is_number(token_print_url(&question, &account, &url), 0, "a GET's URL");
	is_text(buf_text(&url),
		"https://a.io/t?x=1&service=my%2Csvc&scope=repository%3Aa%3Apull&scope="
		"repository%3Ab%3Apull%2Cpush&account=a%20b",
		"one scope parameter for each");
	token_print_basic(&account, &basic);
	is_text(buf_text(&basic), "Basic YSBiOnA6Jg==", "Basic");
	token_print_form(&question, &account, &form);
	is_text(buf_text(&form),
		"grant_type=refresh_token&refresh_token=p%3A%26&service=my%2Csvc&client_id=chartfs&"
		"scope=repository%3Aa%3Apull%20repository%3Ab%3Apull%2Cpush",
		"a POST's form");
}

struct reply_case {
	const char *name, *text;
	int result;
	const char *token;
	long long expires_s;
};

static const struct reply_case reply_cases[] = {
	{"token", "{\"token\":\"t\",\"expires_in\":300}", 0, "t", 300},
	{"access_token", "{\"access_token\":\"a\"}", 0, "a", 60},
	{"both", "{\"access_token\":\"a\",\"token\":\"t\"}", 0, "t", 60},
	{"an empty token", "{\"access_token\":\"a\",\"token\":\"\"}", 0, "a", 60},
	{"no sensible end", "{\"token\":\"t\",\"expires_in\":-1}", 0, "t", 60},
	{"an end far away", "{\"token\":\"t\",\"expires_in\":9e15}", 0, "t", 30 * 24 * 3600},
	{"an end as text", "{\"token\":\"t\",\"expires_in\":\"5\"}", 0, "t", 60},
	{"nothing", "", -EIO, NULL, 0},
	{"no token", "{}", -EIO, NULL, 0},
	{"a number", "{\"token\":1}", -EIO, NULL, 0},
	{"a line end", "{\"token\":\"a\\r\\nb\"}", -EIO, NULL, 0},
	{"a space", "{\"token\":\"a b\"}", -EIO, NULL, 0},
	{"no JSON", "<html>", -EIO, NULL, 0},
	{"an array", "[\"t\"]", -EIO, NULL, 0},
};

static void test_reply(const struct reply_case *test)
{
	scoped(token_wipep) struct token token = {0};
	struct error err = {0};

	is_number(token_parse(test->text, strlen(test->text), &token, &err), test->result,
		test->name);
	is_text(token.text, test->token, test->name);
	is_number(token.expires_s, test->expires_s, test->name);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(scope_cases) / sizeof(scope_cases[0]); i++)
		test_scope(&scope_cases[i]);
	test_kinds();
	for (size_t i = 0; i < sizeof(realm_cases) / sizeof(realm_cases[0]); i++)
		test_realm(&realm_cases[i]);
	test_questions();
	for (size_t i = 0; i < sizeof(reply_cases) / sizeof(reply_cases[0]); i++)
		test_reply(&reply_cases[i]);
	return done();
}
