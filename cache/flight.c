#include "cache/flight.h"

#include "cache/base/map.h"
#include "cache/base/memory.h"

#include <errno.h>
#include <stdlib.h>

struct flight {
	pthread_cond_t changed;
	unsigned members; /* threads inside flights_run() for it */
	bool is_worked_on;
	bool is_done;
	int result;
	struct error err; /* set where the result is negative */
};

struct flights {
	pthread_mutex_t lock; /* guards the map and all that the flights hold */
	struct map by_key;    /* flights that are not done */
};

struct flights *flights_new(void)
{
	struct flights *flights = must_alloc(sizeof(*flights));

	pthread_mutex_init(&flights->lock, NULL);
	return flights;
}

void flights_free(struct flights *flights)
{
	if (!flights)
		return;
	map_clear(&flights->by_key, NULL);
	pthread_mutex_destroy(&flights->lock);
	free(flights);
}

static struct flight *join_locked(struct flights *flights, const char *key)
{
	struct flight *flight = map_get(&flights->by_key, key);

	if (!flight) {
		flight = must_alloc(sizeof(*flight));
		wait_condition_init(&flight->changed);
		map_put(&flights->by_key, key, flight);
	}
	flight->members++;
	return flight;
}

static void leave_locked(struct flights *flights, const char *key, struct flight *flight)
{
	if (--flight->members)
		return;
	if (!flight->is_done)
		map_remove(&flights->by_key, key);
	pthread_cond_destroy(&flight->changed);
	free(flight);
}

/* Waits until it is done (1) or nobody works on it (0); -EINTR when the wait is over. */
static int await_locked(struct flights *flights, struct flight *flight, const struct wait *wait)
{
	while (!flight->is_done && flight->is_worked_on)
		if (wait_step(wait, &flight->changed, &flights->lock, 0) < 0)
			return -EINTR;
	return flight->is_done;
}

int flights_run(struct flights *flights, const char *key,
	int (*work)(void *of, const struct wait *wait, struct error *err), void *of,
	const struct wait *wait, struct error *err)
{
	struct flight *flight;
	int result;

	pthread_mutex_lock(&flights->lock);
	flight = join_locked(flights, key);
	result = await_locked(flights, flight, wait);
	if (result < 0) {
		fail(err, EINTR, "cancelled while waiting for %s", key);
	} else if (result) {
		result = flight->result;
		if (result < 0)
			*err = flight->err;
	} else {
		flight->is_worked_on = true;
		pthread_mutex_unlock(&flights->lock);
		result = work(of, wait, err);
		pthread_mutex_lock(&flights->lock);
		flight->is_worked_on = false;
		if (result != -EINTR) {
			flight->is_done = true;
			flight->result = result;
			if (result < 0)
				flight->err = *err;
			map_remove(&flights->by_key, key);
		}
		pthread_cond_broadcast(&flight->changed);
	}
	leave_locked(flights, key, flight);
	pthread_mutex_unlock(&flights->lock);
	return result;
}
