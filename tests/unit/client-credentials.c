/* What files of stored logins say, and how their text changes. */
#include "cache/base/scope.h"
#include "client/credentials.h"
#include "tests/unit/tap.h"

#include <errno.h>

/* base64 of "u:p:w" */
#define AUTH "dTpwOnc="

struct find_case {
	const char *name, *file, *host, *repository;
	enum credentials_rules rules;
	const char *login;  /* "KIND USER SECRET", NULL for none */
	const char *helper; /* "HELPER SERVER", NULL for none */
	bool is_found;
};

static const struct find_case find_cases[] = {
	{"a host", "{\"auths\":{\"h:5000\":{\"auth\":\"" AUTH "\"}}}", "h:5000", "a/b",
		CREDENTIALS_DOCKER, "1 u p:w", NULL, true},
	{"another port", "{\"auths\":{\"h:5000\":{\"auth\":\"" AUTH "\"}}}", "h:5001", "",
		CREDENTIALS_DOCKER, NULL, NULL, false},
	{"without padding", "{\"auths\":{\"h.io\":{\"auth\":\"dTpwOnc\"}}}", "h.io", "",
		CREDENTIALS_DOCKER, "1 u p:w", NULL, true},
	{"NULs behind the password", "{\"auths\":{\"h.io\":{\"auth\":\"dTpwAAA=\"}}}", "h.io", "",
		CREDENTIALS_DOCKER, "1 u p", NULL, true},
	{"username and password", "{\"auths\":{\"h.io\":{\"username\":\"a\",\"password\":\"b\"}}}",
		"h.io", "", CREDENTIALS_DOCKER, "1 a b", NULL, true},
	{"an identity token beside a user",
		"{\"auths\":{\"h.io\":{\"auth\":\"dTo=\",\"identitytoken\":\"it\"}}}", "h.io", "",
		CREDENTIALS_DOCKER, "2 u it", NULL, true},
	{"a registry token", "{\"auths\":{\"h.io\":{\"registrytoken\":\"rt\"}}}", "h.io", "",
		CREDENTIALS_DOCKER, "3 - rt", NULL, true},
	{"an empty entry", "{\"auths\":{\"h.io\":{}}}", "h.io", "", CREDENTIALS_DOCKER, NULL, NULL,
		false},
	{"an entry for the store", "{\"auths\":{\"h.io\":{}},\"credsStore\":\"pass\"}", "h.io", "",
		CREDENTIALS_DOCKER, NULL, "pass h.io", true},
	{"a helper before the store",
		"{\"credHelpers\":{\"h.io\":\"gcr\"},\"credsStore\":\"pass\"}", "h.io", "",
		CREDENTIALS_DOCKER, NULL, "gcr h.io", true},
	{"the store for others", "{\"credHelpers\":{\"h.io\":\"gcr\"},\"credsStore\":\"pass\"}",
		"g.io", "", CREDENTIALS_DOCKER, NULL, "pass g.io", true},
	{"a helper's entry stays at hand",
		"{\"auths\":{\"h.io\":{\"auth\":\"" AUTH "\"}},\"credsStore\":\"pass\"}", "h.io",
		"", CREDENTIALS_DOCKER, "1 u p:w", "pass h.io", true},
	{"a scheme", "{\"auths\":{\"https://h.io\":{\"auth\":\"" AUTH "\"}}}", "h.io", "",
		CREDENTIALS_DOCKER, "1 u p:w", NULL, true},
	{"a scheme and docker's path", "{\"auths\":{\"https://h.io/v1/\":{\"auth\":\"" AUTH "\"}}}",
		"h.io", "", CREDENTIALS_DOCKER, "1 u p:w", NULL, true},
	{"any path, as Helm has it", "{\"auths\":{\"h.io/x\":{\"auth\":\"" AUTH "\"}}}", "h.io",
		"y", CREDENTIALS_DOCKER, "1 u p:w", NULL, true},
	{"the exact key first",
		"{\"auths\":{\"https://h.io\":{\"auth\":\"dTpw\"},\"h.io\":{\"auth\":\"" AUTH
		"\"},\"h.io/a\":{\"auth\":\"dTpw\"}}}",
		"h.io", "a", CREDENTIALS_DOCKER, "1 u p:w", NULL, true},
	{"docker.io's key", "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"" AUTH "\"}}}",
		"registry-1.docker.io", "library/x", CREDENTIALS_DOCKER, "1 u p:w", NULL, true},
	{"docker.io's key before the others",
		"{\"auths\":{\"docker.io\":{\"auth\":\"dTpw\"},\"https://index.docker.io/v1/\":"
		"{\"auth\":\"" AUTH "\"}}}",
		"docker.io", "", CREDENTIALS_DOCKER, "1 u p:w", NULL, true},
	{"docker.io by its name", "{\"auths\":{\"docker.io\":{\"auth\":\"" AUTH "\"}}}",
		"registry-1.docker.io", "", CREDENTIALS_DOCKER, "1 u p:w", NULL, true},
	{"docker.io's helper is asked for the long key", "{\"credsStore\":\"pass\"}",
		"registry-1.docker.io", "", CREDENTIALS_DOCKER, NULL,
		"pass https://index.docker.io/v1/", true},
	{"containers' helpers are asked for the host", "{\"credHelpers\":{\"docker.io\":\"pass\"}}",
		"registry-1.docker.io", "", CREDENTIALS_CONTAINERS, NULL, "pass docker.io", true},
	{"namespaces: the longest",
		"{\"auths\":{\"h.io\":{\"auth\":\"dTpw\"},\"h.io/a\":{\"auth\":\"dTpw\"},"
		"\"h.io/a/b\":{\"auth\":\"" AUTH "\"}}}",
		"h.io", "a/b/c", CREDENTIALS_CONTAINERS, "1 u p:w", NULL, true},
	{"namespaces: whole components",
		"{\"auths\":{\"h.io/a\":{\"auth\":\"dTpw\"},\"h.io\":{\"auth\":\"" AUTH "\"}}}",
		"h.io", "ab/c", CREDENTIALS_CONTAINERS, "1 u p:w", NULL, true},
	{"namespaces: none that fits", "{\"auths\":{\"h.io/a\":{\"auth\":\"dTpw\"}}}", "h.io", "b",
		CREDENTIALS_CONTAINERS, NULL, NULL, false},
	{"a namespace called v2", "{\"auths\":{\"h.io/v2\":{\"auth\":\"" AUTH "\"}}}", "h.io",
		"v2/a", CREDENTIALS_CONTAINERS, "1 u p:w", NULL, true},
	{"no base64 is passed over", "{\"auths\":{\"h.io\":{\"auth\":\"!!\"}}}", "h.io", "",
		CREDENTIALS_DOCKER, NULL, NULL, false},
	{"line ends between the digits",
		"{\"auths\":{\"h.io\":{\"auth\":\"dTpw\\r\\nOn\\nc=\\n\"}}}", "h.io", "",
		CREDENTIALS_DOCKER, "1 u p:w", NULL, true},
	{"a registry token that would end the header",
		"{\"auths\":{\"h.io\":{\"registrytoken\":\"rt\\r\\nX-Evil: 1\"}}}", "h.io", "",
		CREDENTIALS_DOCKER, NULL, NULL, false},
	{"no colon is passed over", "{\"auths\":{\"h.io\":{\"auth\":\"dXA=\"}}}", "h.io", "",
		CREDENTIALS_DOCKER, NULL, NULL, false},
	{"nulls", "{\"auths\":null,\"credHelpers\":null,\"credsStore\":null}", "h.io", "",
		CREDENTIALS_DOCKER, NULL, NULL, false},
};

