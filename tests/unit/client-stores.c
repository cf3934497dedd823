/* Helpers that keep all logins: the hosts they know of, got without anybody waiting long. */
#include "cache/base/clock.h"
#include "client/helper.h"
#include "client/stores.h"
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

static void make_helper(const char *name, const char *script)
{
	char text[4096];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	write_file(below("docker-credential-%s", name), text, 0700);
}

struct list_case {
	const char *name, *script;
	int result;
	size_t count;
	const char *host, *sentence; /* one of the hosts; a part of it */
};

static const struct list_case cases[] = {
	{"good",
		"echo '{\"h.io\":\"u\",\"https://g.io:5000/v2/\":\"u\",\"no host\":\"u\","
		"\"https://index.docker.io/v1/\":\"me\",\"https://index.docker.io/v1/access-token\":"
		"\"me\"}'",
		0, 3, "registry-1.docker.io", NULL},
	{"ported", "echo '{\"https://g.io:5000/v2/\":\"u\"}'", 0, 1, "g.io:5000", NULL},
	{"asked", "read x; echo \"{\\\"$1.io$x\\\":\\\"u\\\"}\"", 0, 1, "list.io", NULL},
	{"empty", "echo '{}'", 0, 0, NULL, NULL},
	{"none", "echo 'credentials not found in native keychain'; exit 1", 0, 0, NULL, NULL},
	{"array", "echo '[\"h.io\"]'", -EIO, 0, NULL, "printed no list"},
	{"junk", "echo hello", -EIO, 0, NULL, "printed no list"},
	{"unable", "echo 'list is not supported'; exit 1", -EACCES, 0, NULL, "not supported"},
};

static void test_list(const struct list_case *test)
{
	struct names hosts = {0};
	struct error err = {0};

	make_helper(test->name, test->script);
	is_number(helper_list(test->name, &hosts, NULL, &err), test->result, test->name);
	names_sort(&hosts);
	is_number(hosts.count, test->count, test->name);
	if (test->host)
		ok(names_has(&hosts, test->host), "%s: %s", test->name, test->host);
	if (test->sentence)
		ok(strstr(err.text, test->sentence), "%s: %s", test->name, err.text);
	names_clear(&hosts);
}

static size_t count_hosts(struct stores *stores, const char *helper)
{
	struct names hosts = {0};
	size_t count;

	is_number(stores_add_hosts(stores, helper, &hosts), 0, helper);
	count = hosts.count;
	names_clear(&hosts);
	return count;
}

static void pause_ms(long ms)
{
	const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&time, NULL);
}

/* The answer comes by itself, however slow the machine is. */
static size_t wait_for_hosts(struct stores *stores, const char *helper)
{
	size_t count = 0;

	for (int i = 0; i < 600 && !count; i++) {
		struct names hosts = {0};

		stores_add_hosts(stores, helper, &hosts);
		count = hosts.count;
		names_clear(&hosts);
		pause_ms(50);
	}
	return count;
}

static void test_stores(void)
{
	struct stores *stores = stores_new();
	const char *calls;

	make_helper("counted", "printf x >> \"$HOME/calls\"; echo '{\"h.io\":\"u\"}'");
	is_number(wait_for_hosts(stores, "counted"), 1, "its host");
	count_hosts(stores, "counted");
	calls = read_file(below("calls"));
	is_text(calls, "x", "it is asked once in a while");
	is_number(count_hosts(stores, "missing"), 0, "a helper that is missing knows of none");
	stores_free(stores);
}

static void test_slow(void)
{
	struct stores *stores = stores_new();
	int64_t began_ms = clock_now_ms();

	make_helper("slow", "while [ ! -e \"$HOME/go\" ]; do sleep 0.1; done; "
			    "echo '{\"h.io\":\"u\"}'");
	is_number(count_hosts(stores, "slow"), 0, "a slow one is not waited for");
	is_number(count_hosts(stores, "slow"), 0, "nor the second time");
	ok(clock_now_ms() - began_ms < HELPER_TIMEOUT_MS / 2, "not even for its deadline");
	write_file(below("go"), "", 0600);
	is_number(wait_for_hosts(stores, "slow"), 1, "its answer counts when it comes");
	stores_free(stores);
}

static void test_hanging(void)
{
	struct stores *stores = stores_new();
	const char *pid;

	make_helper("hanging", "echo $$ > \"$HOME/new\"; mv \"$HOME/new\" \"$HOME/pid\"; "
			       "exec sleep 600");
	count_hosts(stores, "hanging");
	for (int i = 0; i < 600 && !read_file(below("pid")); i++)
		pause_ms(50);
	stores_free(stores);
	pid = read_file(below("pid"));
	ok(pid && kill(atoi(pid), 0) < 0 && errno == ESRCH, "the end ends a helper under way");
}

int main(void)
{
	char path[PATH_MAX];

	temporary_make();
	snprintf(path, sizeof(path), "%s:%s", temporary, getenv("PATH"));
	setenv("PATH", path, 1);
	setenv("HOME", temporary, 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		test_list(&cases[i]);
	test_stores();
	test_slow();
	test_hanging();
	temporary_remove();
	return done();
}
