#include "fs/lookup.h"

#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/layout.h"
#include "fs/local.h"
#include "fs/mount.h"
#include "fs/resolve.h"

#include <limits.h>
#include <string.h>

static int no_entry(struct call *call, const struct node *parent, const char *name)
{
	return fail(&call->err, ENOENT, "%s: there is no '%s'", parent->key, name);
}

struct node *lookup_root(struct mount *mount)
{
	const struct options *options = mount->options;

	if (!*options->host)
		return tree_get(mount->tree,
			&(struct node_template){.kind = NODE_HOSTS, .key = "*", .name = ""});
	return lookup_directory(
		mount, NULL, "", client_registry(mount->client, options->host), options->path);
}

struct node *lookup_directory(struct mount *mount, struct node *parent, const char *name,
	struct registry *registry, const char *path)
{
	scoped(freep) char *key = NULL;

	/* By the names that led there: docker.io and registry-1.docker.io are two directories. */
	if (!parent)
		key = must_print("%s%s%s", registry_host(registry), *path ? "/" : "", path);
	else if (parent->kind == NODE_HOSTS)
		key = must_copy(name);
	else
		key = must_print("%s/%s", parent->key, name);
	return tree_get(mount->tree, &(struct node_template){.kind = NODE_DIRECTORY,
					     .key = key,
					     .name = name,
					     .parent = parent,
					     .registry = registry,
					     .path = path});
}

struct node *lookup_version(
	struct mount *mount, struct node *parent, const char *name, const char *tag)
{
	scoped(freep) char *key = must_print("%s:%s", parent->key, tag);

	return tree_get(mount->tree, &(struct node_template){.kind = NODE_VERSION,
					     .key = key,
					     .name = name,
					     .parent = parent,
					     .registry = parent->registry,
					     .path = parent->path,
					     .tag = tag});
}

struct node *lookup_file(struct mount *mount, struct node *parent, const char *name,
	const char *repository, const char *tag, const struct digest *digest, uint64_t size,
	int64_t mtime)
{
	char text[DIGEST_TEXT_SIZE];
	scoped(freep) char *key = NULL;

	digest_print(digest, text);
	key = must_print("%s/%s@%s", parent->key, name, strchr(text, ':') + 1);
	return tree_get(mount->tree, &(struct node_template){.kind = NODE_FILE,
					     .key = key,
					     .name = name,
					     .parent = parent,
					     .registry = parent->registry,
					     .path = repository,
					     .tag = tag,
					     .digest = *digest,
					     .size = size,
					     .mtime = mtime});
}

/* A chart's file under its name, which is too long for a directory in very few cases. */
static bool add_chart_file(const struct layer *layer, const char *repository, const char *version,
	bool is_provenance, bool (*add)(void *of, const char *name, const struct layer *layer),
	void *of)
{
	char name[REFERENCE_REPOSITORY_MAX + REFERENCE_TAG_MAX + 16];

	layout_file_name(repository, version, is_provenance, name, sizeof(name));
	if (strlen(name) > NAME_MAX)
		layout_layer_name(layer, true, name, sizeof(name));
	return add(of, name, layer);
}

void lookup_each_file(const struct manifest *manifest, const char *repository, const char *version,
	bool (*add)(void *of, const char *name, const struct layer *layer), void *of)
{
	struct map taken = {0};
	bool goes_on = true;

	if (manifest->kind == MANIFEST_CHART) {
		if (add_chart_file(manifest->chart, repository, version, false, add, of) &&
			manifest->provenance)
			add_chart_file(manifest->provenance, repository, version, true, add, of);
		return;
	}
	if (manifest->kind == MANIFEST_INDEX)
		return;
	for (size_t i = 0; i < manifest->layer_count && goes_on; i++) {
		struct layer *layer = &manifest->layers[i];
		char name[NAME_MAX + 1];

		layout_layer_name(layer, false, name, sizeof(name));
		if (map_get(&taken, name))
			layout_layer_name(layer, true, name, sizeof(name));
		/* Taken even so: the same bytes under the same title. */
		if (!map_put(&taken, name, layer))
			goes_on = add(of, name, layer);
	}
	map_clear(&taken, NULL);
}