static void test_find(const struct find_case *test)
{
	struct error err = {0};
	scoped(credentials_freep) struct credentials *file =
		credentials_parse(test->file, strlen(test->file), test->rules, &err);
	struct credentials_hit hit = {0};
	char login[64] = "none", helper[128] = "none";

	if (!ok(file != NULL, "%s: parsed", test->name))
		return;
	is_number(credentials_find(file, test->host, test->repository, &hit), test->is_found,
		test->name);
	if (hit.account)
		snprintf(login, sizeof(login), "%d %s %s", (int)hit.account->kind,
			hit.account->username ? hit.account->username : "-", hit.account->secret);
	if (hit.helper)
		snprintf(helper, sizeof(helper), "%s %s", hit.helper, hit.server);
	is_text(login, test->login ? test->login : "none", test->name);
	is_text(helper, test->helper ? test->helper : "none", test->name);
}

static void test_broken(void)
{
	static const char *const broken[] = {"", "x", "[]", "{\"auths\":[]}",
		"{\"credHelpers\":\"x\"}", "{\"auths\":{}", "{} {}", "null"};
	static const char some[] = "{\"auths\":{\"a.io\":{\"auth\":\"!\"},\"b.io\":7,"
				   "\"c.io\":{\"auth\":\"" AUTH "\"}},\"credHelpers\":{\"d\":1}}";
	scoped(credentials_freep) struct credentials *file = NULL;
	struct credentials_hit hit;
	struct error err;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		err = (struct error){0};
		ok(!credentials_parse(broken[i], strlen(broken[i]), CREDENTIALS_DOCKER, &err) &&
				err.code == EINVAL,
			"broken: %s (%s)", broken[i], err.text);
	}
	file = credentials_parse(some, strlen(some), CREDENTIALS_DOCKER, &err);
	is_number((long long)credentials_broken_count(file), 3, "unusable entries are counted");
	ok(credentials_find(file, "c.io", "", &hit), "and the others count");
}

