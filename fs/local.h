#pragma once
/*
 * The names of this mount alone: directories made by mkdir, scratch, files being written or not
 * (yet) published, names as typed that stand for what they published. They lie over what the
 * registry holds. Keyed by the directory's key and the name.
 */
#include "fs/call.h"
#include "fs/tree.h"

struct local;

struct local *local_new(void);
void local_free(struct local *local);

/* 0 with the node, pinned; -ENODATA: nothing local by that name, ask the registry. Otherwise as
 * lookup_name(). */
int local_lookup(struct call *call, struct node *parent, const char *name, struct node **child);

/* Calls `add` for each name of the directory that a listing shows, with its node pinned by the
 * local table for the length of the call. */
void local_list(struct mount *mount, const struct node *directory,
	void (*add)(void *of, const char *name, struct node *node), void *of);

/* A number that changes whenever what local_list() gives for the directory changes. */
uint64_t local_epoch(struct mount *mount, const struct node *directory);

/* Whether the directory was made here (mkdir) and nothing has been pushed into it yet. */
bool local_is_made(struct mount *mount, const struct node *directory);
