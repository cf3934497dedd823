#include "fs/stale.h"

#include "cache/base/clock.h"
#include "cache/base/list.h"
#include "cache/base/map.h"
#include "cache/base/memory.h"

#include <pthread.h>
#include <stdlib.h>

/* Who is not back by then was killed on its way, or found the registry gone. */
enum { AWAY_MS = 5 * 60 * 1000 };

struct away {
	struct list link;
	uint64_t place; /* of the name */
	pid_t tid;
	int64_t until_ms;
};

struct stale {
	pthread_mutex_t lock; /* a leaf */
	struct list away;     /* guarded by lock; the one that was sent first comes first */
};

struct stale *stale_new(void)
{
	struct stale *stale = must_alloc(sizeof(*stale));

	pthread_mutex_init(&stale->lock, NULL);
	list_init(&stale->away);
	return stale;
}

static void drop(struct away *away)
{
	list_remove(&away->link);
	free(away);
}

void stale_free(struct stale *stale)
{
	if (!stale)
		return;
	list_for_each (link, &stale->away)
		drop(list_entry(link, struct away, link));
	pthread_mutex_destroy(&stale->lock);
	free(stale);
}

/* What was published and what replaces it are two nodes with one name in one directory. */
static uint64_t place_of(const struct node *parent, const char *name)
{
	return parent->ino ^ map_hash(name);
}

void stale_tell(struct stale *stale, const struct node *parent, const char *name, pid_t tid)
{
	int64_t now_ms = clock_now_ms();
	struct away *away = must_alloc(sizeof(*away));

	*away = (struct away){
		.place = place_of(parent, name), .tid = tid, .until_ms = now_ms + AWAY_MS};
	pthread_mutex_lock(&stale->lock);
	list_for_each (link, &stale->away) {
		struct away *other = list_entry(link, struct away, link);

		if (other->until_ms <= now_ms)
			drop(other);
	}
	list_append(&stale->away, &away->link);
	pthread_mutex_unlock(&stale->lock);
}

bool stale_take(struct stale *stale, const struct node *parent, const char *name, pid_t tid)
{
	uint64_t place = place_of(parent, name);
	bool is_away = false;

	pthread_mutex_lock(&stale->lock);
	list_for_each (link, &stale->away) {
		struct away *away = list_entry(link, struct away, link);

		if (away->tid != tid || away->place != place)
			continue;
		drop(away);
		is_away = true;
	}
	pthread_mutex_unlock(&stale->lock);
	return is_away;
}