struct wanted {
	const char *name;
	struct layer layer;
	bool is_found;
};

static bool take_wanted(void *of, const char *name, const struct layer *layer)
{
	struct wanted *wanted = of;

	if (strcmp(name, wanted->name) != 0)
		return true;
	wanted->layer = *layer;
	wanted->is_found = true;
	return false;
}

static int in_version(struct call *call, struct node *parent, const char *name, struct node **child)
{
	scoped(fact_releasep) struct fact *fact = NULL;
	struct wanted wanted = {.name = name};
	const struct manifest *manifest;
	int r;

	if (*name == '.')
		return no_entry(call, parent, name);
	r = resolve_manifest(call, parent->registry, parent->path, parent->tag, &fact);
	/* Many registries refuse what is not there yet. */
	if (r == -EACCES && local_is_made(call->mount, parent))
		return no_entry(call, parent, name);
	if (r < 0)
		return r;
	manifest = fact_value(fact);
	lookup_each_file(manifest, parent->path, parent->name, take_wanted, &wanted);
	if (!wanted.is_found)
		return no_entry(call, parent, name);
	*child = lookup_file(call->mount, parent, name, parent->path, parent->tag,
		&wanted.layer.digest, wanted.layer.size, manifest->created);
	return 0;
}

/* Whether anything at hand speaks for the directory's being a repository: then its tags are worth a
 * request. Where nothing is known of it at all they are too. */
static bool may_be_chart(
	const struct node *directory, const struct fact *tags, const struct fact *repositories)
{
	if (tags && !((const struct tag_set *)fact_value(tags))->is_missing)
		return true;
	if (!repositories)
		return !tags;
	return resolve_has_repository(fact_value(repositories), directory->path) ||
	       (!tags && !((const struct repositories *)fact_value(repositories))->is_complete);
}

int lookup_tags(struct call *call, const struct node *directory, bool is_sure, struct fact **tags)
{
	struct mount *mount = call->mount;
	scoped(fact_releasep) struct fact *at_hand = NULL;
	scoped(fact_releasep) struct fact *repositories = NULL;
	bool is_known;
	int r;

	*tags = NULL;
	if (!*directory->path)
		return 0;
	at_hand = resolve_peek_tags(mount, directory->registry, directory->path);
	repositories = resolve_peek_repositories(mount, directory->registry);
	if (!is_sure && !may_be_chart(directory, at_hand, repositories))
		return 0;
	is_known =
		repositories && resolve_has_repository(fact_value(repositories), directory->path);
	r = resolve_tags(call, directory->registry, directory->path, tags);
	if (r == -ENOENT || (r == -EACCES && !is_known))
		return 0;
	return r;
}

/* What the catalog says of a name that has no tags: a directory if it knows it, or if there is no
 * catalog to know it. `tags_failed` is what asking for its tags came to. */
static int by_catalog(struct call *call, struct node *parent, const char *name, const char *path,
	int tags_failed, bool is_chart, struct node **child)
{
	scoped(fact_releasep) struct fact *fact = NULL;
	struct error refused = call->err;
	const struct repositories *repositories;
	int r = resolve_repositories(call, parent->registry, false, &fact);

	if (r < 0)
		return r;
	repositories = fact_value(fact);
	if (!resolve_has_repository(&repositories->names, path) &&
		!resolve_has_below(&repositories->names, path)) {
		if (repositories->is_complete && tags_failed == -EACCES) {
			call->err = refused;
			return -EACCES;
		}
		if (repositories->is_complete || is_chart || !layout_is_speculative(name))
			return no_entry(call, parent, name);
	}
	*child = lookup_directory(call->mount, parent, name, parent->registry, path);
	return 0;
}

