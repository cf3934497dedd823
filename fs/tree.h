#pragma once
/*
 * Nodes: what the kernel knows by number. A node's identity is its key, a path-like text, so that
 * the same thing has the same inode number after a remount and two places never share one:
 *
 *	HOST			the root of a registry, as named	(NODE_DIRECTORY, path "")
 *	HOST/a/b		namespace, repository or both		(NODE_DIRECTORY)
 *	HOST/a/b:TAG		a version				(NODE_VERSION)
 *	PARENT-KEY/NAME@HEX	a published file, HEX of its layer	(NODE_FILE)
 *	PARENT-KEY//NAME	a scratch directory, its name begins with '.' or lies below such a
 *	spool:ID		a file that is being written		(NODE_SPOOL)
 *
 * The texts lie in the node's own block, or in its parent's where they are the same.
 * Two counts keep a node: the kernel's lookups and our own pins. Both are guarded by the tree's
 * lock, which is a leaf: no I/O, no reply and no other lock while it is held. Everything else in
 * a node is fixed when it is made, but for what says otherwise.
 *
 * Locks of fs/, in the order in which they may be taken:
 *	spool_acquire()	one file that is being written; the only one held across network calls
 *	local.lock	the names of this mount
 *	spool.lock	what others than its acquirer may ask of a spool
 *	resolve.lock	what is known of catalogs and hosts
 *	facts, flights, staging, stale, pool, tree: leaves
 */
#include "cache/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct registry;
struct spool;
struct tree;

enum node_kind {
	NODE_HOSTS, /* the root of oci://: directories are hosts */
	NODE_DIRECTORY,
	NODE_VERSION,
	NODE_FILE,
	NODE_SCRATCH, /* a directory of this mount alone */
	NODE_SPOOL,
};

struct node {
	enum node_kind kind;
	uint64_t ino;      /* st_ino: a hash of the key */
	struct node *next; /* of the same slot; guarded by the tree's lock */
	const char *key;
	const char *name;          /* under which it was first found; for messages */
	struct node *parent;       /* pinned; NULL for the root */
	struct registry *registry; /* NULL for NODE_HOSTS, and NODE_SCRATCH below it */
	const char *path;          /* the repository, or "" (also of versions and files); or NULL */
	const char *tag;           /* versions and files, else NULL */
	struct digest digest;      /* files: the layer's */
	uint64_t size;             /* files */
	int64_t created;     /* files, seconds: what the template last said; guarded as mtime */
	int64_t mtime;       /* the same, or as the user set it; guarded: tree_mtime() */
	struct spool *spool; /* NODE_SPOOL: owned by the node, see spool.h */

	uint64_t lookups; /* guarded by the tree's lock, as is pins */
	unsigned pins;
	uint64_t listing_seen; /* see listing.c; guarded by the tree's lock */
};

struct tree *tree_new(void);
void tree_free(struct tree *tree);

/* What to make a node of; texts are copied. */
struct node_template {
	enum node_kind kind;
	const char *key, *name;
	struct node *parent;
	struct registry *registry;
	const char *path, *tag;
	struct digest digest;
	uint64_t size;
	int64_t mtime;
	struct spool *spool; /* moves into a node that is made; NODE_SPOOL is never found by key */
};

/* The node of that key, made if it is not there; pinned. Never fails. One that is there takes the
 * template's mtime if that has changed: the same file may come under another manifest. */
struct node *tree_get(struct tree *tree, const struct node_template *template);

/* The root, set once before the session starts; pinned for the tree's life. */
void tree_set_root(struct tree *tree, struct node *root);
struct node *tree_root(struct tree *tree);

/* The node that the kernel means by a number it was given (1 is the root), pinned. The number is
 * the node's address: the kernel only sends numbers it holds a lookup of. */
struct node *tree_pin_id(struct tree *tree, uint64_t id);
uint64_t tree_id(struct tree *tree, const struct node *node);

void tree_pin(struct tree *tree, struct node *node);
void tree_unpin(struct tree *tree, struct node *node);

/* The kernel's count: one more for each entry replied, fewer by FORGET. */
void tree_look(struct tree *tree, struct node *node);
void tree_forget(struct tree *tree, uint64_t id, uint64_t count);

/* Puts the value into node->listing_seen and returns what was there. */
uint64_t tree_swap_seen(struct tree *tree, struct node *node, uint64_t seen);

/* st_ino of the node that has, or would have, the key. */
uint64_t tree_ino(const char *key);

/* A file's times as the user set them in this mount; the registry knows nothing of it. They hold
 * until the registry's own change. */
void tree_set_mtime(struct tree *tree, struct node *node, int64_t mtime);
int64_t tree_mtime(struct tree *tree, const struct node *node);

/* Writes the node's path below the mount point, for messages. */
void tree_print_path(struct tree *tree, const struct node *node, char *path, size_t size);
