#include "fs/pool.h"

#include "cache/base/clock.h"
#include "cache/base/log.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "cache/base/wait.h"

#include <pthread.h>

enum { STACK_SIZE = 256 * 1024 };

struct lane {
	struct list link;
	const void *key;
	struct list jobs;
	unsigned running;
};

struct pool {
	pthread_mutex_t lock; /* a leaf; guards all that follows */
	pthread_cond_t work;  /* there is a job, or the end */
	pthread_cond_t watch; /* the same, for the watcher: there is a job that may stay queued */
	struct list
		lanes; /* the one whose turn is next comes first; none without jobs or workers */
	unsigned queued, idle, most, most_of_one;
	bool is_ending, has_watcher;
	pthread_t watcher;
	unsigned worker_count;
	pthread_t workers[];
};

struct pool *pool_new(unsigned workers, unsigned most_of_one)
{
	struct pool *pool = must_alloc(sizeof(*pool) + workers * sizeof(pthread_t));

	pthread_mutex_init(&pool->lock, NULL);
	wait_condition_init(&pool->work);
	wait_condition_init(&pool->watch);
	list_init(&pool->lanes);
	pool->most = workers;
	pool->most_of_one = most_of_one;
	return pool;
}

static struct lane *find_lane_locked(struct pool *pool, const void *key)
{
	struct lane *lane;

	list_for_each (link, &pool->lanes) {
		lane = list_entry(link, struct lane, link);
		if (lane->key == key)
			return lane;
	}
	lane = must_alloc(sizeof(*lane));
	lane->key = key;
	list_init(&lane->jobs);
	list_append(&pool->lanes, &lane->link);
	return lane;
}

static void drop_lane_locked(struct lane *lane)
{
	if (lane->running || !list_is_empty(&lane->jobs))
		return;
	list_remove(&lane->link);
	free(lane);
}

static bool is_full(const struct pool *pool, const struct lane *lane)
{
	return lane->key && lane->running >= pool->most_of_one;
}

/* The next job in turn, counted as running in its lane; or NULL. */
static struct job *next_job_locked(struct pool *pool, struct lane **of)
{
	list_for_each (link, &pool->lanes) {
		struct lane *lane = list_entry(link, struct lane, link);
		struct job *job;

		if (list_is_empty(&lane->jobs) || is_full(pool, lane))
			continue;
		job = list_entry(lane->jobs.next, struct job, link);
		list_remove(&job->link);
		pool->queued--;
		lane->running++;
		list_remove(&lane->link);
		list_append(&pool->lanes, &lane->link);
		*of = lane;
		return job;
	}
	return NULL;
}

static void *work(void *of)
{
	struct pool *pool = of;

	pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct lane *lane;
		struct job *job = next_job_locked(pool, &lane);

		if (job) {
			pthread_mutex_unlock(&pool->lock);
			job->run(job);
			pthread_mutex_lock(&pool->lock);
			lane->running--;
			drop_lane_locked(lane);
		} else if (pool->is_ending && !pool->queued) {
			break;
		} else {
			pool->idle++;
			pthread_cond_wait(&pool->work, &pool->lock);
			pool->idle--;
		}
	}
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Takes the jobs whose wait is over out of the queue into `over`. */
static void collect_over_locked(struct pool *pool, struct list *over)
{
	list_for_each (link, &pool->lanes) {
		struct lane *lane = list_entry(link, struct lane, link);

		list_for_each (at, &lane->jobs) {
			struct job *job = list_entry(at, struct job, link);

			if (!job->is_over(job))
				continue;
			list_remove(&job->link);
			list_append(over, &job->link);
			pool->queued--;
		}
		drop_lane_locked(lane);
	}
}

static void cancel_all(struct list *over)
{
	list_for_each (link, over) {
		struct job *job = list_entry(link, struct job, link);

		list_remove(&job->link);
		job->cancel(job);
	}
}

/* All workers may be waiting, so the queue is looked after by a thread of its own. */
static void *watch(void *of)
{
	struct pool *pool = of;

	pthread_mutex_lock(&pool->lock);
	while (!pool->is_ending || pool->queued) {
		struct list over = LIST_INIT(over);
		struct timespec until = clock_after_ms(WAIT_STEP_MS);

		if (!pool->queued) {
			pthread_cond_wait(&pool->watch, &pool->lock);
			continue;
		}
		collect_over_locked(pool, &over);
		if (list_is_empty(&over)) {
			pthread_cond_timedwait(&pool->watch, &pool->lock, &until);
			continue;
		}
		pthread_mutex_unlock(&pool->lock);
		cancel_all(&over);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static bool start_thread(pthread_t *thread, void *(*run)(void *), struct pool *pool)
{
	pthread_attr_t attributes;
	int r;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	r = pthread_create(thread, &attributes, run, pool);
	pthread_attr_destroy(&attributes);
	if (r)
		log_err("cannot start a thread: error %d", r);
	return r == 0;
}

/* Starts a worker where the idle ones have all something to do. */
static bool start_worker_locked(struct pool *pool)
{
	if (pool->idle >= pool->queued || pool->worker_count == pool->most ||
		!start_thread(&pool->workers[pool->worker_count], work, pool))
		return false;
	pool->worker_count++;
	return true;
}

void pool_add(struct pool *pool, struct job *job)
{
	struct lane *lane;
	bool is_started;

	pthread_mutex_lock(&pool->lock);
	lane = find_lane_locked(pool, job->key);
	list_append(&lane->jobs, &job->link);
	pool->queued++;
	is_started = !is_full(pool, lane) && start_worker_locked(pool);
	if (!pool->worker_count) { /* nobody would ever run it */
		list_remove(&job->link);
		pool->queued--;
		drop_lane_locked(lane);
		pthread_mutex_unlock(&pool->lock);
		job->cancel(job);
		return;
	}
	pthread_cond_signal(&pool->work);
	if (!is_started && pool->idle < pool->queued) {
		if (!pool->has_watcher)
			pool->has_watcher = start_thread(&pool->watcher, watch, pool);
		pthread_cond_signal(&pool->watch);
	}
	pthread_mutex_unlock(&pool->lock);
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->is_ending = true;
	pthread_cond_broadcast(&pool->work);
	pthread_cond_broadcast(&pool->watch);
	pthread_mutex_unlock(&pool->lock);
	if (pool->has_watcher)
		pthread_join(pool->watcher, NULL);
	for (unsigned i = 0; i < pool->worker_count; i++)
		pthread_join(pool->workers[i], NULL);
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->watch);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
