#include "cache/base/clock.h"
#include "fs/pool.h"
#include "tests/unit/tap.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum { DEADLINE_MS = 30000, JOBS = 12 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool is_open; /* guarded by lock: blocked jobs may end */

struct work {
	struct job job;
	bool is_blocking;
	atomic_bool is_over;
	atomic_int started, done, cancelled;
};

static void run(struct job *job)
{
	struct work *work = list_entry(job, struct work, job);

	atomic_fetch_add(&work->started, 1);
	pthread_mutex_lock(&lock);
	while (work->is_blocking && !is_open)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
	atomic_fetch_add(&work->done, 1);
}

static bool is_over(struct job *job)
{
	return atomic_load(&list_entry(job, struct work, job)->is_over);
}

static void cancel(struct job *job)
{
	atomic_fetch_add(&list_entry(job, struct work, job)->cancelled, 1);
}

static void open_gate(bool open)
{
	pthread_mutex_lock(&lock);
	is_open = open;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void add(struct pool *pool, struct work *work, const void *key, bool is_blocking)
{
	work->job = (struct job){.key = key, .run = run, .is_over = is_over, .cancel = cancel};
	work->is_blocking = is_blocking;
	pool_add(pool, &work->job);
}

static int sum_started(struct work *works, int count)
{
	int sum = 0;

	for (int i = 0; i < count; i++)
		sum += atomic_load(&works[i].started);
	return sum;
}

/* Polls until the counter reaches the value. */
static bool reaches(atomic_int *counter, int value)
{
	int64_t end_ms = clock_now_ms() + DEADLINE_MS;
	const struct timespec nap = {0, 2000000};

	while (atomic_load(counter) < value && clock_now_ms() < end_ms)
		nanosleep(&nap, NULL);
	return atomic_load(counter) >= value;
}

static bool all_started(struct work *works, int count)
{
	for (int i = 0; i < count; i++)
		if (!reaches(&works[i].started, 1))
			return false;
	return true;
}

static void test_shares(void)
{
	static struct work slow[JOBS], other[3], none[1];
	static const char a, b;
	struct pool *pool = pool_new(4, 2);
	int cancelled = 0, finished = 0;

	open_gate(false);
	for (int i = 0; i < JOBS; i++)
		add(pool, &slow[i], &a, true);
	ok(all_started(slow, 2), "one key gets its share of the workers");
	for (int i = 0; i < 3; i++)
		add(pool, &other[i], &b, false);
	for (int i = 0; i < 3; i++)
		ok(reaches(&other[i].done, 1), "another key is served meanwhile");
	add(pool, &none[0], NULL, false);
	ok(reaches(&none[0].done, 1), "as is who needs no registry");
	is_number(sum_started(slow, JOBS), 2, "and no more than the share has started");

	atomic_store(&slow[JOBS - 1].is_over, true);
	ok(reaches(&slow[JOBS - 1].cancelled, 1), "a queued job whose wait is over is cancelled");
	is_number(sum_started(slow, JOBS), 2, "without having been run");

	open_gate(true);
	pool_free(pool);
	for (int i = 0; i < JOBS; i++) {
		finished += atomic_load(&slow[i].done);
		cancelled += atomic_load(&slow[i].cancelled);
	}
	is_number(finished, JOBS - 1, "the end runs all that is queued");
	is_number(cancelled, 1, "each exactly once");
}

static void test_full(void)
{
	static struct work slow[4], queued[2];
	static const char key;
	struct pool *pool = pool_new(4, 4);

	open_gate(false);
	for (int i = 0; i < 4; i++)
		add(pool, &slow[i], &key, true);
	ok(all_started(slow, 4), "a share of all is all");
	add(pool, &queued[0], &key, false);
	add(pool, &queued[1], NULL, false);
	atomic_store(&queued[1].is_over, true);
	ok(reaches(&queued[1].cancelled, 1), "cancelled while every worker waits");
	is_number(atomic_load(&queued[0].started), 0, "the other stays in the queue");
	open_gate(true);
	ok(reaches(&queued[0].done, 1), "and is run when one is free");
	pool_free(pool);
}

static void test_many(void)
{
	static struct work works[2000];
	static const char keys[5];
	struct pool *pool = pool_new(8, 4);
	int finished = 0;

	open_gate(true);
	for (int i = 0; i < 2000; i++)
		add(pool, &works[i], &keys[i % 5], false);
	pool_free(pool);
	for (int i = 0; i < 2000; i++)
		finished += atomic_load(&works[i].done);
	is_number(finished, 2000, "of many jobs each is run once");
	pool_free(pool_new(4, 2));
	ok(true, "a pool that was never used can be freed");
}

int main(void)
{
	test_shares();
	test_full();
	test_many();
	return done();
}
