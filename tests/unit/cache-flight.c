#include "cache/base/clock.h"
#include "cache/flight.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <stdatomic.h>

enum { THREADS = 64, DEADLINE_MS = 30000 };

/* One caller of flights_run(): what it works with, whether its wait is over, what came of it. */
struct caller {
	pthread_t thread;
	struct flights *flights;
	const char *key;
	int result;
	atomic_bool is_cancelled;
	atomic_bool has_asked; /* whether its wait was looked at: it works or waits */
	struct error err;
};

static atomic_int runs; /* how often work began */
static atomic_bool is_open;

static bool is_cancelled(void *of)
{
	struct caller *caller = of;

	caller->has_asked = true;
	return caller->is_cancelled;
}

/* Works until the gate is open or its caller cancelled. */
static int work(void *of, const struct wait *wait, struct error *err)
{
	struct caller *caller = of;

	atomic_fetch_add(&runs, 1);
	while (!is_open)
		if (wait_sleep(wait, 10) < 0)
			return fail(err, EINTR, "cancelled at work");
	return caller->result ? fail(err, -caller->result, "it cannot be had") : 0;
}

static void *call(void *of)
{
	struct caller *caller = of;
	struct wait wait = {.is_over = is_cancelled, .of = caller};

	caller->result =
		flights_run(caller->flights, caller->key, work, caller, &wait, &caller->err);
	return NULL;
}

static void start(struct caller *caller, struct flights *flights, const char *key, int result)
{
	*caller = (struct caller){.flights = flights, .key = key, .result = result};
	pthread_create(&caller->thread, NULL, call, caller);
}

/* Waits until work has begun that often. */
static bool runs_come_to(int count)
{
	int64_t end_ms = clock_now_ms() + DEADLINE_MS;

	while (runs < count && clock_now_ms() < end_ms)
		wait_sleep(NULL, 1);
	return runs >= count;
}

static bool all_asked(struct caller *callers, int count)
{
	int64_t end_ms = clock_now_ms() + DEADLINE_MS;
	int asked = 0;

	while (asked < count && clock_now_ms() < end_ms)
		if (callers[asked].has_asked)
			asked++;
		else
			wait_sleep(NULL, 1);
	return asked == count;
}

static void test_one(int result, const char *text)
{
	static struct caller callers[THREADS];
	struct flights *flights = flights_new();
	int same = 0, told = 0;

	runs = 0;
	is_open = false;
	for (int i = 0; i < THREADS; i++)
		start(&callers[i], flights, "key", result);
	ok(all_asked(callers, THREADS), "many threads want one thing");
	is_number(runs, 1, "one works");
	is_open = true;
	for (int i = 0; i < THREADS; i++) {
		pthread_join(callers[i].thread, NULL);
		same += callers[i].result == result;
		told += strcmp(callers[i].err.text, text) == 0 && callers[i].err.code == -result;
	}
	is_number(same, THREADS, "all have its result");
	is_number(told, THREADS, "and its error, or none");
	runs = 0;
	start(&callers[0], flights, "key", result);
	pthread_join(callers[0].thread, NULL);
	is_number(runs, 1, "who comes later works anew");
	flights_free(flights);
}

static void test_keys(void)
{
	struct flights *flights = flights_new();
	struct caller callers[2];

	runs = 0;
	is_open = false;
	start(&callers[0], flights, "one", 0);
	start(&callers[1], flights, "other", 0);
	ok(runs_come_to(2), "different things are worked on at once");
	is_open = true;
	pthread_join(callers[0].thread, NULL);
	pthread_join(callers[1].thread, NULL);
	flights_free(flights);
}

static void test_takeover(void)
{
	struct flights *flights = flights_new();
	struct caller leader, followers[3];
	int good = 0;

	runs = 0;
	is_open = false;
	start(&leader, flights, "key", 0);
	ok(runs_come_to(1), "one works");
	for (int i = 0; i < 3; i++)
		start(&followers[i], flights, "key", 0);
	ok(all_asked(followers, 3), "others wait");
	leader.is_cancelled = true;
	pthread_join(leader.thread, NULL);
	is_number(leader.result, -EINTR, "the working one is cancelled");
	is_text(leader.err.text, "cancelled at work", "and knows it");
	ok(runs_come_to(2), "another takes over");
	is_open = true;
	for (int i = 0; i < 3; i++) {
		pthread_join(followers[i].thread, NULL);
		good += followers[i].result == 0;
	}
	is_number(good, 3, "the others never notice");
	is_number(runs, 2, "and only one of them worked");
	flights_free(flights);
}

static void test_waiter_cancelled(void)
{
	struct flights *flights = flights_new();
	struct caller leader, follower;

	runs = 0;
	is_open = false;
	start(&leader, flights, "key", 0);
	ok(runs_come_to(1), "one works");
	start(&follower, flights, "key", 0);
	ok(all_asked(&follower, 1), "another waits");
	follower.is_cancelled = true;
	pthread_join(follower.thread, NULL);
	is_number(follower.result, -EINTR, "and is cancelled");
	ok(follower.err.code == EINTR && strstr(follower.err.text, "key"), "%s", follower.err.text);
	is_open = true;
	pthread_join(leader.thread, NULL);
	is_number(leader.result, 0, "alone");
	is_number(runs, 1, "nobody took over");
	flights_free(flights);
}

static void test_all_cancelled(void)
{
	struct flights *flights = flights_new();
	struct caller caller;

	runs = 0;
	is_open = false;
	start(&caller, flights, "key", 0);
	ok(runs_come_to(1), "one works");
	caller.is_cancelled = true;
	pthread_join(caller.thread, NULL);
	is_number(caller.result, -EINTR, "and is cancelled with nobody to take over");
	is_open = true;
	start(&caller, flights, "key", 0);
	pthread_join(caller.thread, NULL);
	is_number(caller.result, 0, "the next one begins anew");
	flights_free(flights);
	flights_free(NULL);
}

static int nothing(void *of, const struct wait *wait, struct error *err)
{
	(void)of;
	(void)wait;
	(void)err;
	return atomic_fetch_add(&runs, 1) >= 0 ? 0 : -1;
}

static void *hurry(void *of)
{
	struct error err = {0};
	long failed = 0;

	for (int i = 0; i < 1000; i++)
		failed += flights_run(of, i % 2 ? "odd" : "even", nothing, NULL, NULL, &err) != 0;
	return (void *)failed;
}

static void test_hurry(void)
{
	struct flights *flights = flights_new();
	pthread_t threads[8];
	long failed = 0;

	runs = 0;
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, hurry, flights);
	for (int i = 0; i < 8; i++) {
		void *result;

		pthread_join(threads[i], &result);
		failed += (long)result;
	}
	ok(failed == 0 && runs > 0, "many short flights");
	flights_free(flights);
}

int main(void)
{
	test_one(0, "");
	test_one(-EIO, "it cannot be had");
	test_keys();
	test_takeover();
	test_waiter_cancelled();
	test_all_cancelled();
	test_hurry();
	return done();
}
