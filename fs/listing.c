#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/listing_private.h"
#include "fs/local.h"
#include "fs/lookup.h"

#include <string.h>
#include <sys/stat.h>

static size_t version_count(const struct listing *listing)
{
	return listing->tags ? listing_tags(listing)->versions.count : 0;
}

static bool is_published(const struct listing *listing, const char *name)
{
	for (size_t i = 0; i < listing->file_names.count; i++)
		if (strcmp(names_get(&listing->file_names, i), name) == 0)
			return true;
	return listing_has_tag(listing, name) || names_has(&listing->children, name);
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
	uint64_t hash = 17 + (listing->tags ? listing_tags(listing)->hash : 0);

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
	int r;

	made->mount = call->mount;
	made->directory = directory;
	tree_pin(call->mount->tree, directory);
	r = listing_gather(call, made);
	if (r < 0) {
		listing_close(made);
		return r;
	}
	names_sort(&made->children);
	local_list(call->mount, directory, add_local, made);
	hash = made->failure.code ? 0 : hash_of(made); /* 0: the kernel has nothing to keep */
	*is_same = tree_swap_seen(call->mount->tree, directory, hash) == hash && hash;
	*listing = made;
	return 0;
}

int listing_check(const struct listing *listing, struct error *err)
{
	if (listing->failure.code)
		*err = listing->failure;
	return -listing->failure.code;
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
		return names_get(&listing_tags(listing)->versions, i);
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
