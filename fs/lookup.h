#pragma once
/* What a name in a directory is: this mount's own things first, then what the registry holds. */
#include "cache/facts.h"
#include "client/manifest.h"
#include "fs/call.h"
#include "fs/tree.h"

/* Finds the child; pinned. ENOENT; or the failure that kept it from being known. */
int lookup_name(struct call *call, struct node *parent, const char *name, struct node **child);

/* The same without this mount's own names: what is published. */
int lookup_published(struct call *call, struct node *parent, const char *name, struct node **child);

/* The root by the mount's options, pinned: NODE_HOSTS, or the directory that SOURCE names. Asks
 * nobody. For tree_set_root(). */
struct node *lookup_root(struct mount *mount);

/* The nodes of what is published, pinned. They ask nobody. A version's name is its tag as shown. A
 * file (PARENT is a version's directory, or a directory for an alias) belongs to `repository` and
 * `tag`, and holds the layer of that digest and size. */
struct node *lookup_directory(struct mount *mount, struct node *parent, const char *name,
	struct registry *registry, const char *path);
struct node *lookup_version(
	struct mount *mount, struct node *parent, const char *name, const char *tag);
struct node *lookup_file(struct mount *mount, struct node *parent, const char *name,
	const char *repository, const char *tag, const struct digest *digest, uint64_t size,
	int64_t mtime);

/* Calls `add` for each file of a version's directory, by its name there, until it returns false. */
void lookup_each_file(const struct manifest *manifest, const char *repository, const char *version,
	bool (*add)(void *of, const char *name, const struct layer *layer), void *of);

/* The tags of a directory that may be a chart, NULL where it is none. Asks only where it may be, or
 * with `is_sure`. EACCES only for a repository that is known. */
int lookup_tags(struct call *call, const struct node *directory, bool is_sure, struct fact **tags);

/* The meaning of NAME-VERSION.tgz[.prov] in a directory; pinned (lookup_alias.c). */
int lookup_alias(struct call *call, struct node *parent, const char *name, struct node **child);
