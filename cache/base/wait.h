#pragma once
/*
 * How long somebody is ready to wait. Every function that may wait for a network or for another
 * thread takes a `const struct wait *`; NULL waits as long as the thing itself lasts (each thing
 * ends by its own deadline). While it waits it looks every WAIT_STEP_MS whether its caller has
 * given up, and then returns -EINTR. Polling is on purpose: whether a caller is to die can only be
 * asked (of /proc), nobody tells.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { WAIT_STEP_MS = 100 };

struct wait {
	bool (*is_over)(void *of); /* from any thread, with locks held: must not block */
	void *of;
};

bool wait_is_over(const struct wait *wait);

/* A wait for something of many steps, which as a whole must not last longer than so many
 * milliseconds, though each step moves: `wait` is to be handed on. */
struct wait_limit {
	struct wait wait; /* over when the caller's is, or at the deadline */
	const struct wait *caller;
	int64_t deadline_ms;
};

void wait_limit_begin(struct wait_limit *limit, const struct wait *caller, int64_t ms);

/* Whether -EINTR was the limit's doing, not the caller's. */
bool wait_limit_is_reached(const struct wait_limit *limit);

/* Initialises a condition variable for the functions below (CLOCK_MONOTONIC). */
void wait_condition_init(pthread_cond_t *condition);

/* Waits on the condition for at most WAIT_STEP_MS or until `deadline_ms` of clock_now_ms() (0: no
 * deadline), whichever is sooner; the lock is held before and after. Returns 0 for "look again",
 * -EINTR when the wait is over, -ETIMEDOUT past the deadline. */
int wait_step(const struct wait *wait, pthread_cond_t *condition, pthread_mutex_t *lock,
	int64_t deadline_ms);

/* Sleeps for that long. 0, or -EINTR when the wait is over. */
int wait_sleep(const struct wait *wait, int64_t ms);
