#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/pages.h"
#include "client/reference.h"
#include "client/registry_private.h"

int registry_list_tags(struct registry *registry, const char *repository, struct names *tags,
	size_t *hidden, const struct wait *wait, struct error *err)
{
	scoped(freep) char *path = must_print("/v2/%s/tags/list", repository);
	struct pages pages = {.endpoint = registry->endpoint,
		.path = path,
		.member = "tags",
		.scope = {repository, "pull"},
		.accepts = reference_is_tag};
	int r = pages_collect(&pages, tags, wait, err);

	if (r == -EREMOTEIO && pages.answer.status == 400) { /* it may be the n */
		response_clear(&pages.answer);
		pages.is_unsized = true;
		r = pages_collect(&pages, tags, wait, err);
	}
	if (r == -EREMOTEIO)
		r = registry_fail(err, registry, STATUS_OF_READ, &pages.answer, repository);
	response_clear(&pages.answer);
	if (r < 0)
		return fail_within(err, "tags of %s/%s", registry_host(registry), repository);
	if (hidden)
		*hidden += pages.hidden;
	return 0;
}

static bool has_no_catalog(int status)
{
	return status == 404 || status == 405 || status == 403 || status == 501;
}

/* The catalog was refused. Whether these credentials are good for nothing, or only not for that,
 * tells the ping. */
static int judge_refusal(struct registry *registry, const struct wait *wait, struct error *err)
{
	struct error ping = {0};

	if (registry_ping(registry, wait, &ping) == -EACCES) {
		*err = ping;
		return -EACCES;
	}
	return fail(
		err, ENOTSUP, "%s shows no catalog to these credentials", registry_host(registry));
}

/* An open registry may show to everybody only a part of its catalog, and tell at /v2/ alone that
 * there are logins (zot). 1: it does, and one was accepted. -EACCES: it was not. */
static int look_for_more(struct registry *registry, const struct wait *wait, struct error *err)
{
	struct auth *auth = endpoint_auth(registry->endpoint);
	int r;

	if (!auth_is_untried(auth))
		return 0;
	r = registry_ping(registry, wait, err);
	if (r < 0)
		return r == -EACCES ? r : 0;
	return !auth_is_untried(auth);
}

static int list_catalog(struct registry *registry, struct names *repositories,
	const struct page_listener *listener, const struct wait *wait, struct error *err)
{
	struct pages pages = {.endpoint = registry->endpoint,
		.path = "/v2/_catalog",
		.member = "repositories",
		.scope = {NULL, "*"},
		.accepts = reference_is_repository,
		.listener = listener};
	int status, r;

	if (endpoint_quirks(registry->endpoint)->lacks & QUIRKS_NO_CATALOG)
		return fail(err, ENOTSUP, "%s has no catalog", registry_host(registry));
	r = pages_collect(&pages, repositories, wait, err);

	if (r == -EREMOTEIO && pages.answer.status == 400) { /* a smaller n may be the most */
		response_clear(&pages.answer);
		pages.is_unsized = true;
		r = pages_collect(&pages, repositories, wait, err);
	}
	status = pages.answer.status;
	if (r == -EACCES || (r == -EREMOTEIO && status == 403))
		r = judge_refusal(registry, wait, err);
	else if (r == -EREMOTEIO && has_no_catalog(status))
		r = fail(err, ENOTSUP, "%s has no catalog", registry_host(registry));
	else if (r == -EREMOTEIO)
		r = registry_fail(err, registry, STATUS_OF_READ, &pages.answer, "");
	response_clear(&pages.answer);
	return r;
}

int registry_list_catalog(struct registry *registry, struct names *repositories,
	const struct page_listener *listener, const struct wait *wait, struct error *err)
{
	int r = list_catalog(registry, repositories, listener, wait, err);

	if (r == 0)
		r = look_for_more(registry, wait, err);
	if (r > 0) {
		names_clear(repositories);
		r = list_catalog(registry, repositories, listener, wait, err);
	}
	if (r < 0 && r != -ENOTSUP)
		return fail_within(err, "catalog of %s", registry_host(registry));
	return r;
}

bool registry_has_whole_catalog(struct registry *registry)
{
	return !(endpoint_quirks(registry->endpoint)->lacks & QUIRKS_NO_WHOLE_CATALOG);
}
