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

/* A switched file is opened in the system call that had it switched: at once, but for lookups of
 * the directories above it that ask a slow registry. */
enum { TYPED_MS = 10 * 60 * 1000, SWITCH_MS = 1000, AWAITED_MS = 60 * 1000, SWEEP_MS = 1000 };

struct name {
	enum local_kind kind;
	struct node *node; /* pinned */
	pid_t tid;         /* of LOCAL_OVER: for whom it is */
	bool is_opened;    /* the same: by that thread */
	int64_t free_ms; /* the same: from when on another may take the name, unless it is opened */
	int64_t until_ms;    /* 0: no end */
	struct name *former; /* of LOCAL_OVER: what the name was and will be again; or NULL */
	struct name *next;   /* of those to be freed */
};

struct folder { /* stays once made */
	struct map names;
};

struct local {
	pthread_mutex_t lock;
	struct map folders; /* guarded by lock, as is all below it: directory key -> folder */
	int64_t sweep_ms;   /* when the next name may lapse; 0: none will */
};

struct local *local_new(void)
{
	struct local *local = must_alloc(sizeof(*local));

	pthread_mutex_init(&local->lock, NULL);
	return local;
}

/* Without the lock: the last pin of a node may remove a file. */
static void free_names(struct mount *mount, struct name *dead)
{
	while (dead) {
		struct name *next = dead->next;

		free_names(mount, dead->former);
		tree_unpin(mount->tree, dead->node);
		free(dead);
		dead = next;
	}
}

