#pragma once
/* An open file: a verified blob that is read, or a spool that is written. */
#include "fs/call.h"
#include "fs/tree.h"

#include <sys/stat.h>

struct handle;

/* Opens a published file for reading (its blob is at hand and verified when this returns), or a
 * file of this mount. A published file opened for writing is switched to a spool and answered
 * ESTALE once, as is one whose tag is known to have moved: the kernel looks the name up again. */
int handle_open(struct call *call, struct node *node, int flags, struct handle **handle);

/* Takes over a file that change_create() made. */
struct handle *handle_of_spool(struct call *call, struct node *node);

/* Whether the handle goes to the pages of the kernel (keep_cache), or past them (direct_io). */
bool handle_is_direct(const struct handle *handle);

/* Reads into `bytes`; the length, 0 at the end. -EWOULDBLOCK where that would wait for the disk and
 * the call may not. */
ssize_t handle_read(
	struct call *call, struct handle *handle, void *bytes, size_t size, int64_t offset);

int handle_write(
	struct call *call, struct handle *handle, const void *bytes, size_t len, int64_t offset);
int handle_flush(struct call *call, struct handle *handle); /* close: may push */
int handle_fsync(struct call *call, struct handle *handle);
void handle_close(struct call *call, struct handle *handle); /* the last of it */
