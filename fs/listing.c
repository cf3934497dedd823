#include "fs/listing.h"

#include "cache/base/clock.h"
#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/layout.h"
#include "fs/local.h"
#include "fs/lookup.h"
#include "fs/mount.h"
#include "fs/resolve.h"

#include <string.h>
#include <sys/stat.h>

/* A chart's listing lets the catalog be renewed only when it is older than this: so listing the
 * same chart again costs its tags and nothing else. */
enum { CHART_RENEWS_MS = 60 * 1000 };

struct local_entry {
	char *name;
	struct node *node; /* pinned */
};

/* In the order in which they are shown; "." and ".." come first. The versions stay where they are,
 * in the fact: a chart with ten thousand of them costs no copy. */
struct listing {
	struct mount *mount;
	struct node *directory;  /* pinned */
	struct fact *tags;       /* of versions; or NULL */
	struct names children;   /* directories: components of repositories, or hosts */
	struct fact *manifest;   /* of files; or NULL */
	struct names file_names; /* with the layers of the same index */
	const struct layer **files;
	struct local_entry *locals;
	size_t local_count;
};

static const struct tag_set *versions_of(const struct listing *listing)
{
	return listing->tags ? fact_value(listing->tags) : NULL;
}

static size_t version_count(const struct listing *listing)
{
	return listing->tags ? versions_of(listing)->versions.count : 0;
}

/* Whether a name of the chart's directory means one of its tags. */
static bool is_tag(const struct listing *listing, const char *name)
{
	char tag[REFERENCE_TAG_MAX + 1];

	return listing->tags && layout_tag_of_name(name, tag) &&
	       names_has(&versions_of(listing)->names, tag);
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
		if (layout_is_child(name) && !is_tag(listing, name))
			names_add(&listing->children, name, rest_len);
	}
}

/* The repositories below a directory that is no chart: these must be up to date. */
static int list_namespace(struct call *call, struct listing *listing)
{
	const struct node *directory = listing->directory;
	scoped(fact_releasep) struct fact *fact = NULL;
	scoped(names_clearp) struct names others = {0};
	int r = resolve_repositories(call, directory->registry, true, &fact);

	if (r < 0)
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
	int r;

	if (fact) {
		const struct repositories *repositories = fact_value(fact);

		if (clock_now_ms() - repositories->asked_ms < CHART_RENEWS_MS) {
			add_children(listing, &repositories->names);
			return 0;
		}
		fact_release(take(fact));
	}
	r = resolve_repositories(call, registry, false, &fact);
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
	if (r == 0 && versions_of(listing)->names.count)
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

	if (r == -ENOENT && local_is_made(call->mount, directory))
		return 0;
	if (r < 0)
		return r;
	manifest = fact_value(listing->manifest);
	listing->files = must_alloc((manifest->layer_count + 1) * sizeof(*listing->files));
	lookup_each_file(manifest, directory->path, directory->name, add_file, listing);
	return 0;
}

static bool is_published(const struct listing *listing, const char *name)
{
	for (size_t i = 0; i < listing->file_names.count; i++)
		if (strcmp(names_get(&listing->file_names, i), name) == 0)
			return true;
	return is_tag(listing, name) || names_has(&listing->children, name);
}

static void add_local(void *of, const char *name, struct node *node)
{
	struct listing *listing = of;
	struct local_entry *entry;

	if (is_published(listing, name))
		return;
	if ((listing->local_count & (listing->local_count - 1)) == 0) {
		size_t count = listing->local_count ? listing->local_count * 2 : 1;
		struct local_entry *more = must_alloc(count * sizeof(*more));

		for (size_t i = 0; i < listing->local_count; i++)
			more[i] = listing->locals[i];
		free(listing->locals);
		listing->locals = more;
	}
	entry = &listing->locals[listing->local_count++];
	*entry = (struct local_entry){must_copy(name), node};
	tree_pin(listing->mount->tree, node);
}

/* A number that differs where anything that the kernel keeps of the entries does. */
static uint64_t hash_of(const struct listing *listing)
{
	uint64_t hash = 17 + (listing->tags ? versions_of(listing)->hash : 0);

	for (size_t i = 0; i < listing->children.count; i++)
		hash = hash * 31 + map_hash(names_get(&listing->children, i));
	for (size_t i = 0; i < listing->file_names.count; i++) {
		const uint8_t *bytes = listing->files[i]->digest.bytes;

		hash = hash * 31 + map_hash(names_get(&listing->file_names, i));
		hash = hash * 31 + ((uint64_t)bytes[0] << 24 | (uint64_t)bytes[1] << 16 |
					   (uint64_t)bytes[2] << 8 | bytes[3]);
	}
	for (size_t i = 0; i < listing->local_count; i++)
		hash += map_hash(listing->locals[i].name) ^ listing->locals[i].node->ino;
	return hash ? hash : 1;
}

int listing_open(struct call *call, struct node *directory, struct listing **listing, bool *is_same)
{
	struct listing *made = must_alloc(sizeof(*made));
	uint64_t hash;
	int r = 0;

	made->mount = call->mount;
	made->directory = directory;
	tree_pin(call->mount->tree, directory);
	if (directory->kind == NODE_HOSTS)
		r = resolve_hosts(call, &made->children);
	else if (directory->kind == NODE_DIRECTORY)
		r = list_directory(call, made);
	else if (directory->kind == NODE_VERSION)
		r = list_version(call, made);
	if (r < 0) {
		listing_close(made);
		return r;
	}
	names_sort(&made->children);
	local_list(call->mount, directory, add_local, made);
	hash = hash_of(made);
	*is_same = tree_swap_seen(call->mount->tree, directory, hash) == hash;
	*listing = made;
	return 0;
}

