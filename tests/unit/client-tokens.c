/* The cache of tokens: fetched once, renewed once, bounded. */
#include "cache/base/clock.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/tokens.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

static atomic_int fetches;
static int64_t expires_s = 300;
static int failure;
static atomic_bool is_held;

static int fetch(void *of, struct token *token, const struct wait *wait, struct error *err)
{
	(void)of;
	while (atomic_load(&is_held))
		if (wait_sleep(wait, 10) < 0)
			return fail(err, EINTR, "given up");
	atomic_fetch_add(&fetches, 1);
	if (failure)
		return fail(err, failure, "no token today");
	token->text = must_print("token-%d", atomic_load(&fetches));
	token->expires_s = expires_s;
	return 0;
}

static const struct token_fetch by = {.fetch = fetch};

static int get(struct tokens *tokens, const char *key, const char *refused, char text[64])
{
	scoped(buf_wipep) struct buf token = BUF_INIT(64);
	struct error err = {0};
	int r = tokens_get(tokens, key, refused, &by, &token, NULL, &err);

	snprintf(text, 64, "%s", buf_text(&token));
	return r;
}

static void test_cache(void)
{
	struct tokens *tokens = tokens_new();
	char first[64], text[64];

	atomic_store(&fetches, 0);
	is_number(get(tokens, "a", NULL, first), 0, "fetched");
	get(tokens, "a", NULL, text);
	is_text(text, first, "and kept");
	get(tokens, "b", NULL, text);
	ok(strcmp(text, first) != 0, "another key, another token");
	is_number(get(tokens, "a", "something else", text), 0, "another one was refused");
	is_text(text, first, "so this one counts");
	is_number(get(tokens, "a", first, text), 0, "refused: renewed");
	ok(strcmp(text, first) != 0, "it is a new one");
	get(tokens, "a", NULL, first);
	is_number(get(tokens, "a", first, text), 1, "refused again at once: it would not help");
	is_text(text, "", "nothing is given");
	get(tokens, "c", NULL, first);
	is_number(get(tokens, "c", first, text), 1, "refused when just fetched: no better");
	is_number(atomic_load(&fetches), 4, "as few fetches as that takes");
	tokens_free(tokens);
}

static void test_end(void)
{
	struct tokens *tokens = tokens_new();
	char text[64];

	atomic_store(&fetches, 0);
	expires_s = TOKENS_MARGIN_S;
	is_number(
		get(tokens, "a", NULL, text), 0, "a token that ends soon is good for one request");
	is_number(get(tokens, "a", NULL, text), 0, "the next one");
	is_text(text, "token-2", "has its own");
	expires_s = 300;
	failure = EIO;
	is_number(get(tokens, "b", NULL, text), -EIO, "a failure");
	failure = 0;
	is_number(get(tokens, "b", NULL, text), 0, "is not kept");
	for (int i = 0; i < 2 * TOKENS_MAX; i++) {
		char key[32];

		snprintf(key, sizeof(key), "key %d", i);
		get(tokens, key, NULL, text);
	}
	atomic_store(&fetches, 0);
	get(tokens, "key 511", NULL, text);
	is_number(atomic_load(&fetches), 0, "of many the newest are kept");
	get(tokens, "key 0", NULL, text);
	is_number(atomic_load(&fetches), 1, "the oldest are not");
	tokens_free(tokens);
}

struct asker {
	struct tokens *tokens;
	const struct wait *wait;
	pthread_t thread;
	int result;
	int code;
};

static void *ask(void *of)
{
	struct asker *asker = of;
	scoped(buf_wipep) struct buf token = BUF_INIT(64);
	struct error err = {0};

	asker->result = tokens_get(asker->tokens, "one", NULL, &by, &token, asker->wait, &err);
	asker->code = err.code;
	return NULL;
}

static bool has_given_up(void *of)
{
	return atomic_load((atomic_bool *)of);
}

static void ask_all(struct asker *askers, size_t count, struct tokens *tokens)
{
	for (size_t i = 0; i < count; i++) {
		askers[i] = (struct asker){.tokens = tokens, .wait = askers[i].wait};
		pthread_create(&askers[i].thread, NULL, ask, &askers[i]);
	}
}

static void test_flight(void)
{
	struct tokens *tokens = tokens_new();
	struct asker askers[8] = {0};
	atomic_bool given_up = false;
	const struct wait impatient = {has_given_up, &given_up};
	int good = 0;

	atomic_store(&fetches, 0);
	atomic_store(&is_held, true);
	askers[0].wait = &impatient;
	ask_all(askers, 8, tokens);
	/* Wherever the first one stands by now, it gives up; the others get their token. */
	atomic_store(&given_up, true);
	pthread_join(askers[0].thread, NULL);
	is_number(askers[0].result, -EINTR, "one gives up");
	is_number(askers[0].code, EINTR, "and is told");
	atomic_store(&is_held, false);
	for (size_t i = 1; i < 8; i++) {
		pthread_join(askers[i].thread, NULL);
		good += askers[i].result == 0;
	}
	is_number(good, 7, "the others wait on");
	is_number(atomic_load(&fetches), 1, "for one fetch");
	tokens_free(tokens);
}

int main(void)
{
	test_cache();
	test_end();
	test_flight();
	return done();
}
