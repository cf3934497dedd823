#pragma once
/* The connection to the kernel, and the front threads that read it. */
#include "cache/base/error.h"
#include "fs/lowlevel.h"

struct mount;

/* Mounts (mount->session) and serves until the kernel's first question has been answered: from
 * then on the mount works. */
int session_open(struct mount *mount, struct error *err);

/* Starts the front threads. */
int session_start(struct mount *mount, struct error *err);

/* An eventfd that can be read once a front thread has ended by itself: the mount is unmounted. */
int session_ended_fd(const struct mount *mount);

/* Ends and joins the front threads. Requests that have been read are with the pool. */
void session_stop(struct mount *mount);

/* Unmounts, where that has not happened yet, and releases mount->session. */
void session_close(struct mount *mount);

/* What this mount wants of the kernel; called by libfuse before the first answer. */
void session_init(void *mount, struct fuse_conn_info *connection);

/* The calling front thread's own buffer for replies, of at least `size` bytes; NULL where there is
 * none. */
void *session_buffer(size_t size);
