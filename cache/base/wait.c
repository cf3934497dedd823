#include "cache/base/wait.h"

#include "cache/base/clock.h"

#include <errno.h>

bool wait_is_over(const struct wait *wait)
{
	return wait && wait->is_over && wait->is_over(wait->of);
}

static bool is_limit_over(void *of)
{
	const struct wait_limit *limit = of;

	return wait_is_over(limit->caller) || clock_now_ms() > limit->deadline_ms;
}

void wait_limit_begin(struct wait_limit *limit, const struct wait *caller, int64_t ms)
{
	*limit = (struct wait_limit){.wait = {.is_over = is_limit_over, .of = limit},
		.caller = caller,
		.deadline_ms = clock_now_ms() + ms};
}

bool wait_limit_is_reached(const struct wait_limit *limit)
{
	return clock_now_ms() > limit->deadline_ms && !wait_is_over(limit->caller);
}

void wait_condition_init(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(condition, &attributes);
	pthread_condattr_destroy(&attributes);
}

int wait_step(const struct wait *wait, pthread_cond_t *condition, pthread_mutex_t *lock,
	int64_t deadline_ms)
{
	int64_t step_ms = WAIT_STEP_MS;
	struct timespec until;

	if (wait_is_over(wait))
		return -EINTR;
	if (deadline_ms) {
		int64_t left_ms = deadline_ms - clock_now_ms();

		if (left_ms <= 0)
			return -ETIMEDOUT;
		if (left_ms < step_ms)
			step_ms = left_ms;
	}
	until = clock_after_ms(step_ms);
	pthread_cond_timedwait(condition, lock, &until);
	return 0;
}

int wait_sleep(const struct wait *wait, int64_t ms)
{
	int64_t end_ms = clock_now_ms() + ms;

	for (;;) {
		int64_t left_ms = end_ms - clock_now_ms();
		struct timespec nap;

		if (wait_is_over(wait))
			return -EINTR;
		if (left_ms <= 0)
			return 0;
		if (left_ms > WAIT_STEP_MS)
			left_ms = WAIT_STEP_MS;
		nap = (struct timespec){left_ms / 1000, left_ms % 1000 * 1000000};
		nanosleep(&nap, NULL);
	}
}
