#pragma once
/*
 * Tokens that were got, by what they are good for (account and scopes; a registry has its own
 * cache). One is used until 10 s before its end by this machine's clock; however many requests want
 * one at the same time, it is fetched once. Bounded: of many the oldest goes. Any thread may call.
 */
#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/wait.h"
#include "client/token.h"

struct tokens;

enum { TOKENS_MAX = 256, TOKENS_MARGIN_S = 10 };

struct tokens *tokens_new(void);
void tokens_free(struct tokens *tokens);

/* Gets a token; called without a lock, by one thread for a key at a time. */
struct token_fetch {
	int (*fetch)(void *of, struct token *token, const struct wait *wait, struct error *err);
	void *of;
};

/* Appends the key's token to `text` (secret), fetched if need be. `refused` (or NULL) is a token
 * that a server did not accept: where it is the one at hand it is fetched anew, but only if it was
 * not fetched just now or refused shortly before; then 1 is returned, and nothing appended. A
 * failed fetch fails for all who wait for it. */
int tokens_get(struct tokens *tokens, const char *key, const char *refused,
	const struct token_fetch *fetch, struct buf *text, const struct wait *wait,
	struct error *err);