void listing_close(struct listing *listing)
{
	if (!listing)
		return;
	for (size_t i = 0; i < listing->local_count; i++) {
		tree_unpin(listing->mount->tree, listing->locals[i].node);
		free(listing->locals[i].name);
	}
	free(listing->locals);
	free(listing->files);
	names_clear(&listing->file_names);
	names_clear(&listing->children);
	fact_release(listing->manifest);
	fact_release(listing->tags);
	tree_unpin(listing->mount->tree, listing->directory);
	free(listing);
}

enum entry_kind { ENTRY_SELF, ENTRY_PARENT, ENTRY_VERSION, ENTRY_CHILD, ENTRY_FILE, ENTRY_LOCAL };

/* Which entry is at an offset: its kind and its index among those; false past the end. */
static bool find_entry(
	const struct listing *listing, size_t offset, enum entry_kind *kind, size_t *i)
{
	const size_t counts[] = {1, 1, version_count(listing), listing->children.count,
		listing->file_names.count, listing->local_count};

	for (size_t at = 0; at < sizeof(counts) / sizeof(*counts); at++) {
		if (offset < counts[at]) {
			*kind = (enum entry_kind)at;
			*i = offset;
			return true;
		}
		offset -= counts[at];
	}
	return false;
}

/* The keys that lookup.c makes its nodes with, and so their numbers. */
static uint64_t ino_of(
	const struct listing *listing, enum entry_kind kind, size_t i, const char *name)
{
	const struct node *directory = listing->directory;
	char key[2 * REFERENCE_REPOSITORY_MAX + REFERENCE_HOST_MAX + 512];
	char text[DIGEST_TEXT_SIZE], tag[REFERENCE_TAG_MAX + 1];

	switch (kind) {
	case ENTRY_SELF:
		return directory->ino;
	case ENTRY_PARENT:
		return directory->parent ? directory->parent->ino : directory->ino;
	case ENTRY_LOCAL:
		return listing->locals[i].node->ino;
	case ENTRY_VERSION:
		reference_tag_of_version(name, tag);
		snprintf(key, sizeof(key), "%s:%s", directory->key, tag);
		break;
	case ENTRY_CHILD:
		snprintf(key, sizeof(key), "%s%s%s", directory->path ? directory->key : "",
			directory->path ? "/" : "", name);
		break;
	case ENTRY_FILE:
		digest_print(&listing->files[i]->digest, text);
		snprintf(key, sizeof(key), "%s/%s@%s", directory->key, name, strchr(text, ':') + 1);
		break;
	}
	return tree_ino(key);
}

static const char *name_of(const struct listing *listing, enum entry_kind kind, size_t i)
{
	switch (kind) {
	case ENTRY_SELF:
		return ".";
	case ENTRY_PARENT:
		return "..";
	case ENTRY_VERSION:
		return names_get(&versions_of(listing)->versions, i);
	case ENTRY_CHILD:
		return names_get(&listing->children, i);
	case ENTRY_FILE:
		return names_get(&listing->file_names, i);
	case ENTRY_LOCAL:
		break;
	}
	return listing->locals[i].name;
}

bool listing_entry(const struct listing *listing, size_t offset, const char **name, uint64_t *ino,
	unsigned *mode)
{
	enum entry_kind kind;
	size_t i;

	if (!find_entry(listing, offset, &kind, &i))
		return false;
	*name = name_of(listing, kind, i);
	*ino = ino_of(listing, kind, i, *name);
	*mode = kind == ENTRY_FILE ||
				(kind == ENTRY_LOCAL && listing->locals[i].node->kind == NODE_SPOOL)
			? S_IFREG
			: S_IFDIR;
	return true;
}

/* A child directory: a host, or a part of a repository's name. */
static struct node *child_node(struct listing *listing, const char *name)
{
	struct node *directory = listing->directory;
	char path[REFERENCE_REPOSITORY_MAX + 1];

	if (directory->kind == NODE_HOSTS)
		return lookup_directory(listing->mount, directory, name,
			client_registry(listing->mount->client, name), "");
	snprintf(path, sizeof(path), "%s%s%s", directory->path, *directory->path ? "/" : "", name);
	return lookup_directory(listing->mount, directory, name, directory->registry, path);
}

struct node *listing_node(struct call *call, struct listing *listing, size_t offset)
{
	struct node *directory = listing->directory;
	char tag[REFERENCE_TAG_MAX + 1];
	const struct manifest *manifest;
	const char *name;
	enum entry_kind kind;
	size_t i;

	if (!find_entry(listing, offset, &kind, &i) || kind == ENTRY_SELF || kind == ENTRY_PARENT)
		return NULL;
	name = name_of(listing, kind, i);
	switch (kind) {
	case ENTRY_VERSION:
		reference_tag_of_version(name, tag);
		return lookup_version(call->mount, directory, name, tag);
	case ENTRY_CHILD:
		return child_node(listing, name);
	case ENTRY_FILE:
		manifest = fact_value(listing->manifest);
		return lookup_file(call->mount, directory, name, directory->path, directory->tag,
			&listing->files[i]->digest, listing->files[i]->size, manifest->created);
	default:
		tree_pin(call->mount->tree, listing->locals[i].node);
		return listing->locals[i].node;
	}
}
