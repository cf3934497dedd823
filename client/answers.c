#include "client/answers.h"

#include "cache/base/clock.h"
#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/helper.h"

#include <pthread.h>

enum { NONE_MS = 10000, FAILURE_MS = 30000, REFUSAL_MS = 10000 };

struct answer {
	bool is_known, is_asked; /* is_asked: by one thread, without the lock */
	int64_t until_ms;        /* 0: for good */
	int64_t refused_ms;      /* when it was refused last; 0: never */
	struct account account;
	struct error error; /* code 0: none */
};

struct answers {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct map answers; /* "HELPER SERVER" -> struct answer; guarded by lock */
};

struct answers *answers_new(void)
{
	struct answers *answers = must_alloc(sizeof(*answers));

	pthread_mutex_init(&answers->lock, NULL);
	wait_condition_init(&answers->changed);
	return answers;
}

static void answer_free(void *of)
{
	struct answer *answer = of;

	account_wipe(&answer->account);
	free(answer);
}

void answers_free(struct answers *answers)
{
	if (!answers)
		return;
	map_clear(&answers->answers, answer_free);
	pthread_cond_destroy(&answers->changed);
	pthread_mutex_destroy(&answers->lock);
	free(answers);
}

static struct answer *find_locked(struct answers *answers, const char *helper, const char *server)
{
	scoped(freep) char *key = must_print("%s %s", helper, server);
	struct answer *answer = map_get(&answers->answers, key);

	if (!answer) {
		answer = must_alloc(sizeof(*answer));
		map_put(&answers->answers, key, answer);
	}
	return answer;
}

static bool is_fresh(const struct answer *answer)
{
	return answer->is_known && (!answer->until_ms || clock_now_ms() < answer->until_ms);
}

/* Asks the helper without the lock; the answer cannot go away, none ever does. */
static int ask_locked(struct answers *answers, struct answer *answer, const char *helper,
	const char *server, const struct wait *wait, struct error *err)
{
	struct account account = {0};
	struct error error = {0};
	int r;

	answer->is_asked = true;
	pthread_mutex_unlock(&answers->lock);
	r = helper_get(helper, server, &account, wait, &error);
	pthread_mutex_lock(&answers->lock);
	answer->is_asked = false;
	pthread_cond_broadcast(&answers->changed);
	if (r == -EINTR) {
		/* Only this caller has given up. */
		*err = error;
		return r;
	}
	account_wipe(&answer->account);
	answer->account = account;
	answer->error = error;
	answer->is_known = true;
	answer->until_ms = r < 0                          ? clock_now_ms() + FAILURE_MS
			   : account.kind == ACCOUNT_NONE ? clock_now_ms() + NONE_MS
							  : 0;
	return 0;
}

int answers_get(struct answers *answers, const char *helper, const char *server,
	struct account *account, const struct wait *wait, struct error *err)
{
	struct answer *answer;
	int r = 0;

	pthread_mutex_lock(&answers->lock);
	answer = find_locked(answers, helper, server);
	while (r == 0 && !is_fresh(answer)) {
		if (!answer->is_asked)
			r = ask_locked(answers, answer, helper, server, wait, err);
		else if (wait_step(wait, &answers->changed, &answers->lock, 0) < 0)
			r = fail(err, EINTR, "interrupted while asking a credential helper");
	}
	if (r == 0 && answer->error.code) {
		*err = answer->error;
		r = -err->code;
	} else if (r == 0) {
		account_copy(account, &answer->account);
	}
	pthread_mutex_unlock(&answers->lock);
	return r;
}

bool answers_refuse(struct answers *answers, const struct account *account)
{
	bool is_held = false;

	pthread_mutex_lock(&answers->lock);
	map_for_each (entry, &answers->answers) {
		struct answer *answer = entry->value;
		int64_t now_ms = clock_now_ms();

		if (!answer->is_known || !account_equal(&answer->account, account))
			continue;
		if (answer->refused_ms && now_ms < answer->refused_ms + REFUSAL_MS) {
			is_held = true;
			continue;
		}
		answer->refused_ms = now_ms;
		answer->is_known = false;
	}
	pthread_mutex_unlock(&answers->lock);
	return !is_held;
}

void answers_renew(struct answers *answers)
{
	pthread_mutex_lock(&answers->lock);
	map_for_each (entry, &answers->answers) {
		struct answer *answer = entry->value;

		if (answer->until_ms)
			answer->is_known = false;
	}
	pthread_mutex_unlock(&answers->lock);
}
