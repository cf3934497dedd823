#include "client/registry.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/manifest.h"
#include "client/registry_private.h"
#include "client/token.h"

#include <string.h>

struct registry *registry_new(const struct auth_setup *setup)
{
	struct registry *registry = must_alloc(sizeof(*registry));

	registry->endpoint = endpoint_new(setup);
	return registry;
}

void registry_free(struct registry *registry)
{
	if (!registry)
		return;
	endpoint_free(registry->endpoint);
	free(registry);
}

const char *registry_host(const struct registry *registry)
{
	return endpoint_host(registry->endpoint);
}

void registry_identity(
	struct registry *registry, const char *repository, char identity[REGISTRY_IDENTITY_SIZE])
{
	auth_identity(endpoint_auth(registry->endpoint), repository, identity);
}

int registry_fail(struct error *err, struct registry *registry, enum status_of of,
	const struct response *response, const char *repository)
{
	return status_fail(err, of, response, endpoint_quirks(registry->endpoint),
		registry_host(registry), repository);
}

int registry_refused(struct registry *registry, const struct response *response,
	const char *repository, struct error *err)
{
	struct error other = {0};

	if (err->code != EACCES || response->status != 401)
		return -err->code;
	/* Where nothing is asked for, the registry's words say more than that. */
	if (registry_fail(&other, registry, STATUS_OF_PUSH, response, repository) == -ENOENT ||
		!response_header(response, "WWW-Authenticate", 0))
		*err = other;
	return -err->code;
}

int registry_password(struct registry *registry, const char *repository, struct buf *authorization,
	const struct wait *wait, struct error *err)
{
	scoped(account_wipe) struct account account = {0};
	int r = auth_account(endpoint_auth(registry->endpoint), repository, &account, wait, err);

	if (r == 0 && account.kind == ACCOUNT_PASSWORD &&
		token_print_basic(&account, authorization) < 0)
		r = fail(err, EIO, "the credentials for %s are too long", registry_host(registry));
	return r;
}

int registry_ping(struct registry *registry, const struct wait *wait, struct error *err)
{
	scoped(exchange_clearp) struct exchange ping = {.method = "GET", .path = "/v2/"};
	int r = exchange_run(registry->endpoint, &ping, wait, err);

	if (r < 0)
		return r;
	if (ping.response.status == 404)
		return fail(err, ENOENT, "%s is no registry (it knows no /v2/)",
			registry_host(registry));
	if (ping.response.status != 200)
		return registry_fail(err, registry, STATUS_OF_READ, &ping.response, "");
	return 0;
}

/* The digest that the registry says the manifest has. */
static bool named_digest(const struct response *response, struct digest *digest)
{
	const char *text = response_header(response, "Docker-Content-Digest", 0);

	return text && digest_parse(digest, text, strlen(text));
}

/* A digest was asked for, or else the registry may have named one. */
static int check_manifest(struct registry *registry, const char *reference,
	const struct response *response, const struct digest *digest, struct error *err)
{
	char got[DIGEST_TEXT_SIZE], due[DIGEST_TEXT_SIZE];
	struct digest expected;

	if (!digest_parse(&expected, reference, strlen(reference)) &&
		!named_digest(response, &expected))
		return 0;
	if (digest_equal(&expected, digest))
		return 0;
	digest_print(digest, got);
	digest_print(&expected, due);
	return fail(err, EIO, "%s sent wrong bytes: their digest is %s, it should be %s",
		registry_host(registry), got, due);
}

int registry_fetch_manifest(struct registry *registry, const char *repository,
	const char *reference, struct buf *bytes, struct digest *digest, const struct wait *wait,
	struct error *err)
{
	scoped(freep) char *path = must_print("/v2/%s/manifests/%s", repository, reference);
	scoped(exchange_clearp) struct exchange get = {.method = "GET",
		.path = path,
		.headers = {"Accept: " MANIFEST_ACCEPT},
		.limit = MANIFEST_SIZE_MAX,
		.scopes = {{repository, "pull"}}};
	struct buf *body = &get.response.body;
	struct digest found;
	int r = exchange_run(registry->endpoint, &get, wait, err);

	if (r == 0 && get.response.status != 200)
		r = registry_fail(err, registry, STATUS_OF_READ, &get.response, repository);
	if (r == 0) {
		found = digest_of(buf_text(body), body->len);
		r = check_manifest(registry, reference, &get.response, &found, err);
	}
	if (r == 0 && buf_append(bytes, buf_text(body), body->len) < 0)
		r = fail(err, EFBIG, "the manifest is too large");
	if (r < 0)
		return fail_within(err, "manifest of %s/%s:%s", registry_host(registry), repository,
			reference);
	*digest = found;
	return 0;
}

/* The answer to a HEAD of a manifest. 1: it does not tell, a GET has to. */
static int read_head(struct registry *registry, const char *repository,
	const struct response *response, struct digest *digest, struct error *err)
{
	if (response->status == 405 || response->status == 501)
		return 1;
	if (response->status != 200)
		return registry_fail(err, registry, STATUS_OF_READ, response, repository);
	return named_digest(response, digest) ? 0 : 1;
}

int registry_head_manifest(struct registry *registry, const char *repository, const char *reference,
	struct digest *digest, const struct wait *wait, struct error *err)
{
	scoped(freep) char *path = must_print("/v2/%s/manifests/%s", repository, reference);
	scoped(exchange_clearp) struct exchange head = {.method = "HEAD",
		.path = path,
		.headers = {"Accept: " MANIFEST_ACCEPT},
		.scopes = {{repository, "pull"}}};
	scoped(buf_freep) struct buf bytes = BUF_INIT(MANIFEST_SIZE_MAX);
	int r = exchange_run(registry->endpoint, &head, wait, err);

	if (r == 0)
		r = read_head(registry, repository, &head.response, digest, err);
	if (r < 0)
		return fail_within(err, "manifest of %s/%s:%s", registry_host(registry), repository,
			reference);
	if (r == 0)
		return 0;
	return registry_fetch_manifest(registry, repository, reference, &bytes, digest, wait, err);
}

int registry_fetch_blob(struct registry *registry, const char *repository,
	const struct digest *digest, uint64_t size, const struct sink *sink,
	const struct wait *wait, struct error *err)
{
	char text[DIGEST_TEXT_SIZE];
	scoped(freep) char *path = NULL;
	int r;

	digest_print(digest, text);
	path = must_print("/v2/%s/blobs/%s", repository, text);
	scoped(exchange_clearp) struct exchange get = {.method = "GET",
		.path = path,
		.sink = sink,
		.limit = size ? size : 1,
		.scopes = {{repository, "pull"}}};
	r = exchange_run(registry->endpoint, &get, wait, err);
	if (r == -EFBIG && get.response.failure == FAILURE_PROTOCOL)
		r = fail(err, EIO, "%s sends more than the %llu bytes of the manifest",
			registry_host(registry), (unsigned long long)size);
	else if (r == 0 && get.response.status != 200)
		r = registry_fail(err, registry, STATUS_OF_READ, &get.response, repository);
	else if (r == 0 && get.response.received != size)
		r = fail(err, EIO, "%s sent %llu bytes instead of %llu", registry_host(registry),
			(unsigned long long)get.response.received, (unsigned long long)size);
	if (r < 0)
		return fail_within(
			err, "blob %s of %s/%s", text, registry_host(registry), repository);
	return 0;
}
