#pragma once
/*
 * Files that are being written and are not yet in a registry. They lie in DIR/spool/PID-RANDOM/,
 * a folder locked (flock) by its process; what a dead process left there is moved to DIR/failed/
 * at the next start, because it may be all that is left of somebody's chart.
 */
#include "cache/base/error.h"
#include "cache/store.h"

struct staging;

/* Makes this process's folder and keeps what others left. `limit_bytes` bounds all files in it.
 * NULL on failure. The store must outlive it. All calls below are for any thread. */
struct staging *staging_open(struct store *store, uint64_t limit_bytes, struct error *err);
/* Removes the folder and the files still in it, but for those that staging_keep() could not move:
 * the next start does. */
void staging_close(struct staging *staging);

/* A new empty file, opened for reading and writing; `*id` names it in the calls below. `name` is
 * what the user called it (a hint for failed/). Returns the descriptor, which the caller closes. */
int staging_create(struct staging *staging, const char *name, uint64_t *id, struct error *err);

/* Accounts for a file that is to grow from `old_size` to `size`: 0 or -ENOSPC, nothing changed.
 * Shrinking always works. */
int staging_resize(struct staging *staging, uint64_t old_size, uint64_t size);

/* Removes the file, whose size is given back to the budget. */
void staging_discard(struct staging *staging, uint64_t id, uint64_t size);

/* Moves the file to DIR/failed/TIME-NAME, where nothing is ever removed by itself; its path is put
 * into `path`. Frees its budget. Where it cannot be moved it stays where it is, past our end too,
 * and the text of the error says where. */
int staging_keep(struct staging *staging, uint64_t id, const char *name, uint64_t size, char *path,
	size_t path_size, struct error *err);
