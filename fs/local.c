#include "fs/local.h"

#include "cache/base/clock.h"
#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/mount.h"
#include "fs/spool.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TYPED_MS = 10 * 60 * 1000, SWITCH_MS = 1000 };

struct name {
	enum local_kind kind;
	struct node *node; /* pinned */
	pid_t tid;
	bool is_opened;
	int64_t until_ms; /* 0: no end */
};

struct folder { /* stays once made: its epoch must not begin again */
	struct map names;
	uint64_t epoch;
};

struct local {
	pthread_mutex_t lock;
	struct map folders; /* guarded by lock, as is all below it: directory key -> folder */
};

struct local *local_new(void)
{
	struct local *local = must_alloc(sizeof(*local));

	pthread_mutex_init(&local->lock, NULL);
	return local;
}

static void name_free(struct mount *mount, struct name *name)
{
	if (!name)
		return;
	tree_unpin(mount->tree, name->node);
	free(name);
}

void local_free(struct mount *mount, struct local *local)
{
	map_for_each (at, &local->folders) {
		struct folder *folder = at->value;

		map_for_each (entry, &folder->names)
			name_free(mount, entry->value);
		map_clear(&folder->names, NULL);
		free(folder);
	}
	map_clear(&local->folders, NULL);
	pthread_mutex_destroy(&local->lock);
	free(local);
}

static struct folder *folder_of_locked(struct local *local, const struct node *directory)
{
	return map_get(&local->folders, directory->key);
}

/* Takes the name out of the table: the caller frees it after the lock, for the last pin of a node
 * may remove a file. */
static struct name *remove_locked(struct folder *folder, const char *text)
{
	struct name *name = folder ? map_remove(&folder->names, text) : NULL;

	if (name)
		folder->epoch++;
	return name;
}

/* The name's meaning that still holds; one whose time is over goes into `*lapsed`. */
static struct name *find_locked(
	struct local *local, const struct node *parent, const char *text, struct name **lapsed)
{
	struct folder *folder = folder_of_locked(local, parent);
	struct name *name = folder ? map_get(&folder->names, text) : NULL;

	*lapsed = NULL;
	if (!name || !name->until_ms || clock_now_ms() < name->until_ms)
		return name;
	*lapsed = remove_locked(folder, text);
	return NULL;
}

int local_lookup(struct call *call, struct node *parent, const char *name, struct node **child)
{
	struct local *local = call->mount->local;
	struct name *found, *lapsed;
	int r = -ENODATA;

	pthread_mutex_lock(&local->lock);
	found = find_locked(local, parent, name, &lapsed);
	if (found && (found->kind == LOCAL_DIRECTORY || found->kind == LOCAL_FILE ||
			     found->kind == LOCAL_TYPED))
		r = 0;
	if (found && found->kind == LOCAL_OVER && !found->is_opened && call->tid &&
		found->tid == call->tid)
		r = 0;
	if (r == 0) {
		*child = found->node;
		tree_pin(call->mount->tree, *child);
	}
	pthread_mutex_unlock(&local->lock);
	name_free(call->mount, lapsed);
	if (r < 0 && parent->kind == NODE_SCRATCH)
		r = -ENOENT;
	return r;
}

static bool is_listed(const struct name *name)
{
	if (name->kind == LOCAL_DIRECTORY)
		return true;
	return name->kind == LOCAL_FILE && spool_is_listed(name->node->spool);
}

void local_list(struct mount *mount, const struct node *directory,
	void (*add)(void *of, const char *name, struct node *node), void *of)
{
	struct folder *folder;

	pthread_mutex_lock(&mount->local->lock);
	folder = folder_of_locked(mount->local, directory);
	if (folder) {
		map_for_each (entry, &folder->names) {
			struct name *name = entry->value;

			if (is_listed(name))
				add(of, entry->key, name->node);
		}
	}
	pthread_mutex_unlock(&mount->local->lock);
}

uint64_t local_epoch(struct mount *mount, const struct node *directory)
{
	struct folder *folder;
	uint64_t epoch = 0;

	pthread_mutex_lock(&mount->local->lock);
	folder = folder_of_locked(mount->local, directory);
	if (folder) {
		epoch = folder->epoch << 16;
		/* A file may leave the listing by being complete, with no change of names. */
		map_for_each (entry, &folder->names)
			epoch += is_listed(entry->value);
	}
	pthread_mutex_unlock(&mount->local->lock);
	return epoch;
}

bool local_is_made(struct mount *mount, const struct node *directory)
{
	enum local_kind kind;
	struct node *node;

	if (!directory->parent)
		return false;
	node = local_get(mount, directory->parent, directory->name, &kind);
	if (!node)
		return false;
	tree_unpin(mount->tree, node);
	return kind == LOCAL_DIRECTORY && node == directory;
}

bool local_is_over(struct mount *mount, const struct node *parent, const char *name)
{
	enum local_kind kind;
	struct node *node = local_get(mount, parent, name, &kind);

	if (!node)
		return false;
	tree_unpin(mount->tree, node);
	return kind == LOCAL_OVER;
}

