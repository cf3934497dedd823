/* Whose credentials count: the files in their order, their changes, helpers, options. */
#include "cache/base/scope.h"
#include "client/keyring.h"
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"

#include <errno.h>

#define LOGIN(user) "{\"auths\":{\"h.io\":{\"username\":\"" user "\",\"password\":\"p\"}}}"
#define STORE(name) "{\"credsStore\":\"" name "\"}"

static struct keyring *new_keyring(const char *username, const char *password_file)
{
	struct error err;
	struct keyring *keyring = keyring_new(username, password_file, &err);

	if (!keyring) {
		printf("Bail out! %s\n", err.text);
		exit(EXIT_FAILURE);
	}
	return keyring;
}

/* "USER", "-" for nobody, or the sentence; `*code` its errno, negative for a mere trouble's. */
static const char *find(
	struct keyring *keyring, const char *host, const char *repository, int *code)
{
	static char text[512];
	scoped(account_wipe) struct account account = {0};
	struct error trouble, err = {0};
	int r = keyring_find(keyring, host, repository, &account, &trouble, NULL, &err);

	*code = r < 0 ? err.code : -trouble.code;
	snprintf(text, sizeof(text), "%s",
		r < 0              ? err.text
		: account.username ? account.username
				   : "-");
	return text;
}

static void is_user(struct keyring *keyring, const char *expected, const char *name)
{
	int code;

	is_text(find(keyring, "h.io", "ns/app", &code), expected, name);
}

static void replace(const char *path, const char *text)
{
	write_file(below("new"), text, 0600);
	if (rename(below("new"), path) < 0)
		printf("Bail out! cannot write %s\n", path);
}

static void make_helper(const char *name, const char *script)
{
	char text[4096];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	write_file(below("docker-credential-%s", name), text, 0700);
}

static void test_order(void)
{
	struct keyring *keyring = new_keyring(NULL, NULL);

	is_user(keyring, "-", "no file, nobody");
	replace(below(".config/containers/auth.json"), LOGIN("containers-home"));
	is_user(keyring, "containers-home", "containers' file at home");
	replace(below("run/containers/auth.json"), LOGIN("containers-run"));
	is_user(keyring, "containers-run", "before it that of the session");
	replace(below(".docker/config.json"), LOGIN("docker"));
	is_user(keyring, "docker", "before it docker's");
	replace(below(".config/helm/registry/config.json"), LOGIN("helm"));
	is_user(keyring, "helm", "before it Helm's");
	replace(below(".config/helm/registry/config.json"), LOGIN("other"));
	is_user(keyring, "other", "a file that changes is read again");
	replace(below(".config/helm/registry/config.json"), "{\"auths\":");
	is_user(keyring, "docker", "a broken one is passed over");
	write_file(below(".config/helm/registry/config.json"), "{}", 0600);
	is_user(keyring, "docker", "one without the host too");
	unlink(below(".docker/config.json"));
	is_user(keyring, "containers-run", "one that is gone does not count");
	keyring_free(keyring);
}

static void test_variables(void)
{
	static const char *const variables[][2] = {
		{"REGISTRY_AUTH_FILE", "a.json"},
		{"DOCKER_CONFIG", "docker"},
		{"XDG_CONFIG_HOME", "xdg"},
		{"HELM_CONFIG_HOME", "helm"},
		{"HELM_REGISTRY_CONFIG", "helm.json"},
	};
	struct keyring *keyring;

	mkdir(below("docker"), 0700);
	mkdir(below("xdg"), 0700);
	mkdir(below("xdg/helm"), 0700);
	mkdir(below("xdg/helm/registry"), 0700);
	mkdir(below("helm"), 0700);
	mkdir(below("helm/registry"), 0700);
	replace(below("a.json"), LOGIN("REGISTRY_AUTH_FILE"));
	replace(below("docker/config.json"), LOGIN("DOCKER_CONFIG"));
	replace(below("xdg/helm/registry/config.json"), LOGIN("XDG_CONFIG_HOME"));
	replace(below("helm/registry/config.json"), LOGIN("HELM_CONFIG_HOME"));
	replace(below("helm.json"), LOGIN("HELM_REGISTRY_CONFIG"));
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		setenv(variables[i][0], below("%s", variables[i][1]), 1);
		keyring = new_keyring(NULL, NULL);
		is_user(keyring, variables[i][0], variables[i][0]);
		keyring_free(keyring);
	}
	unsetenv("HELM_REGISTRY_CONFIG");
	unsetenv("HELM_CONFIG_HOME");
	unsetenv("XDG_CONFIG_HOME");
	setenv("DOCKER_AUTH_CONFIG", LOGIN("DOCKER_AUTH_CONFIG"), 1);
	keyring = new_keyring(NULL, NULL);
	is_user(keyring, "DOCKER_AUTH_CONFIG", "the variable before docker's file");
	keyring_free(keyring);
	unsetenv("DOCKER_AUTH_CONFIG");
	unsetenv("DOCKER_CONFIG");
	unsetenv("REGISTRY_AUTH_FILE");
}

static void test_options(void)
{
	struct error err = {0};
	struct keyring *keyring;
	char first[ACCOUNT_IDENTITY_SIZE], second[ACCOUNT_IDENTITY_SIZE];

	replace(below("password"), "s\n");
	keyring = new_keyring("option", below("password"));
	is_user(keyring, "option", "the options before all files");
	keyring_identity(keyring, "h.io", "", first);
	keyring_identity(keyring, "g.io", "", second);
	ok(strlen(first) == 64 && strcmp(first, second) != 0, "an identity is of one host");
	keyring_free(keyring);
	ok(!keyring_new("u", NULL, &err) && err.code == EINVAL, "one alone: %s", err.text);
	ok(!keyring_new("u", below("missing"), &err) && err.code == ENOENT, "none: %s", err.text);
	replace(below("password"), "\n");
	ok(!keyring_new("u", below("password"), &err) && err.code == EINVAL, "empty: %s", err.text);
}

