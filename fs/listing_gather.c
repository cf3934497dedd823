#include "cache/base/clock.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/layout.h"
#include "fs/listing_private.h"
#include "fs/local.h"
#include "fs/lookup.h"

#include <string.h>

/* A chart's listing lets the catalog be renewed only when it is older than this: so listing the
 * same chart again costs its tags and nothing else. */
enum { CHART_RENEWS_MS = 60 * 1000 };

bool listing_has_tag(const struct listing *listing, const char *name)
{
	char tag[REFERENCE_TAG_MAX + 1];

	return listing->tags && layout_tag_of_name(name, tag) &&
	       names_has(&listing_tags(listing)->names, tag);
}

/* Adds the next components of all repositories below the directory. */
static void add_children(struct listing *listing, const struct names *repositories)
{
	char prefix[REFERENCE_REPOSITORY_MAX + 2], name[REFERENCE_REPOSITORY_MAX + 1] = "";
	const char *path = listing->directory->path;
	size_t len = (size_t)snprintf(prefix, sizeof(prefix), "%s%s", path, *path ? "/" : "");

	for (size_t i = names_find(repositories, prefix); i < repositories->count; i++) {
		const char *repository = names_get(repositories, i), *rest = repository + len;
		size_t rest_len;

		if (strncmp(repository, prefix, len) != 0)
			break;
		rest_len = strcspn(rest, "/");
		if (strncmp(name, rest, rest_len) == 0 && !name[rest_len])
			continue;
		memcpy(name, rest, rest_len);
		name[rest_len] = '\0';
		if (layout_is_child(name) && !listing_has_tag(listing, name))
			names_add(&listing->children, name, rest_len);
	}
}

/* Whether asking has failed; not: it has to wait, or its caller is gone. By the call, because
 * -EWOULDBLOCK is also a registry's 5xx (-EAGAIN). */
static bool is_failure(const struct call *call, int r)
{
	return r < 0 && r != -EINTR && call->may_wait;
}

/* The repositories below a directory that is no chart: these must be up to date. Where the catalog
 * alone fails the directory can be opened, as tar -C does to write into it; reading it fails, for
 * what is known would look like all there is. What the user gave is what he wants to see. */
static int list_namespace(struct call *call, struct listing *listing)
{
	const struct node *directory = listing->directory;
	scoped(fact_releasep) struct fact *fact = NULL;
	scoped(names_clearp) struct names others = {0};
	int r = resolve_repositories(call, directory->registry, true, &fact);

	if (is_failure(call, r) && resolve_lacks_catalog(call->mount, directory->registry)) {
		fact = resolve_given_repositories(
			call->mount, directory->registry, directory->path);
		if (!fact)
			listing->failure = call->err;
		r = 0;
	}
	if (!fact)
		return r;
	add_children(listing, fact_value(fact));
	if (((const struct repositories *)fact_value(fact))->is_complete)
		return 0;
	r = resolve_children(call, directory->registry, directory->path, &others);
	if (r < 0)
		return r;
	names_sort(&others);
	add_children(listing, &others);
	return 0;
}

/* The repositories below a chart: as far as they are known. */
static int list_below_chart(struct call *call, struct listing *listing)
{
	struct registry *registry = listing->directory->registry;
	scoped(fact_releasep) struct fact *fact = resolve_peek_repositories(call->mount, registry);
	const struct repositories *repositories = fact ? fact_value(fact) : NULL;
	/* One that has failed is tried again, but not waited for. */
	bool is_whole = repositories &&
			(!repositories->is_partial || resolve_lacks_catalog(call->mount, registry));
	int r = 0;

	if (!is_whole || clock_now_ms() - repositories->asked_ms >= CHART_RENEWS_MS) {
		fact_release(take(fact));
		r = resolve_repositories(call, registry, !is_whole, &fact);
	}
	/* A catalog that breaks off takes no chart's versions with it. */
	if (is_failure(call, r) && r != -EACCES) {
		fact = resolve_peek_repositories(call->mount, registry);
		r = fact ? 0 : r;
	}
	if (r == 0)
		add_children(listing, fact_value(fact));
	return r;
}

/* What a directory is by the catalog, if that is at hand. */
static bool is_namespace(struct mount *mount, const struct node *directory, bool *is_known)
{
	scoped(fact_releasep) struct fact *fact =
		resolve_peek_repositories(mount, directory->registry);
	scoped(fact_releasep) struct fact *tags =
		resolve_peek_tags(mount, directory->registry, directory->path);

	*is_known = fact && resolve_has_repository(fact_value(fact), directory->path);
	if (*is_known || (tags && !((const struct tag_set *)fact_value(tags))->is_missing))
		return false;
	return fact && ((const struct repositories *)fact_value(fact))->is_complete &&
	       resolve_has_below(fact_value(fact), directory->path);
}

static int list_directory(struct call *call, struct listing *listing)
{
	const struct node *directory = listing->directory;
	bool is_known;
	int r;

	if (!*directory->path)
		return list_namespace(call, listing);
	if (is_namespace(call->mount, directory, &is_known)) {
		r = list_namespace(call, listing);
		if (r < 0 || is_namespace(call->mount, directory, &is_known))
			return r;
		names_clear(&listing->children);
	}
	r = resolve_tags(call, directory->registry, directory->path, &listing->tags);
	if (r == 0 && listing_tags(listing)->names.count)
		return list_below_chart(call, listing);
	/* Many registries cannot say of a namespace that there is no such repository, they refuse.
	 * If they let these credentials in, that is all that the refusal means. */
	if (r == -EACCES && !is_known) {
		struct error refused = call->err;

		r = resolve_ping(call, directory->registry);
		if (r == -EACCES)
			call->err = refused;
	}
	if (r < 0 && r != -ENOENT)
		return r;
	return list_namespace(call, listing);
}

static bool add_file(void *of, const char *name, const struct layer *layer)
{
	struct listing *listing = of;
	size_t count = listing->file_names.count;

	names_add(&listing->file_names, name, strlen(name));
	listing->files[count] = layer;
	return true;
}

static int list_version(struct call *call, struct listing *listing)
{
	const struct node *directory = listing->directory;
	const struct manifest *manifest;
	int r = resolve_manifest(
		call, directory->registry, directory->path, directory->tag, &listing->manifest);

	if ((r == -ENOENT || r == -EACCES) && local_is_made(call->mount, directory))
		return 0;
	if (r < 0)
		return r;
	manifest = fact_value(listing->manifest);
	listing->files = must_alloc((manifest->layer_count + 1) * sizeof(*listing->files));
	lookup_each_file(manifest, directory->path, directory->name, add_file, listing);
	return 0;
}

int listing_gather(struct call *call, struct listing *listing)
{
	switch (listing->directory->kind) {
	case NODE_HOSTS:
		return resolve_hosts(call, &listing->children);
	case NODE_DIRECTORY:
		return list_directory(call, listing);
	case NODE_VERSION:
		return list_version(call, listing);
	default:
		return 0;
	}
}
