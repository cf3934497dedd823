#pragma once
/* What auth.c (which challenge is answered how) and auth_token.c (what a token is got by) share. */
#include "client/auth.h"
#include "client/challenge.h"
#include "client/tokens.h"

#include <pthread.h>

/* What a kind of requests was challenged with. */
struct known {
	enum challenge_scheme scheme; /* NONE: nothing yet */
	char *realm, *service;
	char *scope; /* one that has to be asked for as it was given, or NULL */
	bool only_public, is_registry;
};

struct auth {
	struct auth_setup setup;
	char *host;
	struct keyring *keyring;
	struct keyring *own; /* of a login; or NULL */
	struct tokens *tokens;
	const char *whose; /* for sentences: the "stored" credentials, or the "given" ones */
	char *remedy;      /* what to do about those that are refused */
	bool is_login;
	pthread_mutex_t lock; /* guards what follows; a leaf */
	char *identity_token; /* that came at a login, or NULL */
	struct known known[SCOPE_KIND_COUNT];
	enum scope_deletion deletion; /* the first that this registry's tokens may need */
};

/* One question: whose credentials, for what. */
struct asking {
	struct auth *auth;
	const struct scopes *scopes;
	struct known known;
	struct account account;
	struct error trouble; /* of a helper, should credentials turn out to be needed */
	enum scope_deletion deletion;
};

/* Fills the asking's account from the keyring. */
int auth_find_account(struct asking *asking, const struct wait *wait, struct error *err);

/* Adds "Bearer " and a token for the asking, from the cache or got anew; 1, and nothing added,
 * where what was `sent` cannot be bettered. */
int auth_token_add(struct asking *asking, const char *sent, struct buf *authorization,
	const struct wait *wait, struct error *err);
