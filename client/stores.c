#include "client/stores.h"

#include "cache/base/clock.h"
#include "cache/base/log.h"
#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/helper.h"

#include <stdatomic.h>
#include <string.h>

struct store {
	struct stores *stores;
	char *helper;
	struct names hosts;
	struct error last;  /* its last failure, so that it is told once */
	int64_t patient_ms; /* until when its first answer is waited for; 0: not yet */
	int64_t until_ms;   /* when it is asked again */
	bool is_asked, has_thread;
	pthread_t thread;
};

struct stores {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct map stores; /* helper -> struct store; guarded by lock, as what they hold */
	atomic_bool is_ending;
};

struct stores *stores_new(void)
{
	struct stores *stores = must_alloc(sizeof(*stores));

	pthread_mutex_init(&stores->lock, NULL);
	wait_condition_init(&stores->changed);
	return stores;
}

static void store_free(void *of)
{
	struct store *store = of;

	if (store->has_thread)
		pthread_join(store->thread, NULL);
	names_clear(&store->hosts);
	free(store->helper);
	free(store);
}

void stores_free(struct stores *stores)
{
	if (!stores)
		return;
	atomic_store(&stores->is_ending, true);
	map_clear(&stores->stores, store_free);
	pthread_cond_destroy(&stores->changed);
	pthread_mutex_destroy(&stores->lock);
	free(stores);
}

static bool is_ending(void *of)
{
	struct stores *stores = of;

	return atomic_load(&stores->is_ending);
}

/* The new hosts take the place of the old ones; after a failure those stay. */
static void *ask(void *of)
{
	struct store *store = of;
	struct stores *stores = store->stores;
	const struct wait wait = {is_ending, stores};
	struct names hosts = {0}, old;
	struct error err = {0};
	int r = helper_list(store->helper, &hosts, &wait, &err);

	names_sort(&hosts);
	pthread_mutex_lock(&stores->lock);
	if (r < 0 && r != -EINTR && strcmp(store->last.text, err.text) != 0)
		log_warn("the registries of a store of logins are not listed: %s", err.text);
	store->last = err;
	old = r < 0 ? hosts : store->hosts;
	if (r == 0)
		store->hosts = hosts;
	store->until_ms = clock_now_ms() + STORES_FRESH_MS;
	store->is_asked = false;
	pthread_cond_broadcast(&stores->changed);
	pthread_mutex_unlock(&stores->lock);
	names_clear(&old);
	return NULL;
}

static struct store *find_locked(struct stores *stores, const char *helper)
{
	struct store *store = map_get(&stores->stores, helper);

	if (!store) {
		store = must_alloc(sizeof(*store));
		store->stores = stores;
		store->helper = must_copy(helper);
		map_put(&stores->stores, helper, store);
	}
	return store;
}

static void refresh_locked(struct store *store)
{
	if (store->is_asked || clock_now_ms() < store->until_ms)
		return;
	if (store->has_thread) /* it has done its work, or else it would be asked */
		pthread_join(store->thread, NULL);
	store->is_asked = store->has_thread = !pthread_create(&store->thread, NULL, ask, store);
}

int stores_add_hosts(struct stores *stores, const char *helper, struct names *hosts)
{
	struct store *store;
	int r = 0;

	pthread_mutex_lock(&stores->lock);
	store = find_locked(stores, helper);
	refresh_locked(store);
	if (!store->patient_ms)
		store->patient_ms = clock_now_ms() + STORES_PATIENCE_MS;
	while (store->is_asked && !store->until_ms && clock_now_ms() < store->patient_ms)
		wait_step(NULL, &stores->changed, &stores->lock, store->patient_ms);
	for (size_t i = 0; i < store->hosts.count && r == 0; i++)
		r = names_add(
			hosts, names_get(&store->hosts, i), strlen(names_get(&store->hosts, i)));
	pthread_mutex_unlock(&stores->lock);
	return r;
}
