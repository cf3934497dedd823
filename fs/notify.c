#include "fs/notify.h"

#include "cache/base/list.h"
#include "cache/base/log.h"
#include "cache/base/memory.h"
#include "cache/base/wait.h"
#include "fs/lowlevel.h"
#include "fs/mount.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Beyond these the kernel finds out by itself when its timeouts end. */
enum { QUEUED_MAX = 4096, STACK_SIZE = 256 * 1024 };

struct notice {
	struct list link;
	struct node *directory; /* pinned */
	char name[];            /* "": the directory itself */
};

struct notify {
	struct mount *mount;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct list queue; /* guarded by lock, as are the others */
	unsigned queued;
	bool is_ending;
};

static void free_notice(struct mount *mount, struct notice *notice)
{
	tree_unpin(mount->tree, notice->directory);
	free(notice);
}

static void tell(struct mount *mount, const struct notice *notice)
{
	fuse_ino_t id = tree_id(mount->tree, notice->directory);
	int r;

	if (notice->name[0])
		r = fuse_lowlevel_notify_inval_entry(
			mount->session, id, notice->name, strlen(notice->name));
	else
		r = fuse_lowlevel_notify_inval_inode(mount->session, id, 0, 0);
	/* ENOENT: the kernel has not cached it. */
	if (r && r != -ENOENT)
		log_debug("notifying the kernel of \"%s\": %s", notice->name, strerrordesc_np(-r));
}

static void *run(void *of)
{
	struct notify *notify = of;

	pthread_mutex_lock(&notify->lock);
	while (!notify->is_ending) {
		struct notice *notice;

		if (list_is_empty(&notify->queue)) {
			pthread_cond_wait(&notify->changed, &notify->lock);
			continue;
		}
		notice = list_entry(notify->queue.next, struct notice, link);
		list_remove(&notice->link);
		notify->queued--;
		pthread_mutex_unlock(&notify->lock);
		tell(notify->mount, notice);
		free_notice(notify->mount, notice);
		pthread_mutex_lock(&notify->lock);
	}
	pthread_mutex_unlock(&notify->lock);
	return NULL;
}

struct notify *notify_start(struct mount *mount)
{
	struct notify *notify = must_alloc(sizeof(*notify));
	pthread_attr_t attributes;
	int r;

	notify->mount = mount;
	pthread_mutex_init(&notify->lock, NULL);
	wait_condition_init(&notify->changed);
	list_init(&notify->queue);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	r = pthread_create(&notify->thread, &attributes, run, notify);
	pthread_attr_destroy(&attributes);
	if (r == 0)
		return notify;
	pthread_cond_destroy(&notify->changed);
	pthread_mutex_destroy(&notify->lock);
	free(notify);
	return NULL;
}

void notify_stop(struct notify *notify)
{
	if (!notify)
		return;
	pthread_mutex_lock(&notify->lock);
	notify->is_ending = true;
	pthread_cond_signal(&notify->changed);
	pthread_mutex_unlock(&notify->lock);
	pthread_join(notify->thread, NULL);
}

void notify_free(struct notify *notify)
{
	if (!notify)
		return;
	list_for_each (link, &notify->queue)
		free_notice(notify->mount, list_entry(link, struct notice, link));
	pthread_cond_destroy(&notify->changed);
	pthread_mutex_destroy(&notify->lock);
	free(notify);
}

void notify_entry(struct mount *mount, struct node *directory, const char *name)
{
	struct notify *notify = mount->notify;
	size_t size = strlen(name) + 1;
	struct notice *notice;
	bool is_queued;

	if (!notify)
		return;
	notice = must_alloc(sizeof(*notice) + size);
	memcpy(notice->name, name, size);
	tree_pin(mount->tree, directory);
	notice->directory = directory;
	pthread_mutex_lock(&notify->lock);
	is_queued = !notify->is_ending && notify->queued < QUEUED_MAX;
	if (is_queued) {
		list_append(&notify->queue, &notice->link);
		notify->queued++;
		pthread_cond_signal(&notify->changed);
	}
	pthread_mutex_unlock(&notify->lock);
	if (!is_queued)
		free_notice(mount, notice);
}

void notify_directory(struct mount *mount, struct node *directory)
{
	notify_entry(mount, directory, "");
}
