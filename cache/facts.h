#pragma once
/*
 * What registries said about things that may change: tags, catalogs, which manifest a tag means.
 * A fact has an age and belongs to a key; the key's first part is the identity that may know it,
 * so that two credentials never share one. Each key has an epoch: who asks a registry takes it
 * before, and an answer is dropped when the epoch has moved meanwhile (a push came in between).
 * Facts live in memory, at most some thousands of them; the longest unused go first.
 */
#include <stdbool.h>
#include <stdint.h>

struct facts;
struct fact;

struct facts *facts_new(void);
void facts_free(struct facts *facts);

/* The fact, pinned until fact_release(), or NULL. Its value does not change while pinned. */
struct fact *facts_get(struct facts *facts, const char *key);
const void *fact_value(const struct fact *fact);
int64_t fact_age_ms(const struct fact *fact);
void fact_release(struct fact *fact);
void fact_releasep(struct fact **fact);

/* Take before asking the registry ... */
uint64_t facts_epoch(struct facts *facts, const char *key);
/* ... and hand in with the answer. The value is owned by the facts from here on, also where it is
 * dropped because the epoch has moved (false). */
bool facts_put(struct facts *facts, const char *key, uint64_t epoch, void *value,
	void (*release)(void *value));

/* The epoch moves and the fact counts as too old to be fresh, but is still there as a stale one. */
void facts_expire(struct facts *facts, const char *key);

/* Forgets every fact whose key begins with `prefix`; their epochs move. */
void facts_forget(struct facts *facts, const char *prefix);