static int count_calls(void)
{
	const char *calls = read_file(below("calls"));

	return calls ? (int)strlen(calls) : 0;
}

static void test_helpers(void)
{
	struct keyring *keyring = new_keyring(NULL, NULL);
	scoped(account_wipe) struct account account = {0};
	char before[ACCOUNT_IDENTITY_SIZE], after[ACCOUNT_IDENTITY_SIZE];
	int code;

	make_helper("good", "printf x >> \"$HOME/calls\"; echo "
			    "'{\"Username\":\"helped\",\"Secret\":\"s\"}'");
	make_helper("none", "echo 'credentials not found in native keychain'; exit 1");
	make_helper("bad", "echo 'no key'; exit 1");
	replace(below(".config/helm/registry/config.json"), STORE("none"));
	replace(below(".docker/config.json"), STORE("good"));
	keyring_identity(keyring, "h.io", "", before);
	is_number(count_calls(), 0, "an identity runs no helper");
	is_user(keyring, "helped", "one that has none leaves it to the next file");
	is_user(keyring, "helped", "asked again");
	is_number(count_calls(), 1, "the helper is asked once");
	account_set(&account, ACCOUNT_PASSWORD, "helped", "s");
	ok(keyring_refuse(keyring, &account), "what it gave is refused");
	is_user(keyring, "helped", "and asked for anew");
	is_number(count_calls(), 2, "once");
	ok(!keyring_refuse(keyring, &account), "but not time and again");
	keyring_identity(keyring, "h.io", "", after);
	is_text(after, before, "its identity stays");
	ok(strlen(after) == 64, "and is one");
	replace(below(".config/helm/registry/config.json"), STORE("bad"));
	is_user(keyring, "helped", "a store that fails leaves it to the next file");
	replace(below(".docker/config.json"), "{}");
	replace(below("run/containers/auth.json"), "{}");
	replace(below(".config/containers/auth.json"), "{}");
	is_text(find(keyring, "h.io", "", &code), "-", "and else to nobody");
	is_number(code, -EACCES, "with its trouble");
	replace(below(".config/helm/registry/config.json"),
		"{\"auths\":{\"h.io\":{}},\"credsStore\":\"bad\"}");
	ok(strstr(find(keyring, "h.io", "", &code), "no key") && code == EACCES,
		"one in charge of the host is an error");
	replace(below(".config/helm/registry/config.json"),
		"{\"auths\":{\"h.io\":{\"username\":\"stored\",\"password\":\"p\"}},"
		"\"credsStore\":\"bad\"}");
	is_user(keyring, "stored", "unless the file has the login itself");
	keyring_free(keyring);
}

static void test_identity(void)
{
	struct keyring *keyring;
	char nobody[ACCOUNT_IDENTITY_SIZE], one[ACCOUNT_IDENTITY_SIZE], two[ACCOUNT_IDENTITY_SIZE],
		again[ACCOUNT_IDENTITY_SIZE];
	struct names hosts = {0};

	replace(below(".config/helm/registry/config.json"), LOGIN("one"));
	replace(below("run/containers/auth.json"),
		"{\"auths\":{\"g.io/a\":{\"username\":\"a\",\"password\":\"p\"},\"g.io\":{"
		"\"username\":\"b\",\"password\":\"p\"}}}");
	keyring = new_keyring(NULL, NULL);
	keyring_identity(keyring, "x.io", "", nobody);
	is_text(nobody, "", "nobody's identity is empty");
	keyring_identity(keyring, "g.io", "a/x", one);
	keyring_identity(keyring, "g.io", "b/x", two);
	ok(strcmp(one, two) != 0, "namespaces have theirs");
	keyring_identity(keyring, "h.io", "", one);
	is_number(keyring_add_hosts(keyring, &hosts), 0, "hosts");
	names_sort(&hosts);
	ok(hosts.count == 2 && names_has(&hosts, "h.io") && names_has(&hosts, "g.io"), "of all");
	names_clear(&hosts);
	keyring_free(keyring);
	keyring = new_keyring(NULL, NULL);
	keyring_identity(keyring, "h.io", "", again);
	is_text(again, one, "the same in another process");
	keyring_free(keyring);
	replace(below(".config/helm/registry/config.json"), LOGIN("two"));
	keyring = new_keyring(NULL, NULL);
	keyring_identity(keyring, "h.io", "", two);
	ok(strcmp(one, two) != 0, "another one for other credentials");
	keyring_free(keyring);
}

int main(void)
{
	static const char *const folders[] = {".config", ".config/helm", ".config/helm/registry",
		".config/containers", ".docker", "run", "run/containers"};
	static const char *const variables[] = {"XDG_CONFIG_HOME", "HELM_CONFIG_HOME",
		"HELM_REGISTRY_CONFIG", "DOCKER_CONFIG", "DOCKER_AUTH_CONFIG",
		"REGISTRY_AUTH_FILE"};
	char path[PATH_MAX];

	temporary_make();
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		mkdir(below("%s", folders[i]), 0700);
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		unsetenv(variables[i]);
	snprintf(path, sizeof(path), "%s:%s", temporary, getenv("PATH"));
	setenv("PATH", path, 1);
	setenv("HOME", temporary, 1);
	setenv("XDG_RUNTIME_DIR", below("run"), 1);
	test_order();
	test_variables();
	test_options();
	test_helpers();
	test_identity();
	temporary_remove();
	return done();
}
