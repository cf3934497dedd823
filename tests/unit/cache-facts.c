#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "cache/facts.h"
#include "tests/unit/tap.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_int released;

static void release(void *value)
{
	atomic_fetch_add(&released, 1);
	free(value);
}

static bool put(struct facts *facts, const char *key, uint64_t epoch, const char *value)
{
	return facts_put(facts, key, epoch, must_copy(value), release);
}

static bool learn(struct facts *facts, const char *key, const char *value)
{
	return put(facts, key, facts_epoch(facts, key), value);
}

/* The fact's value in a static buffer, "stale VALUE" where it is expired; NULL for no fact. */
static const char *known(struct facts *facts, const char *key)
{
	static char text[256];
	scoped(fact_releasep) struct fact *fact = facts_get(facts, key);

	if (!fact)
		return NULL;
	snprintf(text, sizeof(text), "%s%s", fact_age_ms(fact) == INT64_MAX ? "stale " : "",
		(const char *)fact_value(fact));
	return text;
}

static void test_put(void)
{
	struct facts *facts = facts_new();
	struct fact *pinned;

	released = 0;
	is_text(known(facts, "a"), NULL, "nothing is known at first");
	ok(learn(facts, "a", "one"), "learned");
	is_text(known(facts, "a"), "one", "known");
	is_text(known(facts, "b"), NULL, "under its own key only");
	pinned = facts_get(facts, "a");
	ok(fact_age_ms(pinned) >= 0 && fact_age_ms(pinned) < 3600000, "its age is from now on");
	ok(learn(facts, "a", "two"), "learned anew");
	is_text(known(facts, "a"), "two", "the new one counts");
	is_text(fact_value(pinned), "one", "a pinned one stays as it was");
	is_number(released, 0, "and is not released");
	fact_release(pinned);
	is_number(released, 1, "until it is given back");
	pinned = facts_get(facts, "a");
	facts_free(facts);
	is_text(fact_value(pinned), "two", "a pin outlives even the facts");
	fact_release(pinned);
	is_number(released, 2, "every value is released once");
	fact_release(NULL);
	ok(facts_put(facts = facts_new(), "k", 0, NULL, NULL), "a value may need no release");
	facts_free(facts);
	facts_free(NULL);
}

/* Each: the epoch of key "id/x" is taken, something happens, the answer comes. */
static void test_epochs(void)
{
	static const struct {
		const char *name, *expire, *forget;
		bool good;
		const char *after;
	} cases[] = {
		{"nothing happens", NULL, NULL, true, "new"},
		{"the key expires", "id/x", NULL, false, "stale old"},
		{"another key expires", "id/y", NULL, true, "new"},
		{"the identity is forgotten", NULL, "id/", false, NULL},
		{"everything is forgotten", NULL, "", false, NULL},
		{"another identity is forgotten", NULL, "other/", true, "new"},
		{"a longer prefix is forgotten", NULL, "id/xx", true, "new"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (int is_known = 0; is_known < 2; is_known++) {
			struct facts *facts = facts_new();
			const char *after = cases[i].after;
			uint64_t epoch;

			if (is_known)
				learn(facts, "id/x", "old");
			else if (!cases[i].good)
				after = NULL;
			epoch = facts_epoch(facts, "id/x");
			if (cases[i].expire)
				facts_expire(facts, cases[i].expire);
			if (cases[i].forget)
				facts_forget(facts, cases[i].forget);
			ok(put(facts, "id/x", epoch, "new") == cases[i].good, "%s: %s%s",
				cases[i].name, cases[i].good ? "the answer is good" : "dropped",
				is_known ? ", with an old one" : "");
			is_text(known(facts, "id/x"), after, "what is known then");
			ok(learn(facts, "id/x", "newer"), "the next answer is good");
			is_text(known(facts, "id/x"), "newer", "and fresh");
			facts_free(facts);
		}
	}
}

static void test_expire_pinned(void)
{
	struct facts *facts = facts_new();
	struct fact *pinned;

	learn(facts, "a", "one");
	pinned = facts_get(facts, "a");
	facts_expire(facts, "a");
	ok(fact_age_ms(pinned) == INT64_MAX, "a pinned fact ages too");
	facts_forget(facts, "");
	is_text(fact_value(pinned), "one", "and outlives being forgotten");
	fact_release(pinned);
	facts_free(facts);
}

enum { MANY = 6000, FEW = 5000 };

static void test_bound(void)
{
	struct facts *facts = facts_new();
	struct fact *pinned;
	uint64_t early;
	int count = 0;
	char key[32];

	released = 0;
	learn(facts, "pinned", "held");
	pinned = facts_get(facts, "pinned");
	early = facts_epoch(facts, "early");
	learn(facts, "used", "often");
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "%d", i);
		learn(facts, key, key);
		known(facts, "used");
	}
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "%d", i);
		count += known(facts, key) != NULL;
	}
	ok(count > 1000 && count < FEW, "facts are bounded: %d of %d stay", count, MANY);
	is_number(released + count + 2, MANY + 2, "the others are released");
	is_text(known(facts, "0"), NULL, "the longest unused went");
	is_text(known(facts, "5999"), "5999", "the last stays");
	is_text(known(facts, "used"), "often", "as does what is used");
	is_text(known(facts, "pinned"), NULL, "what is only pinned is no longer known");
	is_text(fact_value(pinned), "held", "but held");
	ok(put(facts, "early", early, "late"), "an answer whose key made room is good");
	early = facts_epoch(facts, "id/early");
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "%d", i);
		learn(facts, key, key);
	}
	facts_forget(facts, "id/");
	ok(!put(facts, "id/early", early, "late"),
		"one that was forgotten meanwhile is dropped though its key made room");
	early = facts_epoch(facts, "expired");
	facts_expire(facts, "expired");
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "%d", i);
		learn(facts, key, key);
	}
	ok(!put(facts, "expired", early, "late"), "as is one that expired");
	fact_release(pinned);
	facts_free(facts);
}

enum { ROUNDS = 2000 };

static void *work(void *of)
{
	struct facts *facts = of;
	char key[8];

	for (int i = 0; i < ROUNDS; i++) {
		snprintf(key, sizeof(key), "%d", i % 7);
		learn(facts, key, "value");
		scoped(fact_releasep) struct fact *fact = facts_get(facts, key);
		if (fact && strcmp(fact_value(fact), "value") == 0)
			fact_age_ms(fact);
		if (i % 11 == 0)
			facts_expire(facts, key);
		if (i % 101 == 0)
			facts_forget(facts, key);
	}
	return NULL;
}

static void test_threads(void)
{
	enum { THREADS = 8 };
	struct facts *facts = facts_new();
	pthread_t threads[THREADS];

	released = 0;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work, facts);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	facts_free(facts);
	is_number(released, (long long)THREADS * ROUNDS,
		"threads at once: every value is released once");
}

int main(void)
{
	test_put();
	test_epochs();
	test_expire_pinned();
	test_bound();
	test_threads();
	return done();
}
