#pragma once
/*
 * A call: one request of the kernel as the functions that do the work see it. The same function
 * runs first on a front thread, which may never wait (may_wait is false: whatever would need the
 * network, another thread's work or slow disk work returns -EWOULDBLOCK before anything has
 * changed), and then, if need be, on a worker of the pool.
 *
 * Work functions return 0 or -errno with call->err filled for everything but -EWOULDBLOCK, and
 * for ENOENT of a plain lookup, where the text may stay empty.
 */
#include "cache/base/error.h"
#include "cache/base/wait.h"

#include <stdbool.h>
#include <sys/types.h>

struct mount;

struct call {
	struct mount *mount;
	pid_t tid; /* the calling thread; 0 where it is not known */
	uid_t uid;
	bool may_wait;
	struct wait wait; /* over when the caller is to die, or the mount is to end */
	struct error err;
};

/* The caller's thread group by /proc/TID/status, or 0 where that cannot tell. */
pid_t call_process(const struct call *call);

/* Whether a signal that ends programs (HUP, INT, QUIT, TERM, KILL) waits for the caller: only then
 * is an interrupted request given up. True as well where /proc cannot tell. */
bool call_is_doomed(const struct call *call);
