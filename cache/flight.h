#pragma once
/*
 * Single flight: of many threads that want the same thing at once, one works and the others wait
 * for its result. Keys are compared as texts and appear in errors, so they hold no secret.
 */
#include "cache/base/error.h"
#include "cache/base/wait.h"

struct flights;

struct flights *flights_new(void);
void flights_free(struct flights *flights);

/* Runs `work` for the key unless another thread is doing so; then waits for it and returns what it
 * returned (and its error). Where the working thread gives up (-EINTR by its own `wait`), one of
 * those waiting takes over, with its own `work` and `of`. A waiter whose own `wait` is over
 * returns -EINTR alone. The result is shared: it must not be a thing to own, as a descriptor. */
int flights_run(struct flights *flights, const char *key,
	int (*work)(void *of, const struct wait *wait, struct error *err), void *of,
	const struct wait *wait, struct error *err);
