#include "fs/tree.h"

#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "fs/spool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS_FIRST = 64 };

/* The table holds the nodes themselves, chained by `next`: a mount may show a hundred thousand of
 * them, and a table with entries and keys of its own would double what they take. */
struct tree {
	pthread_mutex_t lock;
	struct node **slots;
	size_t slot_count, count;
	struct node *root;
};

struct tree *tree_new(void)
{
	struct tree *tree = must_alloc(sizeof(*tree));

	pthread_mutex_init(&tree->lock, NULL);
	tree->slot_count = SLOTS_FIRST;
	tree->slots = must_alloc(tree->slot_count * sizeof(struct node *));
	return tree;
}

uint64_t tree_ino(const char *key)
{
	uint64_t ino = map_hash(key);

	return ino > 1 ? ino : ino + 2; /* 0 is no inode to readdir(3), 1 the root's number */
}

static struct node **slot_of(struct tree *tree, uint64_t ino)
{
	return &tree->slots[(ino ^ ino >> 32) & (tree->slot_count - 1)];
}

static void grow_locked(struct tree *tree)
{
	struct node **old = tree->slots;
	size_t old_count = tree->slot_count;

	tree->slot_count = old_count * 2;
	tree->slots = must_alloc(tree->slot_count * sizeof(struct node *));
	for (size_t i = 0; i < old_count; i++)
		for (struct node *node = old[i], *next; node; node = next) {
			struct node **slot = slot_of(tree, node->ino);

			next = node->next;
			node->next = *slot;
			*slot = node;
		}
	free(old);
}

static struct node *find_locked(struct tree *tree, const char *key)
{
	uint64_t ino = tree_ino(key);

	for (struct node *node = *slot_of(tree, ino); node; node = node->next)
		if (node->ino == ino && node->kind != NODE_SPOOL && strcmp(node->key, key) == 0)
			return node;
	return NULL;
}

/* The text where it lies already, or NULL. */
static const char *same(const char *text, const char *other)
{
	return text && other && strcmp(text, other) == 0 ? other : NULL;
}

static size_t size_of(const char *text, const char *shared)
{
	return text && !shared ? strlen(text) + 1 : 0;
}

/* The shared text, or a copy at `*room`, which moves on. */
static const char *place(const char *text, const char *shared, char **room)
{
	size_t size = size_of(text, shared);
	char *at = *room;

	if (shared || !text)
		return shared;
	*room += size;
	return memcpy(at, text, size);
}

static struct node *make(const struct node_template *template)
{
	const struct node *parent = template->parent;
	const char *path = same(template->path, parent ? parent->path : NULL);
	const char *tag = same(template->tag, parent ? parent->tag : NULL);
	bool is_named_by_tag = same(template->name, template->tag);
	size_t room = size_of(template->key, NULL) + size_of(template->path, path) +
		      size_of(template->tag, tag) +
		      (is_named_by_tag ? 0 : size_of(template->name, NULL));
	struct node *node = must_alloc(sizeof(*node) + room);
	char *at = (char *)(node + 1);

	node->kind = template->kind;
	node->key = place(template->key, NULL, &at);
	node->path = place(template->path, path, &at);
	node->tag = place(template->tag, tag, &at);
	node->name = place(template->name, is_named_by_tag ? node->tag : NULL, &at);
	node->ino = tree_ino(node->key);
	node->parent = template->parent;
	node->registry = template->registry;
	node->digest = template->digest;
	node->size = template->size;
	node->created = node->mtime = template->mtime;
	node->spool = template->spool;
	return node;
}

struct node *tree_get(struct tree *tree, const struct node_template *template)
{
	struct node *node = NULL, **slot;

	pthread_mutex_lock(&tree->lock);
	if (template->kind != NODE_SPOOL)
		node = find_locked(tree, template->key);
	if (!node) {
		if (tree->count >= tree->slot_count)
			grow_locked(tree);
		node = make(template);
		if (node->parent)
			node->parent->pins++;
		slot = slot_of(tree, node->ino);
		node->next = *slot;
		*slot = node;
		tree->count++;
	}
	if (node->created != template->mtime)
		node->created = node->mtime = template->mtime;
	node->pins++;
	pthread_mutex_unlock(&tree->lock);
	return node;
}

/* Takes the node out of the table if nothing keeps it any more, and so on with its parents, and
 * chains them to `dead`: they are released without the lock. */
