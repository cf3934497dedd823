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
	int fd;      /* -1 once it is retired; guarded by lock, for those who hold it it stays */

	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool is_busy;           /* guarded by lock: acquired */
	uint64_t size;          /* guarded by lock, changed by the acquirer only */
	struct timespec mtime;  /* the same */
	bool is_complete;       /* the same: it had all its bytes when it was pushed or refused */
	bool is_failed;         /* the same: its bytes were to be published, and are not */
	enum spool_state state; /* the same */
	unsigned writers;       /* guarded by lock: open for writing */
	bool is_closing;        /* the same: its opener has closed it and written no more */
	bool is_unlinked;       /* the same: lost its name, nothing is pushed any more */
	pid_t opener;           /* the same: who opened it last for writing, 0: not known */
	unsigned holds;         /* the same: who reads or writes the descriptor */

	/* Of the acquirer: */
	bool is_over;        /* replaces what is published under its name */
	bool is_opened;      /* the same: its writer has come */
	struct node *parent; /* where it has its name; pinned */
	char *name;
};

/* A new empty file of that name; its node comes back pinned, with no other reference. */
int spool_new(struct call *call, struct node *parent, const char *name, struct node **node);

/* Called by the tree when the last reference to its node is gone, without the tree's lock. */
void spool_free(struct spool *spool);

/* -EWOULDBLOCK where the call may not wait for another one to be done; -EINTR. */
int spool_acquire(struct call *call, struct spool *spool);
void spool_release(struct spool *spool);

/* Keeps the descriptor for as long as it is used without the spool being acquired; false where it
 * is gone already. */
bool spool_hold(struct spool *spool);
void spool_let_go(struct spool *spool);

/* For the acquirer, once it has no name any more: gives the room on disk back, if nobody holds it.
 * The kernel may know the node for long. */
void spool_retire(struct spool *spool);

/* What attr_fill() shows of a NODE_SPOOL. One whose push has failed is older than any archive: who
 * copies only what is newer or differs copies it again. */
void spool_stat(struct spool *spool, uint64_t *size, struct timespec *mtime);

/* Whether a listing shows it: scratch, still open for writing, or without all its bytes as far as
 * that is known. */
bool spool_is_listed(struct spool *spool);

/* Whether it has bytes that no registry has been given. Anybody may ask. */
bool spool_is_dirty(struct spool *spool);

/* Its name is gone, or means something else: what is written to it stays nobody's. For anybody. */
void spool_unlink(struct spool *spool);
bool spool_is_unlinked(struct spool *spool);

/* Where it has its name, or had it last: the directory, pinned, and a copy of the name. The node's
 * own name is the one it was made under. For anybody. */
struct node *spool_place(struct spool *spool, char **name);

/* Waits until nobody has it open for writing. RELEASE comes some time after the close(2) that it
 * belongs to has returned: so what its opener has closed is waited for, a while; what is still
 * being written is EBUSY at once. -EWOULDBLOCK, -EINTR. The spool is not acquired. */
int spool_await_writer(struct call *call, struct spool *spool);

/* The acquirer's: */
void spool_set_state(struct spool *spool, enum spool_state state);
int spool_write(
	struct call *call, struct spool *spool, const void *bytes, size_t len, int64_t offset);
int spool_truncate(struct call *call, struct spool *spool, uint64_t size);
/* Fills an empty spool with a published file's bytes, and makes it SPOOL_CLEAN. */
int spool_fill(struct call *call, struct spool *spool, int fd, uint64_t size);
void spool_set_mtime(struct spool *spool, const struct timespec *mtime);
void spool_set_complete(struct spool *spool, bool is_complete);
void spool_set_failed(struct spool *spool, bool is_failed); /* any other state ends it */
void spool_move(struct spool *spool, struct node *parent, const char *name);

/* Counts openings for writing: EBUSY for a second one at a time. */
int spool_begin_writing(struct call *call, struct spool *spool);
void spool_end_writing(struct spool *spool);
/* A descriptor is being closed, by that process (0: not known). */
void spool_note_close(struct spool *spool, pid_t process);

/* Keeps the bytes in the cache's failed/ and says so in the log, with the reason in front. */
void spool_keep(struct spool *spool, const char *reason);
