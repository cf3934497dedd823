#pragma once
/* What a file descriptor of the kernel stands for: an open file or an open directory, and the node
 * it was opened on. All of a mount's are in one list, so that its end can close what is left. */
#include "cache/base/list.h"
#include "fs/handle.h"
#include "fs/listing.h"

struct file {
	struct list link; /* guarded by the mount's files_lock */
	struct node *node;
	struct handle *handle;   /* of a file, else NULL */
	struct listing *listing; /* of a directory, else NULL */
};

/* Pins the node; the handle or listing moves into the file. */
struct file *file_new(
	struct call *call, struct node *node, struct handle *handle, struct listing *listing);

/* Closes what is open and frees the file. */
void file_free(struct call *call, struct file *file);

/* Closes all that nobody has released, when no request is under way any more. */
void file_free_all(struct mount *mount);
