#pragma once
/* What the tests of client/registry.h have in common. Include it once, after scripted.h. */
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/manifest.h"
#include "client/registry.h"

#include <errno.h>

static const char *const proxies[] = {"http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
	"all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"};

/* The tests' own HOME and no proxy. */
static void prepare(void)
{
	static const char *const homes[] = {"DOCKER_CONFIG", "HELM_REGISTRY_CONFIG",
		"REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "DOCKER_AUTH_CONFIG"};

	for (size_t i = 0; i < sizeof(proxies) / sizeof(proxies[0]); i++)
		unsetenv(proxies[i]);
	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]); i++)
		unsetenv(homes[i]);
	temporary_make();
	setenv("HOME", temporary, 1);
}

static struct client *new_client_as(int64_t timeout_ms, const char *username, const char *password)
{
	struct client_options options = {.timeout_ms = timeout_ms, .username = username};
	struct client *client;
	struct error err;

	if (password) {
		options.password_file = below("password");
		write_file(options.password_file, password, 0600);
	}
	client = client_new(&options, &err);
	if (!client || client_start(client, &err) < 0)
		scripted_bail(err.text);
	return client;
}

static void faults(const struct scripted *server, const char *json)
{
	scripted_post(server, "faults", json);
}

static void settings(const struct scripted *server, const char *json)
{
	scripted_post(server, "settings", json);
}

/* is_number() that tells the sentence of an unexpected error. */
static bool is_result(int got, int expected, const struct error *err, const char *name)
{
	if (is_number(got, expected, name))
		return true;
	if (got < 0)
		printf("#   %s\n", err->text);
	return false;
}

/* Whether the sentence has these words. */
__attribute__((unused)) static void says(const struct error *err, const char *words)
{
	if (!ok(strstr(err->text, words), "the sentence says %s", words))
		printf("#   %s\n", err->text);
}
