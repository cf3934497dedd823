#include "cache/facts.h"

#include "cache/base/clock.h"
#include "cache/base/list.h"
#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/*
 * Epochs are moments of one clock that ticks at every expiry. A key remembers when it last expired;
 * an answer is good when its epoch was taken at or after that. A key that is asked for gets its
 * slot with facts_epoch(), so that facts_forget() finds also those still being asked. Slots make
 * room for others; `forgotten_epoch` then stands for all keys without one. It is the latest that
 * any of them can have expired: at worst a good answer is dropped, never a bad one kept.
 */

enum { SLOT_LIMIT = 4096 };

struct fact {
	atomic_uint pins; /* the slot's own included */
	atomic_bool is_expired;
	int64_t since_ms;
	struct fact *next; /* in facts_forget() alone */
	void *value;
	void (*release)(void *value);
};

struct slot {
	struct list by_use;
	char *key;
	uint64_t expired_epoch;
	struct fact *fact; /* or NULL */
};

struct facts {
	pthread_mutex_t lock; /* guards all below and in the slots */
	struct map slots;
	struct list by_use; /* the longest unused first */
	uint64_t epoch;
	uint64_t forgotten_epoch;
};

struct facts *facts_new(void)
{
	struct facts *facts = must_alloc(sizeof(*facts));

	pthread_mutex_init(&facts->lock, NULL);
	list_init(&facts->by_use);
	return facts;
}

static void slot_free(void *of)
{
	struct slot *slot = of;

	fact_release(slot->fact);
	free(slot->key);
	free(slot);
}

void facts_free(struct facts *facts)
{
	if (!facts)
		return;
	map_clear(&facts->slots, slot_free);
	pthread_mutex_destroy(&facts->lock);
	free(facts);
}

static void touch_locked(struct facts *facts, struct slot *slot)
{
	list_remove(&slot->by_use);
	list_append(&facts->by_use, &slot->by_use);
}

/* Takes the longest unused slot out where there are too many; the caller frees it, unlocked. */
static struct slot *shrink_locked(struct facts *facts)
{
	struct slot *slot;

	if (facts->slots.count <= SLOT_LIMIT)
		return NULL;
	slot = list_entry(facts->by_use.next, struct slot, by_use);
	list_remove(&slot->by_use);
	map_remove(&facts->slots, slot->key);
	if (slot->expired_epoch > facts->forgotten_epoch)
		facts->forgotten_epoch = slot->expired_epoch;
	return slot;
}

/* The key's slot, made if need be; `*dropped` is what had to go for it, or NULL. */
static struct slot *slot_locked(struct facts *facts, const char *key, struct slot **dropped)
{
	struct slot *slot = map_get(&facts->slots, key);

	*dropped = NULL;
	if (slot) {
		touch_locked(facts, slot);
		return slot;
	}
	slot = must_alloc(sizeof(*slot));
	slot->key = must_copy(key);
	slot->expired_epoch = facts->forgotten_epoch;
	list_append(&facts->by_use, &slot->by_use);
	map_put(&facts->slots, key, slot);
	*dropped = shrink_locked(facts);
	return slot;
}

static void slot_freep(struct slot **slot)
{
	if (*slot)
		slot_free(*slot);
}

struct fact *facts_get(struct facts *facts, const char *key)
{
	struct fact *fact = NULL;
	struct slot *slot;

	pthread_mutex_lock(&facts->lock);
	slot = map_get(&facts->slots, key);
	if (slot && slot->fact) {
		fact = slot->fact;
		atomic_fetch_add(&fact->pins, 1);
		touch_locked(facts, slot);
	}
	pthread_mutex_unlock(&facts->lock);
	return fact;
}

const void *fact_value(const struct fact *fact)
{
	return fact->value;
}

int64_t fact_age_ms(const struct fact *fact)
{
	return atomic_load(&fact->is_expired) ? INT64_MAX : clock_now_ms() - fact->since_ms;
}

void fact_release(struct fact *fact)
{
	if (!fact || atomic_fetch_sub(&fact->pins, 1) != 1)
		return;
	if (fact->release)
		fact->release(fact->value);
	free(fact);
}

void fact_releasep(struct fact **fact)
{
	int saved = errno;

	fact_release(*fact);
	errno = saved;
}

uint64_t facts_epoch(struct facts *facts, const char *key)
{
	scoped(slot_freep) struct slot *dropped = NULL;
	uint64_t epoch;

	pthread_mutex_lock(&facts->lock);
	slot_locked(facts, key, &dropped);
	epoch = facts->epoch;
	pthread_mutex_unlock(&facts->lock);
	return epoch;
}

bool facts_put(struct facts *facts, const char *key, uint64_t epoch, void *value,
	void (*release)(void *value))
{
	scoped(slot_freep) struct slot *dropped = NULL;
	struct fact *fact = must_alloc(sizeof(*fact)), *old = fact;
	struct slot *slot;
	bool is_good;

	atomic_init(&fact->pins, 1);
	fact->since_ms = clock_now_ms();
	fact->value = value;
	fact->release = release;
	pthread_mutex_lock(&facts->lock);
	slot = slot_locked(facts, key, &dropped);
	is_good = slot->expired_epoch <= epoch;
	if (is_good) {
		old = slot->fact;
		slot->fact = fact;
	}
	pthread_mutex_unlock(&facts->lock);
	fact_release(old);
	return is_good;
}

void facts_expire(struct facts *facts, const char *key)
{
	scoped(slot_freep) struct slot *dropped = NULL;
	struct slot *slot;

	pthread_mutex_lock(&facts->lock);
	slot = slot_locked(facts, key, &dropped);
	slot->expired_epoch = ++facts->epoch;
	if (slot->fact)
		atomic_store(&slot->fact->is_expired, true);
	pthread_mutex_unlock(&facts->lock);
}

void facts_forget(struct facts *facts, const char *prefix)
{
	size_t len = strlen(prefix);
	struct fact *gone = NULL;

	pthread_mutex_lock(&facts->lock);
	facts->forgotten_epoch = ++facts->epoch;
	map_for_each (entry, &facts->slots) {
		struct slot *slot = entry->value;

		if (strncmp(slot->key, prefix, len) != 0)
			continue;
		slot->expired_epoch = facts->epoch;
		if (!slot->fact)
			continue;
		slot->fact->next = gone;
		gone = take(slot->fact);
	}
	pthread_mutex_unlock(&facts->lock);
	while (gone) {
		struct fact *next = gone->next;

		fact_release(gone);
		gone = next;
	}
}
