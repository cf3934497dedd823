#pragma once
/* From a spool to the registry: at close, fsync and rename. The spool is acquired by the caller. */
#include "fs/call.h"
#include "fs/tree.h"

/* Pushes what is there to be pushed; see spool.c. `is_strict` (fsync, rename): an archive that has
 * not ended is an error whoever asks. 0 where nothing is to be done. */
int publish_spool(struct call *call, struct node *node, bool is_strict);

/* Gives the spool another name; onto *.tgz and *.prov that pushes, and a failure leaves the old
 * name as it was. */
int publish_rename(
	struct call *call, struct node *node, struct node *new_parent, const char *new_name);

/* The writer is gone (the spool is not acquired): says what was not published, and keeps it. */
void publish_give_up(struct call *call, struct node *node);

/* Whoever had it open, the writer or a reader, is gone: what nobody can open again is removed. */
void publish_closed(struct call *call, struct node *node);

/* At the end of the mount: what was never published is moved to failed/, with a line in the log. */
void publish_end(struct mount *mount);

/* Whether a name in that directory is this mount's alone. */
bool publish_is_scratch(const struct node *parent, const char *name);
