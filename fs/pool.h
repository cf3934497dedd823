#pragma once
/*
 * Workers for what may wait, started as they are needed. Jobs are queued in lanes, one for each
 * key (the registry that the job will wait for); lanes take turns, and no lane has more than its
 * share of the workers, so that a registry that does not answer leaves room for the others. A job
 * that is still queued when its wait is over is cancelled within WAIT_STEP_MS.
 */
#include "cache/base/list.h"

#include <stdbool.h>

struct job {
	struct list link;
	const void *key; /* NULL: waits for no registry; has no share */
	/* On a worker, without locks; the job is the callee's from then on. */
	void (*run)(struct job *job);
	/* Whether to cancel instead; asked while the job is queued, with the pool's lock held. */
	bool (*is_over)(struct job *job);
	/* In place of run(); on another thread, without locks. */
	void (*cancel)(struct job *job);
};

struct pool;

/* `most_of_one` is how many of the workers one key may have. */
struct pool *pool_new(unsigned workers, unsigned most_of_one);

/* Never waits. */
void pool_add(struct pool *pool, struct job *job);

/* Waits until every job has been run or cancelled. None may be added meanwhile. */
void pool_free(struct pool *pool);
