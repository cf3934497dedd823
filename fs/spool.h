#pragma once
/* Files that are written: bytes on disk (cache/staging), the state of their push. See spool.c for
 * the essay on close. */
#include "fs/call.h"
#include "fs/tree.h"

#include <sys/stat.h>

struct spool;

/* What attr_fill() shows of a NODE_SPOOL. */
void spool_stat(struct spool *spool, uint64_t *size, struct timespec *mtime);

/* Called by the tree when the last reference to its node is gone. */
void spool_free(struct spool *spool);