void local_put(struct mount *mount, struct node *parent, const char *name, enum local_kind kind,
	struct node *node, pid_t tid)
{
	struct local *local = mount->local;
	struct name *entry = must_alloc(sizeof(*entry)), *old;
	struct folder *folder;

	*entry = (struct name){.kind = kind, .node = node, .tid = tid};
	if (kind == LOCAL_TYPED || kind == LOCAL_RECENT)
		entry->until_ms = clock_now_ms() + TYPED_MS;
	if (kind == LOCAL_OVER && tid)
		entry->until_ms = clock_now_ms() + SWITCH_MS;
	entry->is_opened = kind == LOCAL_OVER && !tid;
	tree_pin(mount->tree, node);
	pthread_mutex_lock(&local->lock);
	folder = folder_of_locked(local, parent);
	if (!folder) {
		folder = must_alloc(sizeof(*folder));
		map_put(&local->folders, parent->key, folder);
	}
	old = map_put(&folder->names, name, entry);
	folder->epoch++;
	pthread_mutex_unlock(&local->lock);
	name_free(mount, old);
}

struct node *local_get(
	struct mount *mount, const struct node *parent, const char *name, enum local_kind *kind)
{
	struct name *found, *lapsed;
	struct node *node = NULL;

	pthread_mutex_lock(&mount->local->lock);
	found = find_locked(mount->local, parent, name, &lapsed);
	if (found) {
		node = found->node;
		*kind = found->kind;
		tree_pin(mount->tree, node);
	}
	pthread_mutex_unlock(&mount->local->lock);
	name_free(mount, lapsed);
	return node;
}

void local_opened(struct mount *mount, struct node *parent, const char *name)
{
	struct name *found, *lapsed;

	pthread_mutex_lock(&mount->local->lock);
	found = find_locked(mount->local, parent, name, &lapsed);
	if (found && found->kind == LOCAL_OVER) {
		found->is_opened = true;
		found->until_ms = 0;
	}
	pthread_mutex_unlock(&mount->local->lock);
	name_free(mount, lapsed);
}

bool local_remove(
	struct mount *mount, const struct node *parent, const char *name, const struct node *node)
{
	struct name *found, *lapsed;

	pthread_mutex_lock(&mount->local->lock);
	found = find_locked(mount->local, parent, name, &lapsed);
	if (found && (!node || found->node == node))
		remove_locked(folder_of_locked(mount->local, parent), name);
	else
		found = NULL;
	pthread_mutex_unlock(&mount->local->lock);
	name_free(mount, lapsed);
	name_free(mount, found);
	return found != NULL;
}

bool local_has_names(struct mount *mount, const struct node *directory, bool but_directories)
{
	struct folder *folder;
	bool has = false;

	pthread_mutex_lock(&mount->local->lock);
	folder = folder_of_locked(mount->local, directory);
	if (folder) {
		map_for_each (entry, &folder->names) {
			const struct name *name = entry->value;

			has = has || name->kind == LOCAL_FILE || name->kind == LOCAL_OVER ||
			      (name->kind == LOCAL_DIRECTORY && !but_directories);
		}
	}
	pthread_mutex_unlock(&mount->local->lock);
	return has;
}

/* Whether a directory's key is the pushed version's, its repository's or a parent's of that. */
static bool is_on_the_way(const char *key, const char *repository_key, const char *tag)
{
	size_t len = strlen(key), whole = strlen(repository_key);

	if (len <= whole)
		return strncmp(key, repository_key, len) == 0 &&
		       (repository_key[len] == '/' || repository_key[len] == '\0');
	return strncmp(key, repository_key, whole) == 0 && key[whole] == ':' &&
	       strcmp(key + whole + 1, tag) == 0;
}

void local_published(struct mount *mount, const char *host, const char *repository, const char *tag)
{
	scoped(freep) char *repository_key = must_print("%s/%s", host, repository);
	struct name *removed;

	do { /* one by one: freeing a node may need the lock to be free */
		removed = NULL;
		pthread_mutex_lock(&mount->local->lock);
		map_for_each (at, &mount->local->folders) {
			struct folder *folder = at->value;

			map_for_each (entry, &folder->names) {
				struct name *name = entry->value;

				if (name->kind == LOCAL_DIRECTORY &&
					name->node->kind != NODE_SCRATCH &&
					is_on_the_way(name->node->key, repository_key, tag)) {
					removed = remove_locked(folder, entry->key);
					break;
				}
			}
			if (removed)
				break;
		}
		pthread_mutex_unlock(&mount->local->lock);
		name_free(mount, removed);
	} while (removed);
}

void local_each_spool(struct mount *mount, void (*visit)(struct mount *mount, struct spool *spool))
{
	map_for_each (at, &mount->local->folders) {
		struct folder *folder = at->value;

		map_for_each (entry, &folder->names) {
			struct name *name = entry->value;

			if (name->node->kind == NODE_SPOOL)
				visit(mount, name->node->spool);
		}
	}
}
