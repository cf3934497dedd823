/* login and logout: what is checked, what is stored, and where. */
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/registry.h"
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"
#include "tests/unit/token-server.h"

#include <errno.h>
#include <signal.h>

static struct client *client;

static void open_client(void)
{
	const struct client_options options = {.timeout_ms = 60000, .plain_http = true};
	struct error err;

	client = client_new(&options, &err);
	if (!client || client_start(client, &err) < 0) {
		printf("Bail out! %s\n", err.text);
		exit(EXIT_FAILURE);
	}
}

static void close_client(void)
{
	client_stop(client);
	client_free(client);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 ? 0 : st.st_mode & 07777;
}

static void is_stored(const char *path, const char *before, const char *after, const char *name)
{
	scoped(freep) char *expected = must_print("%s%s%s", before, host, after);

	is_text(read_file(path), expected, name);
}

#define FILE_BEFORE "{\n\t\"auths\": {\n\t\t\""
#define FILE_AFTER  "\n\t\t}\n\t}\n}"

static void test_basic(void)
{
	static const char entry[] =
		"\": {\n\t\t\t\"auth\": \"YWxpY2U6b3BlbiBzZXNhbWU=\"" FILE_AFTER;
	const char *path = below("helm/registry/config.json");
	scoped(freep) char *file = must_copy(path);
	struct names hosts = {0};
	struct error err = {0};

	is_number(client_login(client, host, "alice", "guess", &err), -EACCES, "a wrong password");
	ok(strstr(err.text, "check the user and the password") && !strstr(err.text, "guess"), "%s",
		err.text);
	is_text(read_file(file), NULL, "nothing is stored");
	is_number(client_login(client, host, "alice", "open sesame", &err), 0, "the right one");
	is_stored(file, FILE_BEFORE, entry, "as Helm stores it");
	is_number(mode_of(file), 0600, "for the owner only");
	is_number(mode_of(below("helm")), 0700, "in folders of the owner only");
	is_number(client_list_hosts(client, &hosts, &err), 0, "the hosts with logins");
	ok(hosts.count == 1 && names_has(&hosts, host), "are this one");
	names_clear(&hosts);
	is_number(client_login(client, host, "alice", "guess", &err), -EACCES, "wrong again");
	is_stored(file, FILE_BEFORE, entry, "the old login stays");
	is_number(client_logout(client, host, &err), 0, "logout");
	is_text(read_file(file), "{\n\t\"auths\": {}\n}", "forgets it");
	is_number(client_logout(client, host, &err), 0, "and once more is no error");
	is_number(count_names(below("helm/registry"), NULL), 1, "nothing else is left there");
}

static void test_files(void)
{
	struct error err = {0};

	write_file(below("helm/registry/config.json"), "broken", 0600);
	is_number(client_login(client, host, "alice", "open sesame", &err), -EINVAL,
		"a broken file is not overwritten");
	ok(strstr(err.text, "mend or remove it"), "%s", err.text);
	is_text(read_file(below("helm/registry/config.json")), "broken", "it stays");
	unlink(below("helm/registry/config.json"));
	write_file(below("elsewhere.json"), "{\"x\":1}", 0644);
	if (symlink(below("elsewhere.json"), below("helm/registry/config.json")) < 0)
		printf("Bail out! no symbolic link\n");
	is_number(client_login(client, host, "alice", "open sesame", &err), 0, "a link");
	ok(S_ISLNK((mode_t)({
		struct stat st = {0};
		lstat(below("helm/registry/config.json"), &st);
		st.st_mode;
	})),
		"stays one");
	is_stored(below("elsewhere.json"), FILE_BEFORE,
		"\": {\n\t\t\t\"auth\": \"YWxpY2U6b3BlbiBzZXNhbWU=\"\n\t\t}\n\t},\n\t\"x\": 1\n}",
		"what it leads to is changed");
	is_number(mode_of(below("elsewhere.json")), 0600, "and closed");
	unlink(below("helm/registry/config.json"));
}

static void test_helper(void)
{
	scoped(freep) char *stored = must_print("{\"ServerURL\":\"%s\",\"Username\":\"alice\","
						"\"Secret\":\"open sesame\"}",
		host);
	struct error err = {0};

	write_file(below("docker-credential-kept"),
		"#!/bin/sh\n[ $1 != get ] || { echo credentials not found in native keychain; exit 1; }\n"
		"cat > \"$HOME/$1\"\n",
		0700);
	write_file(below("helm/registry/config.json"), "{\"credsStore\":\"kept\"}", 0600);
	is_number(client_login(client, host, "alice", "open sesame", &err), 0, "into a helper");
	is_text(read_file(below("store")), stored, "goes all of it");
	is_stored(below("helm/registry/config.json"), FILE_BEFORE,
		"\": {}\n\t},\n\t\"credsStore\": \"kept\"\n}", "the file only names the host");
	is_number(client_logout(client, host, &err), 0, "out of it");
	is_text(read_file(below("erase")), host, "as well");
	unlink(below("helm/registry/config.json"));
}

static void test_token(void)
{
	struct error err = {0};

	is_number(client_login(client, host, "alice", "guess", &err), -EACCES,
		"a wrong password for a token");
	ok(strstr(err.text, "check the user and the password"), "%s", err.text);
	is_number(client_login(client, host, "alice", "open sesame", &err), 0, "the right one");
	is_stored(below("helm/registry/config.json"), FILE_BEFORE,
		"\": {\n\t\t\t\"auth\": \"YWxpY2U6\",\n\t\t\t\"identitytoken\": "
		"\"refreshed\"" FILE_AFTER,
		"an identity token is stored in its place");
	unlink(below("helm/registry/config.json"));
}

static void test_both(void)
{
	struct error err = {0};

	is_number(client_login(client, host, "alice", "guess", &err), -EACCES,
		"a wrong password where everybody may read");
	is_text(read_file(below("helm/registry/config.json")), NULL, "nothing is stored");
	is_number(client_login(client, host, "alice", "open sesame", &err), 0, "the right one");
	unlink(below("helm/registry/config.json"));
}

static const struct {
	const char *mode;
	void (*test)(void);
} tests[] = {
	{"basic", test_basic},
	{"basic", test_files},
	{"basic", test_helper},
	{"normal", test_token},
	{"both", test_both},
};

int main(void)
{
	char path[PATH_MAX];

	temporary_make();
	snprintf(path, sizeof(path), "%s:%s", temporary, getenv("PATH"));
	setenv("PATH", path, 1);
	setenv("HOME", temporary, 1);
	setenv("HELM_REGISTRY_CONFIG", below("helm/registry/config.json"), 1);
	setenv("XDG_RUNTIME_DIR", temporary, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("DOCKER_CONFIG");
	unsetenv("DOCKER_AUTH_CONFIG");
	unsetenv("REGISTRY_AUTH_FILE");
	setenv("no_proxy", "*", 1);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		start_server(tests[i].mode);
		open_client();
		tests[i].test();
		close_client();
		stop_server();
	}
	temporary_remove();
	return done();
}
