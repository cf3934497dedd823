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

__attribute__((unused)) static void faults(const struct scripted *server, const char *json)
{
	scripted_post(server, "faults", json);
}

__attribute__((unused)) static void settings(const struct scripted *server, const char *json)
{
	scripted_post(server, "settings", json);
}

/* is_number() that tells the sentence of an unexpected error. */
__attribute__((unused)) static bool is_result(
	int got, int expected, const struct error *err, const char *name)
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

/* What is pushed: */
__attribute__((unused)) static const char layer[] =
	"a layer's bytes, which are many enough to be cut in two";
__attribute__((unused)) static const char config[] = "{}";

__attribute__((unused)) static struct digest layer_digest(void)
{
	return digest_of(layer, sizeof(layer) - 1);
}

__attribute__((unused)) static void print_manifest(struct buf *manifest, const char *extra)
{
	char digests[2][DIGEST_TEXT_SIZE];
	struct digest of_config = digest_of(config, 2), of_layer = layer_digest();

	digest_print(&of_config, digests[0]);
	digest_print(&of_layer, digests[1]);
	buf_printf(manifest,
		"{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE "\",%s\"config\":{"
		"\"mediaType\":\"" MANIFEST_CONFIG_TYPE "\",\"digest\":\"%s\",\"size\":2},"
		"\"layers\":[{\"mediaType\":\"" MANIFEST_CHART_TYPE "\",\"digest\":\"%s\","
		"\"size\":%zu}]}",
		extra, digests[0], digests[1], sizeof(layer) - 1);
}

__attribute__((unused)) static int push_blobs(struct registry *registry, const char *repository,
	const char *tag, bool *found, struct error *err)
{
	struct upload uploads[2] = {{.digest = digest_of(config, 2), .size = 2, .bytes = config},
		{.digest = layer_digest(), .size = sizeof(layer) - 1, .bytes = layer}};
	struct digest digest;

	return registry_push_blobs(
		registry, repository, uploads, 2, tag, found, &digest, NULL, err);
}

__attribute__((unused)) static int put(struct registry *registry, const char *repository,
	const char *tag, const char *extra, struct error *err)
{
	scoped(buf_freep) struct buf manifest = BUF_INIT(4096);

	print_manifest(&manifest, extra);
	return registry_put_manifest(registry, repository, tag, buf_text(&manifest), manifest.len,
		MANIFEST_TYPE, NULL, err);
}

/* All of it, so that other tests have something to read. */
__attribute__((unused)) static void publish(
	struct registry *registry, const char *repository, const char *tag)
{
	struct error err = {0};
	bool found;

	if (push_blobs(registry, repository, tag, &found, &err) < 0 ||
		put(registry, repository, tag, "", &err) < 0)
		scripted_bail(err.text);
}
