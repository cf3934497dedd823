#pragma once
/* X.tgz.prov beside X.tgz: one manifest with both layers in the end, whichever came first. */
#include "cache/base/buf.h"
#include "fs/call.h"
#include "fs/push.h"
#include "fs/spool.h"

enum { PROVENANCE_SIZE_MAX = 1 << 20 };

/* The provenance that waits beside an archive, its text in `text`; the node pinned. NULL: none, or
 * not all of it. */
struct node *provenance_beside(struct mount *mount, const struct spool *archive, struct buf *text);

/* Reads a provenance being written, and gives the name of its archive. ENODATA: not all of it. */
int provenance_read(struct call *call, struct spool *spool, struct buf *text, char **archive_name);

/* The archive of that name: a spool of this mount that is not published (NODE_SPOOL), or what is
 * published (NODE_FILE); pinned. ENOENT: neither. */
int provenance_archive(struct call *call, const struct spool *spool, const char *archive_name,
	struct node **archive);

/* Pushes the published archive's manifest again, with the provenance; fills `push`. */
int provenance_push(struct call *call, const struct node *archive, const struct buf *text,
	struct push *push, struct manifest **manifest);
