#include "fs/file.h"

#include "cache/base/memory.h"
#include "fs/mount.h"

#include <pthread.h>
#include <stdlib.h>

struct file *file_new(
	struct call *call, struct node *node, struct handle *handle, struct listing *listing)
{
	struct mount *mount = call->mount;
	struct file *file = must_alloc(sizeof(*file));

	tree_pin(mount->tree, node);
	file->node = node;
	file->handle = handle;
	file->listing = listing;
	pthread_mutex_lock(&mount->files_lock);
	list_append(&mount->files, &file->link);
	pthread_mutex_unlock(&mount->files_lock);
	return file;
}

void file_free(struct call *call, struct file *file)
{
	struct mount *mount = call->mount;

	pthread_mutex_lock(&mount->files_lock);
	list_remove(&file->link);
	pthread_mutex_unlock(&mount->files_lock);
	if (file->handle)
		handle_close(call, file->handle);
	if (file->listing)
		listing_close(file->listing);
	tree_unpin(mount->tree, file->node);
	free(file);
}

void file_free_all(struct mount *mount)
{
	struct call call = {.mount = mount, .may_wait = true};

	list_for_each (link, &mount->files)
		file_free(&call, list_entry(link, struct file, link));
}
