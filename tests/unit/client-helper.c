/* Credential helpers: what they are asked, what they may answer, and what becomes of bad ones. */
#include "cache/base/clock.h"
#include "cache/base/scope.h"
#include "client/helper.h"
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <signal.h>

static void make_helper(const char *name, const char *script)
{
	char text[4096];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	write_file(below("docker-credential-%s", name), text, 0700);
}

struct get_case {
	const char *name, *script;
	int result;
	enum account_kind kind;
	const char *username, *secret;
	const char *sentence; /* part of it */
};

static const struct get_case get_cases[] = {
	{"good",
		"read url; echo \"{\\\"ServerURL\\\":\\\"$url\\\",\\\"Username\\\":\\\"$1\\\","
		"\\\"Secret\\\":\\\"$url!\\\"}\"",
		0, ACCOUNT_PASSWORD, "get", "h.io:5000!", NULL},
	{"identity", "echo '{\"Username\":\"<token>\",\"Secret\":\"it\"}'", 0, ACCOUNT_IDENTITY,
		"<token>", "it", NULL},
	{"none", "echo 'credentials not found in native keychain'; exit 1", 0, ACCOUNT_NONE, NULL,
		NULL, NULL},
	{"empty-secret", "echo '{\"Username\":\"u\",\"Secret\":\"\"}'", 0, ACCOUNT_NONE, NULL, NULL,
		NULL},
	{"deaf", "exec <&-; echo '{\"Username\":\"u\",\"Secret\":\"s\"}'", 0, ACCOUNT_PASSWORD, "u",
		"s", NULL},
	{"failing", "echo; echo '  no AWS region'; echo more; exit 3", -EACCES, ACCOUNT_NONE, NULL,
		NULL, "docker-credential-failing failed (status 3): no AWS region"},
	{"silent", "exit 1", -EACCES, ACCOUNT_NONE, NULL, NULL, "run it by hand"},
	{"killed", "kill -9 $$", -EACCES, ACCOUNT_NONE, NULL, NULL, "(signal 9)"},
	{"junk", "echo hello", -EIO, ACCOUNT_NONE, NULL, NULL, "printed no login"},
	{"half", "echo '{\"Username\":\"u\"}'", -EIO, ACCOUNT_NONE, NULL, NULL, "printed no login"},
	{"mute", ":", -EIO, ACCOUNT_NONE, NULL, NULL, "printed no login"},
	{"endless", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done",
		-EIO, ACCOUNT_NONE, NULL, NULL, "writes without end"},
	{"discreet",
		"[ -n \"$DOCKER_AUTH_CONFIG\" ] || echo '{\"Username\":\"u\",\"Secret\":\"s\"}'", 0,
		ACCOUNT_PASSWORD, "u", "s", NULL},
	/* What it leaves in the background holds its stdout open. */
	{"littering",
		"sleep 600 & echo $! > \"$HOME/left\"; echo '{\"Username\":\"u\",\"Secret\":"
		"\"s\"}'",
		0, ACCOUNT_PASSWORD, "u", "s", NULL},
	{"inheriting", "[ -e /proc/self/fd/200 ] || echo '{\"Username\":\"u\",\"Secret\":\"s\"}'",
		0, ACCOUNT_PASSWORD, "u", "s", NULL},
};

static void test_get(const struct get_case *test)
{
	scoped(account_wipe) struct account account = {0};
	struct error err = {0};

	make_helper(test->name, test->script);
	is_number(helper_get(test->name, "h.io:5000", &account, NULL, &err), test->result,
		test->name);
	is_number(account.kind, test->kind, test->name);
	is_text(account.username, test->username, test->name);
	is_text(account.secret, test->secret, test->name);
	if (test->sentence)
		ok(strstr(err.text, test->sentence), "%s: %s", test->name, err.text);
}

static void test_names(void)
{
	static const char *const bad[] = {"", "a/b", "../x", "a b", "a;b", "$(x)", "a\n"};
	struct account account = {0};
	struct error err = {0};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_number(helper_get(bad[i], "h.io", &account, NULL, &err), -EINVAL, bad[i]);
	ok(helper_is_name("ecr-login") && helper_is_name("acr_env.2"), "good names");
	is_number(helper_get("not-there", "h.io", &account, NULL, &err), -EACCES, "a missing one");
	ok(strstr(err.text, "docker-credential-not-there is not installed"), "%s", err.text);
	write_file(below("docker-credential-plain"), "#!/bin/sh\n", 0600);
	is_number(helper_get("plain", "h.io", &account, NULL, &err), -EACCES,
		"one that cannot be executed");
}

static bool is_over(void *of)
{
	(void)of;
	return true;
}

static void test_hanging(void)
{
	const struct wait over = {is_over, NULL};
	struct account account = {0};
	struct error err = {0};

	make_helper("hanging", "echo $$ > \"$HOME/hanging\"; exec sleep 600");
	helper_timeout_ms = 1000;
	is_number(helper_get("hanging", "h.io", &account, NULL, &err), -ETIMEDOUT,
		"one that hangs is ended");
	ok(strstr(err.text, "gave no answer within 1 s"), "%s", err.text);
	helper_timeout_ms = HELPER_TIMEOUT_MS;
	if (read_file(below("hanging")))
		ok(kill(atoi(read_file(below("hanging"))), 0) < 0 && errno == ESRCH,
			"and does not live on");
	is_number(helper_get("hanging", "h.io", &account, &over, &err), -EINTR,
		"whoever gives up is let go");
}

static void test_store(void)
{
	scoped(account_wipe) struct account account = {0};
	struct error err = {0};

	make_helper("keeping", "cat > \"$HOME/$1\"");
	account_set(&account, ACCOUNT_PASSWORD, "u", "s\"x");
	is_number(helper_store("keeping", "h.io", &account, &err), 0, "a login is stored");
	is_text(read_file(below("store")),
		"{\"ServerURL\":\"h.io\",\"Username\":\"u\",\"Secret\":\"s\\\"x\"}", "as JSON");
	is_number(helper_erase("keeping", "h.io", &err), 0, "and erased");
	is_text(read_file(below("erase")), "h.io", "by its server");
	is_number(helper_erase("none", "h.io", &err), 0, "erasing nothing is no error");
	is_number(helper_store("failing", "h.io", &account, &err), -EACCES, "a failure is told");
}

int main(void)
{
	char path[PATH_MAX];
	const char *left;

	temporary_make();
	snprintf(path, sizeof(path), "%s:%s", temporary, getenv("PATH"));
	setenv("PATH", path, 1);
	setenv("HOME", temporary, 1);
	setenv("DOCKER_AUTH_CONFIG", "{}", 1);
	/* One that a helper must not see. */
	dup2(1, 200);
	for (size_t i = 0; i < sizeof(get_cases) / sizeof(get_cases[0]); i++)
		test_get(&get_cases[i]);
	test_names();
	test_hanging();
	test_store();
	left = read_file(below("left"));
	if (left && atoi(left) > 0)
		kill(atoi(left), SIGKILL);
	temporary_remove();
	return done();
}
