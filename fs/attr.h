#pragma once
/* What stat(2) shows of a node, and for how long the kernel may believe it. */
#include "fs/mount.h"
#include "fs/tree.h"

#include <sys/stat.h>

void attr_fill(struct mount *mount, struct node *node, struct stat *attr);

/* Seconds for fuse_entry_param and fuse_reply_attr. */
double attr_entry_timeout(struct mount *mount, const struct node *node);
double attr_timeout(const struct mount *mount, const struct node *node);
/* Of a name that is not there: long where its letters rule it out (never a name that a push could
 * make appear in a writable mount: 0). In a version's directory they rule out little: the titles of
 * an artifact's layers are free. */
double attr_negative_timeout(
	const struct mount *mount, const struct node *parent, const char *name);
