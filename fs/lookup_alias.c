#include "cache/base/clock.h"
#include "cache/base/scope.h"
#include "fs/layout.h"
#include "fs/lookup.h"
#include "fs/mount.h"
#include "fs/resolve.h"

#include <string.h>

/* The search for what an alias means. */
struct search {
	struct call *call;
	struct node *parent;
	const char *text;
	unsigned requests_left;
	const struct repositories *repositories; /* at hand, or NULL */
	struct node **child;
};

static int nothing(const struct search *search)
{
	return fail(&search->call->err, ENOENT, "%s: there is no '%s'", search->parent->key,
		search->text);
}

/* The file of a version that the registry may have. Facts cost nothing, and a chart whose tags are
 * known does not need to be asked for a version that is not among them. */
static int try_version(
	struct search *search, const char *repository, const char *version, bool is_provenance)
{
	struct call *call = search->call;
	struct registry *registry = search->parent->registry;
	scoped(fact_releasep) struct fact *fact = NULL;
	const struct manifest *manifest;
	const struct layer *layer;
	struct digest ignored;
	bool has_digest;
	char tag[REFERENCE_TAG_MAX + 1];
	int known, r;

	if (!layout_tag_of_name(version, tag))
		return nothing(search);
	known = resolve_peek_tag(call->mount, registry, repository, tag, &has_digest, &ignored);
	if (known == 0 || (!has_digest && search->requests_left == 0))
		return nothing(search);
	if (!has_digest)
		search->requests_left--;
	r = resolve_manifest(call, registry, repository, tag, &fact);
	if (r < 0)
		return r;
	manifest = fact_value(fact);
	layer = is_provenance ? manifest->provenance : manifest->chart;
	if (manifest->kind != MANIFEST_CHART || !layer)
		return nothing(search);
	*search->child = lookup_file(call->mount, search->parent, search->text, repository, tag,
		&layer->digest, layer->size, manifest->created);
	return 0;
}

/* In a chart's own directory: its NAME, and whatever version it has. */
static int own_version(struct search *search, bool *is_chart)
{
	const struct node *parent = search->parent;
	char name[REFERENCE_REPOSITORY_MAX + 1], version[REFERENCE_TAG_MAX + 1];
	char tag[REFERENCE_TAG_MAX + 1];
	scoped(fact_releasep) struct fact *tags = NULL;
	bool is_provenance, is_own;
	int r;

	*is_chart = false;
	if (!*parent->path)
		return nothing(search);
	is_own = layout_split_alias(search->text, 0, reference_last_component(parent->path), name,
			 version, &is_provenance) > 0;
	r = lookup_tags(search->call, parent, false, &tags);
	if (r < 0)
		return r;
	*is_chart = tags && ((const struct names *)fact_value(tags))->count > 0;
	if (!*is_chart || !is_own || !layout_tag_of_name(version, tag) ||
		!names_has(fact_value(tags), tag))
		return nothing(search);
	search->requests_left++; /* the tags did not count */
	return try_version(search, parent->path, version, is_provenance);
}

static bool child_path(
	const struct search *search, const char *name, char path[REFERENCE_REPOSITORY_MAX + 1])
{
	const char *parent = search->parent->path;
	int len = snprintf(
		path, REFERENCE_REPOSITORY_MAX + 1, "%s%s%s", parent, *parent ? "/" : "", name);

	return len > 0 && len <= REFERENCE_REPOSITORY_MAX;
}

/* Whether a chart is known to be there, so that any of its tags may be meant. */
static bool is_known_chart(const struct search *search, const char *repository)
{
	scoped(fact_releasep) struct fact *tags =
		resolve_peek_tags(search->call->mount, search->parent->registry, repository);

	if (tags && ((const struct names *)fact_value(tags))->count > 0)
		return true;
	return search->repositories &&
	       resolve_has_repository(&search->repositories->names, repository);
}

/* The charts in the directory whose names the text begins with; or, with `is_known` false, those
 * that may be there. Returns 0 for found, -ENOENT for none. */
static int try_charts(struct search *search, bool is_known)
{
	char prefix[REFERENCE_REPOSITORY_MAX + 1], name[REFERENCE_REPOSITORY_MAX + 1];
	char version[REFERENCE_TAG_MAX + 1], path[REFERENCE_REPOSITORY_MAX + 1];
	bool is_provenance;

	for (const char *dash = strchr(search->text, '-'); dash; dash = strchr(dash + 1, '-')) {
		size_t len = (size_t)(dash - search->text);
		size_t at;
		int r;

		if (len > REFERENCE_REPOSITORY_MAX)
			break;
		memcpy(prefix, search->text, len);
		prefix[len] = '\0';
		if (!layout_is_child(prefix) || !child_path(search, prefix, path) ||
			is_known_chart(search, path) != is_known)
			continue;
		at = layout_split_alias(search->text, is_known ? 0 : len, is_known ? prefix : NULL,
			name, version, &is_provenance);
		if (at != len + 1)
			continue;
		r = try_version(search, path, version, is_provenance);
		if (r != -ENOENT && (is_known || r != -EACCES))
			return r;
	}
	return nothing(search);
}

int lookup_alias(struct call *call, struct node *parent, const char *name, struct node **child)
{
	scoped(fact_releasep) struct fact *repositories =
		resolve_peek_repositories(call->mount, parent->registry);
	struct search search = {
		.call = call, .parent = parent, .text = name, .requests_left = 2, .child = child};
	bool is_chart;
	int r;

	if (repositories)
		search.repositories = fact_value(repositories);
	r = own_version(&search, &is_chart);
	if (r == -ENOENT)
		r = try_charts(&search, true);
	if (r != -ENOENT || is_chart)
		return r;
	/* A young catalog that does not name a chart settles it. */
	if (search.repositories && search.repositories->is_complete &&
		clock_now_ms() - search.repositories->asked_ms < call->mount->options->ttl_ms)
		return r;
	return try_charts(&search, false);
}
