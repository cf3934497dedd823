#pragma once
/*
 * Files that are written: bytes on disk (cache/staging) and how far they are on their way into a
 * registry. See spool.c for what close means.
 *
 * A spool is used by one thread at a time between spool_acquire() and spool_release(), which may
 * be held across a push. What stat(2) shows is readable at any time.
 */
#include "fs/call.h"
#include "fs/tree.h"

#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

enum spool_state {
	SPOOL_EMPTY, /* not a byte yet: flush is 0 and pushes nothing */
	SPOOL_DIRTY, /* bytes that no registry has been given */
	SPOOL_CLEAN, /* its bytes are published (or were when the file was opened over them) */
};

struct spool {
	struct mount *mount;
	uint64_t id; /* of the staging; also makes the node's key */
	int fd;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_busy;           /* guarded by lock: acquired */
	uint64_t size;          /* guarded by lock, changed by the acquirer only */
	struct timespec mtime;  /* the same */
	bool is_complete;       /* the same: it had all its bytes when it was pushed or refused */
	enum spool_state state; /* the same */
	unsigned writers;       /* guarded by lock: open for writing */

	/* Of the acquirer: */
	bool is_over;        /* replaces what is published under its name */
	bool is_unlinked;    /* its name was removed: nothing is pushed any more */
	struct node *parent; /* where it has its name; pinned */
	char *name;
	pid_t opener; /* the process that opened it last for writing, 0: not known */
};

/* A new empty file of that name; its node comes back pinned, with no other reference. */
int spool_new(struct call *call, struct node *parent, const char *name, struct node **node);

/* Called by the tree when the last reference to its node is gone, without the tree's lock. */
void spool_free(struct spool *spool);

/* -EWOULDBLOCK where the call may not wait for another one to be done; -EINTR. */
int spool_acquire(struct call *call, struct spool *spool);
void spool_release(struct spool *spool);

/* What attr_fill() shows of a NODE_SPOOL. */
void spool_stat(struct spool *spool, uint64_t *size, struct timespec *mtime);

/* Whether a listing shows it: scratch, or an archive whose push has not been tried yet. */
bool spool_is_listed(struct spool *spool);

/* Whether it has bytes that no registry has been given. Anybody may ask. */
bool spool_is_dirty(struct spool *spool);

/* The acquirer's: */
void spool_set_state(struct spool *spool, enum spool_state state);
int spool_write(
	struct call *call, struct spool *spool, const void *bytes, size_t len, int64_t offset);
int spool_truncate(struct call *call, struct spool *spool, uint64_t size);
/* Fills an empty spool with a published file's bytes, and makes it SPOOL_CLEAN. */
int spool_fill(struct call *call, struct spool *spool, int fd, uint64_t size);
void spool_set_mtime(struct spool *spool, const struct timespec *mtime);
void spool_set_complete(struct spool *spool, bool is_complete);
void spool_move(struct spool *spool, struct node *parent, const char *name);

/* Counts openings for writing: EBUSY for a second one at a time. */
int spool_begin_writing(struct call *call, struct spool *spool);
void spool_end_writing(struct spool *spool);

/* Waits for who has it open for writing, for a second: RELEASE may still be on its way when
 * close(2) has returned long ago. 0 also when it is still open then. Not for who has acquired it.
 */
int spool_await_writer(struct call *call, struct spool *spool);

/* Keeps the bytes in the cache's failed/ and says so in the log, with the reason in front. */
void spool_keep(struct spool *spool, const char *reason);