/* A name that is no tag of the directory: part of a repository's name, or nothing. */
static int as_child(struct call *call, struct node *parent, const char *name, bool is_chart,
	struct node **child)
{
	scoped(fact_releasep) struct fact *repositories = NULL;
	scoped(fact_releasep) struct fact *tags = NULL;
	char path[REFERENCE_REPOSITORY_MAX + 1];
	int len = snprintf(
		path, sizeof(path), "%s%s%s", parent->path, *parent->path ? "/" : "", name);
	bool is_at_hand;
	int r;

	if (!layout_is_child(name) || len < 0 || (size_t)len >= sizeof(path))
		return no_entry(call, parent, name);
	repositories = resolve_peek_repositories(call->mount, parent->registry);
	is_at_hand = repositories ? resolve_has_repository(fact_value(repositories), path) ||
					    resolve_has_below(fact_value(repositories), path)
				  : resolve_is_known(call->mount, parent->registry, path);
	if (is_at_hand) {
		*child = lookup_directory(call->mount, parent, name, parent->registry, path);
		return 0;
	}
	if (!layout_is_speculative(name)) {
		if (is_chart)
			return no_entry(call, parent, name);
		return by_catalog(call, parent, name, path, -ENOENT, is_chart, child);
	}
	r = resolve_tags(call, parent->registry, path, &tags);
	if (r == -ENOENT || r == -EACCES)
		return by_catalog(call, parent, name, path, r, is_chart, child);
	if (r < 0)
		return r;
	*child = lookup_directory(call->mount, parent, name, parent->registry, path);
	return 0;
}

static int in_directory(
	struct call *call, struct node *parent, const char *name, struct node **child)
{
	scoped(fact_releasep) struct fact *tags = NULL;
	char tag[REFERENCE_TAG_MAX + 1];
	bool is_chart;
	int r;

	if (layout_is_scratch(name))
		return no_entry(call, parent, name);
	if (layout_is_archive(name) || layout_is_provenance(name))
		return lookup_alias(call, parent, name, child);
	if (!layout_tag_of_name(name, tag))
		return as_child(call, parent, name, false, child);
	r = lookup_tags(call, parent, layout_is_version(name), &tags);
	if (r < 0)
		return r;
	if (tags && names_has(fact_value(tags), tag)) {
		*child = lookup_version(call->mount, parent, name, tag);
		return 0;
	}
	is_chart = tags && ((const struct names *)fact_value(tags))->count > 0;
	return as_child(call, parent, name, is_chart, child);
}

int lookup_published(struct call *call, struct node *parent, const char *name, struct node **child)
{
	struct registry *registry;
	int r;

	switch (parent->kind) {
	case NODE_HOSTS:
		r = resolve_host(call, name, &registry);
		if (r == 0)
			*child = lookup_directory(call->mount, parent, name, registry, "");
		return r;
	case NODE_DIRECTORY:
		return in_directory(call, parent, name, child);
	case NODE_VERSION:
		return in_version(call, parent, name, child);
	case NODE_FILE:
	case NODE_SCRATCH:
	case NODE_SPOOL:
		break;
	}
	return no_entry(call, parent, name);
}

/* Whether the directory was made here, and the registry has never been seen to have anything of it.
 */
static bool is_only_here(struct mount *mount, const struct node *directory)
{
	scoped(fact_releasep) struct fact *fact = NULL;

	if (!local_is_made(mount, directory) || !directory->registry || !directory->path)
		return false;
	fact = resolve_peek_repositories(mount, directory->registry);
	return !fact || (!resolve_has_repository(fact_value(fact), directory->path) &&
				!resolve_has_below(fact_value(fact), directory->path));
}

int lookup_name(struct call *call, struct node *parent, const char *name, struct node **child)
{
	int r = local_lookup(call, parent, name, child);

	if (r == -ENODATA)
		r = lookup_published(call, parent, name, child);
	/* Files and directories can be made there without the registry. */
	if ((r == -EHOSTUNREACH || r == -ETIMEDOUT) && is_only_here(call->mount, parent))
		r = no_entry(call, parent, name);
	return r;
}