static struct node *bury_locked(struct tree *tree, struct node *node)
{
	struct node *dead = NULL;

	while (node && node->pins == 0 && node->lookups == 0) {
		struct node *parent = node->parent, **at = slot_of(tree, node->ino);

		while (*at != node)
			at = &(*at)->next;
		*at = node->next;
		tree->count--;
		node->next = dead;
		dead = node;
		if (parent)
			parent->pins--;
		node = parent;
	}
	return dead;
}

static void release(struct node *dead)
{
	while (dead) {
		struct node *next = dead->next;

		if (dead->spool)
			spool_free(dead->spool);
		free(dead);
		dead = next;
	}
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	/* The kernel does not forget what it knows when it unmounts. Files that were being written
	 * go first, while the directories that they hold are all there. */
	for (size_t i = 0; i < tree->slot_count; i++)
		for (struct node *node = tree->slots[i]; node; node = node->next)
			node->lookups++;
	for (size_t i = 0; i < tree->slot_count; i++) {
		for (struct node *node = tree->slots[i]; node; node = node->next) {
			if (node->spool)
				spool_free(node->spool);
			node->spool = NULL;
		}
	}
	for (size_t i = 0; i < tree->slot_count; i++)
		release(tree->slots[i]);
	free(tree->slots);
	pthread_mutex_destroy(&tree->lock);
	free(tree);
}

void tree_set_root(struct tree *tree, struct node *root)
{
	tree->root = root;
}

struct node *tree_root(struct tree *tree)
{
	return tree->root;
}

/* The root is number 1 to the kernel, which never counts lookups of it. */
static struct node *node_of_id(struct tree *tree, uint64_t id)
{
	return id == 1 ? tree->root : (struct node *)(uintptr_t)id;
}

struct node *tree_pin_id(struct tree *tree, uint64_t id)
{
	struct node *node = node_of_id(tree, id);

	tree_pin(tree, node);
	return node;
}

uint64_t tree_id(struct tree *tree, const struct node *node)
{
	return node == tree->root ? 1 : (uint64_t)(uintptr_t)node;
}

void tree_pin(struct tree *tree, struct node *node)
{
	pthread_mutex_lock(&tree->lock);
	node->pins++;
	pthread_mutex_unlock(&tree->lock);
}

void tree_unpin(struct tree *tree, struct node *node)
{
	struct node *dead;

	if (!node)
		return;
	pthread_mutex_lock(&tree->lock);
	node->pins--;
	dead = bury_locked(tree, node);
	pthread_mutex_unlock(&tree->lock);
	release(dead);
}

void tree_look(struct tree *tree, struct node *node)
{
	pthread_mutex_lock(&tree->lock);
	node->lookups++;
	pthread_mutex_unlock(&tree->lock);
}

void tree_forget(struct tree *tree, uint64_t id, uint64_t count)
{
	struct node *node = node_of_id(tree, id), *dead;

	pthread_mutex_lock(&tree->lock);
	node->lookups -= count < node->lookups ? count : node->lookups;
	dead = bury_locked(tree, node);
	pthread_mutex_unlock(&tree->lock);
	release(dead);
}

uint64_t tree_swap_seen(struct tree *tree, struct node *node, uint64_t seen)
{
	uint64_t before;

	pthread_mutex_lock(&tree->lock);
	before = node->listing_seen;
	node->listing_seen = seen;
	pthread_mutex_unlock(&tree->lock);
	return before;
}

void tree_print_path(struct tree *tree, const struct node *node, char *path, size_t size)
{
	size_t at = size - 1;

	/* From the end towards the beginning; parents are pinned by their children. */
	path[at] = '\0';
	for (; node && node != tree->root; node = node->parent) {
		size_t len = strlen(node->name);

		if (len + 1 > at)
			break;
		at -= len;
		memcpy(path + at, node->name, len);
		path[--at] = '/';
	}
	if (!path[at] && at > 0)
		path[--at] = '/';
	memmove(path, path + at, size - at);
}

void tree_set_mtime(struct tree *tree, struct node *node, int64_t mtime)
{
	pthread_mutex_lock(&tree->lock);
	node->mtime = mtime;
	pthread_mutex_unlock(&tree->lock);
}

int64_t tree_mtime(struct tree *tree, const struct node *node)
{
	int64_t mtime;

	pthread_mutex_lock(&tree->lock);
	mtime = node->mtime;
	pthread_mutex_unlock(&tree->lock);
	return mtime;
}