void local_free(struct mount *mount, struct local *local)
{
	map_for_each (at, &local->folders) {
		struct folder *folder = at->value;

		map_for_each (entry, &folder->names)
			free_names(mount, entry->value);
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

static bool is_past(const struct name *name, int64_t now_ms)
{
	return name->until_ms && now_ms >= name->until_ms;
}

static void bury(struct name *name, struct name **dead)
{
	name->next = *dead;
	*dead = name;
}

/* Takes a meaning away; the one below it shows again, if it still holds. */
static void drop_locked(
	struct folder *folder, const char *text, struct name *name, struct name **dead)
{
	struct name *former = name->former;

	map_remove(&folder->names, text);
	if (former && !is_past(former, clock_now_ms())) {
		name->former = NULL;
		map_put(&folder->names, text, former);
	}
	bury(name, dead);
}

/* Drops all names whose time is over: nobody may ever ask for them again. */
static void sweep_locked(struct local *local, int64_t now_ms, struct name **dead)
{
	int64_t next_ms = 0;

	map_for_each (at, &local->folders) {
		struct folder *folder = at->value;

		for (struct map_entry *entry = map_next(&folder->names, NULL), *next; entry;
			entry = next) {
			struct name *name = entry->value;

			next = map_next(&folder->names, entry);
			if (is_past(name, now_ms)) {
				scoped(freep) char *text = must_copy(entry->key);

				drop_locked(folder, text, name, dead);
			} else if (name->until_ms && (!next_ms || name->until_ms < next_ms)) {
				next_ms = name->until_ms;
			}
		}
	}
	/* Many names that end one soon after the other are one sweep. */
	local->sweep_ms = next_ms && next_ms < now_ms + SWEEP_MS ? now_ms + SWEEP_MS : next_ms;
}

/* The name's meaning that still holds, or NULL. What goes meanwhile is for free_names(). */
static struct name *find_locked(
	struct local *local, const struct node *parent, const char *text, struct name **dead)
{
	struct folder *folder = folder_of_locked(local, parent);
	struct name *name = folder ? map_get(&folder->names, text) : NULL;
	int64_t now_ms = clock_now_ms();

	*dead = NULL;
	if (name && is_past(name, now_ms)) {
		drop_locked(folder, text, name, dead);
		name = map_get(&folder->names, text);
	}
	if (local->sweep_ms && now_ms >= local->sweep_ms)
		sweep_locked(local, now_ms, dead);
	return name;
}

/* What a lookup by that thread finds under a name, or NULL. */
static const struct name *found_by(const struct name *name, pid_t tid)
{
	if (name && name->kind == LOCAL_OVER) {
		if (!name->is_opened && name->tid == tid)
			return name;
		name = name->former;
	}
	/* What is found under its own name is asked for. */
	return name && name->kind != LOCAL_RECENT ? name : NULL;
}

int local_lookup(struct call *call, struct node *parent, const char *name, struct node **child)
{
	struct local *local = call->mount->local;
	const struct name *found;
	struct name *dead;

	pthread_mutex_lock(&local->lock);
	found = found_by(find_locked(local, parent, name, &dead), call->tid);
	if (found) {
		*child = found->node;
		tree_pin(call->mount->tree, *child);
	}
	pthread_mutex_unlock(&local->lock);
	free_names(call->mount, dead);
	if (found)
		return 0;
	return parent->kind == NODE_SCRATCH ? -ENOENT : -ENODATA;
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

static struct folder *need_folder_locked(struct local *local, const struct node *parent)
{
	struct folder *folder = folder_of_locked(local, parent);

	if (!folder) {
		folder = must_alloc(sizeof(*folder));
		map_put(&local->folders, parent->key, folder);
	}
	return folder;
}

static struct name *put_locked(struct mount *mount, const struct node *parent, const char *text,
	struct name name, struct name *former)
{
	struct local *local = mount->local;
	struct folder *folder = need_folder_locked(local, parent);
	struct name *entry = must_alloc(sizeof(*entry));

	*entry = name;
	entry->former = former;
	tree_pin(mount->tree, entry->node);
	if (entry->until_ms && (!local->sweep_ms || entry->until_ms < local->sweep_ms))
		local->sweep_ms = entry->until_ms;
	return map_put(&folder->names, text, entry);
}

void local_put(struct mount *mount, struct node *parent, const char *name, enum local_kind kind,
	struct node *node)
{
	bool is_timed = kind == LOCAL_TYPED || kind == LOCAL_RECENT;
	struct name entry = {
		.kind = kind, .node = node, .until_ms = is_timed ? clock_now_ms() + TYPED_MS : 0};
	struct name *old;

	pthread_mutex_lock(&mount->local->lock);
	old = put_locked(mount, parent, name, entry, NULL);
	pthread_mutex_unlock(&mount->local->lock);
	free_names(mount, old);
}

/* Whether a switched file is waited for no more: its thread asks anew, or takes too long. */
static bool is_given_up(const struct name *name, pid_t tid)
{
	return name->kind == LOCAL_OVER && !name->is_opened &&
	       (name->tid == tid || clock_now_ms() >= name->free_ms);
}

bool local_switch(
	struct mount *mount, struct node *parent, const char *name, struct node *node, pid_t tid)
{
	struct name entry = {.kind = LOCAL_OVER,
		.node = node,
		.tid = tid,
		.free_ms = clock_now_ms() + SWITCH_MS,
		.until_ms = clock_now_ms() + AWAITED_MS};
	struct name *found, *former, *dead;
	bool is_free;

	pthread_mutex_lock(&mount->local->lock);
	former = found = find_locked(mount->local, parent, name, &dead);
	is_free = !found || found->kind == LOCAL_TYPED || found->kind == LOCAL_RECENT ||
		  is_given_up(found, tid);
	if (is_free && found && found->kind == LOCAL_OVER) {
		former = take(found->former);
		bury(found, &dead);
	}
	if (is_free)
		put_locked(mount, parent, name, entry, former);
	pthread_mutex_unlock(&mount->local->lock);
	free_names(mount, dead);
	return is_free;
}

struct node *local_get(
	struct mount *mount, const struct node *parent, const char *name, enum local_kind *kind)
{
	struct name *found, *dead;
	struct node *node = NULL;

	pthread_mutex_lock(&mount->local->lock);
	found = find_locked(mount->local, parent, name, &dead);
	if (found) {
		node = found->node;
		*kind = found->kind;
		tree_pin(mount->tree, node);
	}
	pthread_mutex_unlock(&mount->local->lock);
	free_names(mount, dead);
	return node;
}

bool local_open(struct mount *mount, struct node *parent, const char *name, const struct node *node)
{
	struct folder *folder;
	struct name *found;
	bool is_it;

	pthread_mutex_lock(&mount->local->lock);
	/* Not by find_locked(): its time may just be over, and it is open now. */
	folder = folder_of_locked(mount->local, parent);
	found = folder ? map_get(&folder->names, name) : NULL;
	is_it = found && found->node == node;
	if (is_it) {
		found->is_opened = true;
		found->until_ms = 0;
	}
	pthread_mutex_unlock(&mount->local->lock);
	return is_it;
}

bool local_remove(
	struct mount *mount, const struct node *parent, const char *name, const struct node *node)
{
	struct name *found, *dead;
	bool is_it;

	pthread_mutex_lock(&mount->local->lock);
	found = find_locked(mount->local, parent, name, &dead);
	is_it = found && (!node || found->node == node);
	if (is_it)
		drop_locked(folder_of_locked(mount->local, parent), name, found, &dead);
	pthread_mutex_unlock(&mount->local->lock);
	free_names(mount, dead);
	return is_it;
}

bool local_is_typed(struct mount *mount, const struct node *parent, const char *name, bool forget)
{
	struct name *found, *over, *dead;
	bool is_typed;

	pthread_mutex_lock(&mount->local->lock);
	found = find_locked(mount->local, parent, name, &dead);
	over = found && found->kind == LOCAL_OVER ? found : NULL;
	if (over)
		found = over->former;
	is_typed = found && found->kind == LOCAL_TYPED;
	if (is_typed && forget && over) {
		over->former = NULL;
		bury(found, &dead);
	} else if (is_typed && forget) {
		drop_locked(folder_of_locked(mount->local, parent), name, found, &dead);
	}
	pthread_mutex_unlock(&mount->local->lock);
	free_names(mount, dead);
	return is_typed;
}

bool local_has_listed(struct mount *mount, const struct node *directory)
{
	struct folder *folder;
	bool has = false;

	pthread_mutex_lock(&mount->local->lock);
	folder = folder_of_locked(mount->local, directory);
	if (folder)
		map_for_each (entry, &folder->names)
			has = has || is_listed(entry->value);
	pthread_mutex_unlock(&mount->local->lock);
	return has;
}

struct node *local_any_spool(struct mount *mount, const struct node *directory)
{
	struct node *node = NULL;
	struct folder *folder;

	pthread_mutex_lock(&mount->local->lock);
	folder = folder_of_locked(mount->local, directory);
	if (folder)
		map_for_each (entry, &folder->names) {
			const struct name *name = entry->value;

			if (name->node->kind == NODE_SPOOL)
				node = name->node;
		}
	if (node)
		tree_pin(mount->tree, node);
	pthread_mutex_unlock(&mount->local->lock);
	return node;
}

/* The directory NAME in the folder of that key is the registry's from now on. */
static void publish_locked(
	struct local *local, const char *folder_key, const char *name, struct name **dead)
{
	struct folder *folder = map_get(&local->folders, folder_key);
	struct name *found = folder ? map_get(&folder->names, name) : NULL;

	if (found && found->kind == LOCAL_DIRECTORY && found->node->kind != NODE_SCRATCH)
		drop_locked(folder, name, found, dead);
}

void local_published(struct mount *mount, const char *host, const char *repository, const char *tag)
{
	scoped(freep) char *key = must_print("%s/%s", host, repository);
	char version[REFERENCE_TAG_MAX + 1];
	struct name *dead = NULL;
	char *end;

	reference_version_of_tag(tag, version);
	pthread_mutex_lock(&mount->local->lock);
	publish_locked(mount->local, key, version, &dead);
	while ((end = strrchr(key, '/'))) { /* a host has none */
		*end = '\0';
		publish_locked(mount->local, key, end + 1, &dead);
	}
	pthread_mutex_unlock(&mount->local->lock);
	free_names(mount, dead);
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
