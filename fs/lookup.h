#pragma once
/* What a name in a directory is: this mount's own things first, then what the registry holds. */
#include "fs/call.h"
#include "fs/tree.h"

/* Finds the child; pinned. ENOENT; or the failure that kept it from being known. */
int lookup_name(struct call *call, struct node *parent, const char *name, struct node **child);

/* The same without this mount's own names: what is published. */
int lookup_published(struct call *call, struct node *parent, const char *name, struct node **child);

/* The node of a version's directory, of a directory, of a published file; pinned. They ask nobody.
 */
struct node *lookup_directory(struct mount *mount, struct node *parent, const char *name,
	struct registry *registry, const char *path);
struct node *lookup_version(
	struct mount *mount, struct node *parent, const char *name, const char *tag);
