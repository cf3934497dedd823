#pragma once
/*
 * The names of this mount alone: directories made by mkdir, scratch, files being written or not
 * (yet) published, names as typed that stand for what they published. They lie over what the
 * registry holds. Keyed by the directory's key and the name; each keeps its node pinned.
 */
#include "fs/call.h"
#include "fs/tree.h"

#include <stdint.h>

struct local;

enum local_kind {
	LOCAL_DIRECTORY, /* made by mkdir: a NODE_DIRECTORY, NODE_VERSION or NODE_SCRATCH */
	LOCAL_FILE,      /* a spool, under its only name */
	LOCAL_OVER,      /* a spool that is to replace what is published under that name; what
			    the name was before (typed or recent) lasts below it */
	LOCAL_TYPED,     /* what was published under another name than its own, for a while */
	LOCAL_RECENT,    /* the same under its own name: found by asking, kept for its times */
};

struct local *local_new(void);
void local_free(struct mount *mount, struct local *local);

/* 0 with the node, pinned; -ENODATA: nothing local by that name, ask the registry. Otherwise as
 * lookup_name(). */
int local_lookup(struct call *call, struct node *parent, const char *name, struct node **child);

/* Calls `add` for each name of the directory that a listing shows, with its node pinned by the
 * local table for the length of the call. */
void local_list(struct mount *mount, const struct node *directory,
	void (*add)(void *of, const char *name, struct node *node), void *of);

/* Whether the directory was made here (mkdir) and nothing has been pushed into it yet. */
bool local_is_made(struct mount *mount, const struct node *directory);

/* Whether a file published under that name is being replaced: then nobody may keep the name. */
bool local_is_over(struct mount *mount, const struct node *parent, const char *name);

/* Gives the name a meaning (any but LOCAL_OVER); the former one, if any, is dropped. Pins the
 * node. */
void local_put(struct mount *mount, struct node *parent, const char *name, enum local_kind kind,
	struct node *node);

/* Makes the name LOCAL_OVER, a spool that thread `tid` may find and open, once. False where it is
 * that already, but for what has not been opened within a second. Pins the node. */
bool local_switch(
	struct mount *mount, struct node *parent, const char *name, struct node *node, pid_t tid);

/* What the name means, pinned, whoever asks; NULL for nothing. */
struct node *local_get(
	struct mount *mount, const struct node *parent, const char *name, enum local_kind *kind);

/* A file is being opened for writing: one that was switched no longer lapses, and no lookup finds
 * it. False where the name means something else by now. */
bool local_open(
	struct mount *mount, struct node *parent, const char *name, const struct node *node);

/* Drops the name if it means that node (NULL: whatever it means). Whether it did. */
bool local_remove(
	struct mount *mount, const struct node *parent, const char *name, const struct node *node);

/* Whether the name resolves only because it was typed, be it being written over; with `forget` it
 * does so no more. */
bool local_is_typed(struct mount *mount, const struct node *parent, const char *name, bool forget);

/* Whether the directory holds local names that are listed. */
bool local_has_listed(struct mount *mount, const struct node *directory);

/* A spool that has its name in the directory, pinned, or NULL. */
struct node *local_any_spool(struct mount *mount, const struct node *directory);

/* After a push to HOST/REPOSITORY:TAG: the directories on the way are the registry's now. */
void local_published(
	struct mount *mount, const char *host, const char *repository, const char *tag);

/* Calls `visit` for each spool that has a name (at the end of the mount, without any lock). */
void local_each_spool(struct mount *mount, void (*visit)(struct mount *mount, struct spool *spool));
