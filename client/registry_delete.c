/* Taking a tag away: by the tag where that works, by the registry's own interface, else by the
 * manifest's digest, which takes every tag of that manifest. */
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/manifest.h"
#include "client/registry_private.h"
#include "client/token.h"

#include <string.h>

enum { SHARED_AT_ONCE = 16, SHARED_TAGS_MAX = 5000, URL_TEXT_MAX = 4096 };

static bool is_done(int status)
{
	return status == 202 || status == 200 || status == 204;
}

/* One DELETE. 0: done. 1: this way is not supported. */
static int delete_by(struct registry *registry, const char *repository, struct exchange *exchange,
	const struct wait *wait, struct error *err)
{
	struct response *response = &exchange->response;
	int r = exchange_run(registry->endpoint, exchange, wait, err);

	if (r < 0)
		return r;
	/* Repeated after a lost answer: the first one did it. */
	if (is_done(response->status) || (response->status == 404 && exchange->repeats > 0))
		return 0;
	r = registry_fail(err, registry, STATUS_OF_DELETION, response, repository);
	return response->status == 400 || response->status == 405 || response->status == 501 ? 1
											     : r;
}

static int delete_reference(struct registry *registry, const char *repository,
	const char *reference, const struct wait *wait, struct error *err)
{
	scoped(freep) char *path = must_print("/v2/%s/manifests/%s", repository, reference);
	scoped(exchange_clearp) struct exchange delete = {
		.method = "DELETE", .path = path, .scopes = {{repository, "delete"}}};

	return delete_by(registry, repository, &delete, wait, err);
}

/* By the registry's own interface (quirks.h). 1 where there is none. */
static int delete_own_way(struct registry *registry, const char *repository, const char *tag,
	const struct wait *wait, struct error *err)
{
	const struct quirks *quirks = endpoint_quirks(registry->endpoint);
	struct quirks_place place = {registry_host(registry), repository, tag};
	scoped(buf_freep) struct buf path = BUF_INIT(URL_TEXT_MAX);
	scoped(buf_wipep) struct buf password = BUF_INIT(EXCHANGE_AUTHORIZATION_SIZE);
	scoped(exchange_clearp) struct exchange delete = {
		.method = "DELETE", .scopes = {{repository, "delete"}}};
	int r;

	if (!quirks->untag_path)
		return 1;
	if (quirks_print(&path, quirks->untag_path, &place) < 0)
		return fail(err, EINVAL, "the name is too long");
	if (quirks->untags_by_password) {
		r = registry_password(registry, repository, &password, wait, err);
		if (r < 0)
			return r;
		delete.credentials = buf_text(&password);
	}
	delete.path = buf_text(&path);
	return delete_by(registry, repository, &delete, wait, err);
}

/* Some tags side by side. Returns whether another one has the digest, or -errno. */
static int some_share(struct registry *registry, const char *repository, const struct names *tags,
	size_t from, const char *tag, const struct digest *digest, const struct wait *wait,
	struct error *err)
{
	struct exchange heads[SHARED_AT_ONCE] = {0};
	char *paths[SHARED_AT_ONCE] = {NULL};
	struct error failure = {0};
	size_t count = tags->count - from;
	struct digest found;
	int shared = 0;

	if (count > SHARED_AT_ONCE)
		count = SHARED_AT_ONCE;
	for (size_t i = 0; i < count; i++) {
		paths[i] = must_print("/v2/%s/manifests/%s", repository, names_get(tags, from + i));
		heads[i] = (struct exchange){.method = "HEAD",
			.path = paths[i],
			.headers = {"Accept: " MANIFEST_ACCEPT},
			.scopes = {{repository, "pull"}}};
		exchange_start(registry->endpoint, &heads[i], wait);
	}
	for (size_t i = 0; i < count; i++) {
		const char *name = names_get(tags, from + i), *text;
		int r = exchange_finish(registry->endpoint, &heads[i], wait, &failure);

		text = response_header(&heads[i].response, "Docker-Content-Digest", 0);
		if (r < 0 && shared == 0) {
			*err = failure;
			shared = r;
		} else if (shared == 0 && strcmp(name, tag) != 0 &&
			   heads[i].response.status != 404) {
			/* Who does not tell may share it. */
			shared = !text || !digest_parse(&found, text, strlen(text)) ||
				 digest_equal(&found, digest);
		}
		exchange_clear(&heads[i]);
		free(paths[i]);
	}
	return shared;
}

static int check_not_shared(struct registry *registry, const char *repository, const char *tag,
	const struct digest *digest, const struct wait *wait, struct error *err)
{
	scoped(names_clearp) struct names tags = {0};
	int r = registry_list_tags(registry, repository, &tags, NULL, wait, err);

	if (r < 0)
		return r;
	if (tags.count > SHARED_TAGS_MAX)
		return fail(err, EPERM,
			"%s deletes only by digest, and there are too many tags to see whether "
			"another one shares it",
			registry_host(registry));
	for (size_t i = 0; i < tags.count && r == 0; i += SHARED_AT_ONCE)
		r = some_share(registry, repository, &tags, i, tag, digest, wait, err);
	if (r > 0)
		return fail(err, EPERM,
			"%s deletes only by digest, and another tag has the same manifest: both "
			"would be gone",
			registry_host(registry));
	return r;
}

static int delete_by_digest(struct registry *registry, const char *repository, const char *tag,
	const struct wait *wait, struct error *err)
{
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;
	int r = registry_head_manifest(registry, repository, tag, &digest, wait, err);

	if (r == 0)
		r = check_not_shared(registry, repository, tag, &digest, wait, err);
	if (r < 0)
		return r;
	digest_print(&digest, text);
	return delete_reference(registry, repository, text, wait, err);
}

static int delete_somehow(struct registry *registry, const char *repository, const char *tag,
	const struct wait *wait, struct error *err)
{
	const struct quirks *quirks = endpoint_quirks(registry->endpoint);
	int r = 1;

	if (quirks->lacks & QUIRKS_NO_DELETION)
		return fail(err, EPERM,
			"%s deletes nothing through its registry interface: use its web pages",
			quirks->title);
	if (!(quirks->lacks & QUIRKS_NO_TAG_DELETION))
		r = delete_reference(registry, repository, tag, wait, err);
	if (r == 1)
		r = delete_own_way(registry, repository, tag, wait, err);
	if (r == 1 && !quirks->untag_path)
		r = delete_by_digest(registry, repository, tag, wait, err);
	return r == 1 ? -err->code : r;
}

int registry_delete_tag(struct registry *registry, const char *repository, const char *tag,
	const struct wait *wait, struct error *err)
{
	struct error failure = {0};
	int r = delete_somehow(registry, repository, tag, wait, &failure);

	if (r == 0)
		return 0;
	*err = failure;
	return fail_within(err, "deletion of %s/%s:%s", registry_host(registry), repository, tag);
}