static void test_hosts(void)
{
	static const char text[] =
		"{\"auths\":{\"https://index.docker.io/v1/\":{},\"quay.io/ns\":{},\"h:5000\":{},"
		"\"not a host\":{}},\"credHelpers\":{\"gcr.io\":\"gcr\"}}";
	struct error err;
	scoped(credentials_freep) struct credentials *file =
		credentials_parse(text, strlen(text), CREDENTIALS_DOCKER, &err);
	scoped(names_clearp) struct names hosts = {0};

	is_number(credentials_add_hosts(file, &hosts), 0, "the hosts of a file");
	names_sort(&hosts);
	is_number((long long)hosts.count, 4, "each once");
	is_text(names_get(&hosts, 0), "gcr.io", "a helper's host");
	is_text(names_get(&hosts, 1), "h:5000", "a host with a port");
	is_text(names_get(&hosts, 2), "quay.io", "a namespace's host");
	is_text(names_get(&hosts, 3), "registry-1.docker.io", "docker.io's host");
}

struct put_case {
	const char *name, *before, *host;
	enum account_kind kind;
	const char *after;
};

static const struct put_case put_cases[] = {
	{"a new file, as Helm writes it", "", "localhost:5000", ACCOUNT_PASSWORD,
		"{\n\t\"auths\": {\n\t\t\"localhost:5000\": {\n\t\t\t\"auth\": \"" AUTH
		"\"\n\t\t}\n\t}\n}"},
	{"all else is kept, keys sorted",
		"{\"credsStore\":\"\",\"z\":[1,true,null,{}],\"auths\":{\"z.io\":{\"b\":\"<&>\","
		"\"a\":\"\\u00e4\\n\"},\"a.io\":{}},\"HttpHeaders\":{\"X\":\"1\"}}",
		"m.io", ACCOUNT_PASSWORD,
		"{\n\t\"HttpHeaders\": {\n\t\t\"X\": \"1\"\n\t},\n\t\"auths\": {\n\t\t\"a.io\": "
		"{},\n\t\t\"m.io\": {\n\t\t\t\"auth\": \"" AUTH "\"\n\t\t},\n\t\t\"z.io\": "
		"{\n\t\t\t\"b\": \"\\u003c\\u0026\\u003e\",\n\t\t\t\"a\": \"\xc3\xa4\\n\"\n\t\t}\n"
		"\t},\n\t\"credsStore\": \"\",\n\t\"z\": [\n\t\t1,\n\t\ttrue,\n\t\tnull,\n\t\t{}\n"
		"\t]\n}"},
	{"an entry is replaced", "{\"auths\":{\"m.io\":{\"identitytoken\":\"old\"}}}", "m.io",
		ACCOUNT_PASSWORD,
		"{\n\t\"auths\": {\n\t\t\"m.io\": {\n\t\t\t\"auth\": \"" AUTH "\"\n\t\t}\n\t}\n}"},
	{"docker.io's key, an identity token", "{\"auths\":null}", "docker.io", ACCOUNT_IDENTITY,
		"{\n\t\"auths\": {\n\t\t\"https://index.docker.io/v1/\": {\n\t\t\t\"auth\": "
		"\"dTo=\",\n\t\t\t\"identitytoken\": \"p:w\"\n\t\t}\n\t}\n}"},
	{"an empty entry where a helper has it", "{}", "m.io", ACCOUNT_NONE,
		"{\n\t\"auths\": {\n\t\t\"m.io\": {}\n\t}\n}"},
};

static void test_put(const struct put_case *test)
{
	scoped(buf_wipep) struct buf changed = BUF_INIT(1 << 20);
	scoped(account_wipe) struct account account = {0};
	struct error err = {0};

	account_set(&account, test->kind, "u", "p:w");
	is_number(credentials_put(
			  test->before, strlen(test->before), test->host, &account, &changed, &err),
		0, test->name);
	is_text(buf_text(&changed), test->after, test->name);
}

static void test_remove(void)
{
	static const char before[] = "{\"auths\":{\"https://m.io/v2/\":{},\"m.io\":{},\"n.io\":{},"
				     "\"m.io/ns\":{}},\"x\":1}";
	scoped(buf_wipep) struct buf changed = BUF_INIT(1 << 20);
	scoped(buf_wipep) struct buf again = BUF_INIT(1 << 20);
	struct error err = {0};
	bool found = false;

	is_number(credentials_remove(before, strlen(before), "m.io", &changed, &found, &err), 0,
		"removed");
	ok(found, "there were some");
	is_text(buf_text(&changed),
		"{\n\t\"auths\": {\n\t\t\"m.io/ns\": {},\n\t\t\"n.io\": {}\n\t},\n\t\"x\": 1\n}",
		"others are left");
	is_number(credentials_remove(buf_text(&changed), changed.len, "m.io", &again, &found, &err),
		0, "removed again");
	ok(!found, "there were none");
	is_number(credentials_remove("[", 1, "m.io", &again, &found, &err), -EINVAL, "broken");
	is_number(credentials_put("{\"auths\":1}", 11, "m.io", &(struct account){0}, &again, &err),
		-EINVAL, "auths is no object");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(find_cases) / sizeof(find_cases[0]); i++)
		test_find(&find_cases[i]);
	test_broken();
	test_hosts();
	for (size_t i = 0; i < sizeof(put_cases) / sizeof(put_cases[0]); i++)
		test_put(&put_cases[i]);
	test_remove();
	return done();
}
