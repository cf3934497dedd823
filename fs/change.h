#pragma once
/* What changes a directory or a file's attributes: this mount's own things, and by way of a push
 * what is published. All need the mount to be writable (EROFS). */
#include "fs/call.h"
#include "fs/handle.h"
#include "fs/tree.h"

#include <sys/stat.h>

int change_create(struct call *call, struct node *parent, const char *name, int flags,
	struct node **child, struct handle **handle);
int change_mkdir(struct call *call, struct node *parent, const char *name, struct node **child);
int change_unlink(struct call *call, struct node *parent, const char *name);
int change_rmdir(struct call *call, struct node *parent, const char *name);
int change_rename(struct call *call, struct node *parent, const char *name, struct node *new_parent,
	const char *new_name, unsigned flags);

/* `valid` is a set of FUSE_SET_ATTR_*: of those only size and times mean something here. */
int change_setattr(struct call *call, struct node *node, struct handle *handle,
	const struct stat *attr, int valid);
