#include "client/tokens.h"

#include "cache/base/clock.h"
#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* A token that was refused and renewed is not renewed again so soon. */
enum { RENEWAL_MS = 10000 };

struct entry {
	char *token; /* NULL: none */
	int64_t until_ms;
	int64_t renewed_ms; /* when it was fetched because one was refused; 0: never */
	uint64_t used;      /* when it was wanted last, in uses of the cache */
	unsigned uses;      /* how often this token was handed out */
	unsigned waiters;   /* threads that look at it: it must stay */
	bool is_fetched;    /* by one of them, without the lock */
	uint64_t flights;   /* fetches that have ended */
	struct error error; /* of the last fetch; code 0: none */
};

struct tokens {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t uses;      /* guarded by lock */
	struct map entries; /* key -> struct entry; guarded by lock */
};

struct tokens *tokens_new(void)
{
	struct tokens *tokens = must_alloc(sizeof(*tokens));

	pthread_mutex_init(&tokens->lock, NULL);
	wait_condition_init(&tokens->changed);
	return tokens;
}

static void entry_free(void *of)
{
	struct entry *entry = of;

	secret_free(entry->token);
	free(entry);
}

void tokens_free(struct tokens *tokens)
{
	if (!tokens)
		return;
	map_clear(&tokens->entries, entry_free);
	pthread_cond_destroy(&tokens->changed);
	pthread_mutex_destroy(&tokens->lock);
	free(tokens);
}

static void evict_locked(struct tokens *tokens)
{
	struct map_entry *oldest = NULL;

	map_for_each (at, &tokens->entries) {
		const struct entry *entry = at->value;

		if (entry->waiters)
			continue;
		if (!oldest || entry->used < ((struct entry *)oldest->value)->used)
			oldest = at;
	}
	if (oldest)
		entry_free(map_remove(&tokens->entries, oldest->key));
}

static struct entry *find_locked(struct tokens *tokens, const char *key)
{
	struct entry *entry = map_get(&tokens->entries, key);

	if (entry)
		return entry;
	if (tokens->entries.count >= TOKENS_MAX)
		evict_locked(tokens);
	entry = must_alloc(sizeof(*entry));
	map_put(&tokens->entries, key, entry);
	return entry;
}

static void drop_locked(struct entry *entry)
{
	secret_free(entry->token);
	entry->token = NULL;
	entry->uses = 0;
}

/* Forgets a token that was refused or has ended. False: it was refused, and a new one would be no
 * better. */
static bool judge_locked(struct entry *entry, const char *refused)
{
	int64_t now_ms = clock_now_ms();

	if (!entry->token)
		return true;
	if (refused && strcmp(entry->token, refused) == 0) {
		if (entry->uses <= 1)
			return false;
		if (entry->renewed_ms && now_ms < entry->renewed_ms + RENEWAL_MS)
			return false;
		entry->renewed_ms = now_ms;
		drop_locked(entry);
	} else if (now_ms >= entry->until_ms) {
		drop_locked(entry);
	}
	return true;
}

static int fetch_locked(struct tokens *tokens, struct entry *entry, const struct token_fetch *fetch,
	const struct wait *wait, struct error *err)
{
	scoped(token_wipep) struct token token = {0};
	struct error error = {0};
	int r;

	entry->is_fetched = true;
	pthread_mutex_unlock(&tokens->lock);
	r = fetch->fetch(fetch->of, &token, wait, &error);
	pthread_mutex_lock(&tokens->lock);
	entry->is_fetched = false;
	pthread_cond_broadcast(&tokens->changed);
	if (r < 0)
		*err = error;
	if (r == -EINTR)
		return r; /* only this caller has given up: another one fetches */
	entry->error = error;
	entry->flights++;
	if (r < 0)
		return r;
	drop_locked(entry);
	entry->token = take(token.text);
	entry->until_ms = clock_now_ms() + (token.expires_s - TOKENS_MARGIN_S) * 1000;
	return 0;
}

/* Waits for a fetch that is under way; its failure is this caller's too. */
static int join_locked(
	struct tokens *tokens, struct entry *entry, const struct wait *wait, struct error *err)
{
	uint64_t flights = entry->flights;

	while (entry->is_fetched)
		if (wait_step(wait, &tokens->changed, &tokens->lock, 0) < 0)
			return fail(err, EINTR, "interrupted while waiting for a token");
	if (entry->flights == flights || !entry->error.code)
		return 0;
	*err = entry->error;
	return -err->code;
}

static int provide_locked(struct tokens *tokens, struct entry *entry, const char *refused,
	const struct token_fetch *fetch, const struct wait *wait, struct error *err)
{
	int r = judge_locked(entry, refused) ? 0 : 1;

	while (r == 0 && !entry->token)
		r = entry->is_fetched ? join_locked(tokens, entry, wait, err)
				      : fetch_locked(tokens, entry, fetch, wait, err);
	return r;
}

int tokens_get(struct tokens *tokens, const char *key, const char *refused,
	const struct token_fetch *fetch, struct buf *text, const struct wait *wait,
	struct error *err)
{
	struct entry *entry;
	int r;

	pthread_mutex_lock(&tokens->lock);
	entry = find_locked(tokens, key);
	entry->waiters++;
	entry->used = ++tokens->uses;
	r = provide_locked(tokens, entry, refused, fetch, wait, err);
	if (r == 0) {
		entry->uses++;
		if (buf_add(text, entry->token) < 0)
			r = fail(err, EIO, "a token is too long");
	}
	entry->waiters--;
	pthread_mutex_unlock(&tokens->lock);
	return r;
}
