#include "client/auth_private.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/realm.h"
#include "client/tokens.h"
#include "client/url.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static void known_clear(struct known *known)
{
	free(known->realm);
	free(known->service);
	free(known->scope);
	*known = (struct known){0};
}

static char *copy_or_null(const char *text)
{
	return text ? must_copy(text) : NULL;
}

static struct known known_copy(const struct known *from)
{
	struct known known = *from;

	known.realm = copy_or_null(from->realm);
	known.service = copy_or_null(from->service);
	known.scope = copy_or_null(from->scope);
	return known;
}

static void asking_clear(struct asking *asking)
{
	known_clear(&asking->known);
	account_wipe(&asking->account);
}

struct auth *auth_new(const struct auth_setup *setup)
{
	const struct client_options *options = setup->options;
	struct auth *auth = must_alloc(sizeof(*auth));

	auth->setup = *setup;
	auth->host = must_copy(setup->host);
	auth->keyring = setup->keyring;
	auth->tokens = tokens_new();
	auth->whose = options->username ? "given" : "stored";
	auth->remedy = options->username ? must_copy("check username and password_file")
					 : must_print("run 'chartfs login %s'", setup->host);
	pthread_mutex_init(&auth->lock, NULL);
	return auth;
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	for (size_t i = 0; i < SCOPE_KIND_COUNT; i++)
		known_clear(&auth->known[i]);
	tokens_free(auth->tokens);
	keyring_free(auth->own);
	pthread_mutex_destroy(&auth->lock);
	secret_free(auth->identity_token);
	free(auth->remedy);
	free(auth->host);
	free(auth);
}

void auth_use(struct auth *auth, const struct account *account)
{
	auth->own = auth->keyring = keyring_of(account);
	free(auth->remedy);
	auth->whose = "given";
	auth->remedy = must_copy("check the user and the password");
	auth->is_login = true;
}

char *auth_take_identity_token(struct auth *auth)
{
	char *token;

	pthread_mutex_lock(&auth->lock);
	token = take(auth->identity_token);
	pthread_mutex_unlock(&auth->lock);
	return token;
}

static const char *first_repository(const struct scopes *scopes)
{
	return scopes->count && scopes->at[0].repository ? scopes->at[0].repository : "";
}

/* What is known of this kind, else of another: most registries challenge everything alike. */
static void begin(struct asking *asking)
{
	static const enum scope_kind order[] = {SCOPE_REPOSITORY, SCOPE_PING, SCOPE_CATALOG};
	struct auth *auth = asking->auth;
	const struct known *known = &auth->known[scope_kind(asking->scopes)];

	pthread_mutex_lock(&auth->lock);
	for (size_t i = 0; i < SCOPE_KIND_COUNT && known->scheme == CHALLENGE_NONE; i++)
		known = &auth->known[order[i]];
	asking->known = known_copy(known);
	asking->deletion = scope_is_deletion(asking->scopes) ? auth->deletion : SCOPE_DELETE;
	pthread_mutex_unlock(&auth->lock);
}

int auth_find_account(struct asking *asking, const struct wait *wait, struct error *err)
{
	account_wipe(&asking->account);
	return keyring_find(asking->auth->keyring, asking->auth->host,
		first_repository(asking->scopes), &asking->account, &asking->trouble, wait, err);
}

/* The header's value, or nothing; 1 where what was `sent` cannot be bettered. */
static int provide(struct asking *asking, const char *sent, struct buf *authorization,
	const struct wait *wait, struct error *err)
{
	const struct account *account = &asking->account;
	int r = auth_find_account(asking, wait, err);

	if (r < 0)
		return r;
	if (account->kind == ACCOUNT_BEARER)
		r = buf_printf(authorization, "Bearer %s", account->secret);
	else if (asking->known.scheme == CHALLENGE_BEARER)
		return auth_token_add(asking, sent, authorization, wait, err);
	else if (account->kind != ACCOUNT_NONE)
		r = token_print_basic(account, authorization);
	if (r < 0)
		return fail(err, EIO, "the credentials for %s are too long", asking->auth->host);
	return strcmp(buf_text(authorization), sent) == 0;
}

int auth_authorize(struct auth *auth, const struct scopes *scopes, struct buf *authorization,
	const struct wait *wait, struct error *err)
{
	scoped(asking_clear) struct asking asking = {.auth = auth, .scopes = scopes};
	int r;

	begin(&asking);
	if (asking.known.scheme == CHALLENGE_NONE)
		return 0;
	r = provide(&asking, "", authorization, wait, err);
	return r < 0 ? r : 0;
}

/* Keeps what the challenge says, if its realm is one that may be asked. */
static int learn(struct asking *asking, const struct response *response,
	const struct challenge *challenge, const char *sent, struct error *err)
{
	bool is_deletion = scope_is_deletion(asking->scopes);
	struct auth *auth = asking->auth;
	struct known known = {.scheme = challenge->scheme};

	if (challenge->scheme == CHALLENGE_BEARER) {
		int r = realm_check(
			response->url, response->peer, challenge->realm, &known.only_public, err);

		if (r < 0)
			return r;
		known.is_registry = url_is_same_origin(response->url, challenge->realm);
		known.realm = must_copy(challenge->realm);
		known.service = copy_or_null(challenge->service);
		if (scope_is_special(challenge->scope))
			known.scope = must_copy(challenge->scope);
	}
	known_clear(&asking->known);
	asking->known = known;
	pthread_mutex_lock(&auth->lock);
	known_clear(&auth->known[scope_kind(asking->scopes)]);
	auth->known[scope_kind(asking->scopes)] = known_copy(&known);
	if (is_deletion && !*sent)
		auth->deletion = scope_deletion_of(asking->scopes, challenge->scope);
	asking->deletion = is_deletion ? auth->deletion : SCOPE_DELETE;
	pthread_mutex_unlock(&auth->lock);
	return 0;
}

/* Nothing that could be sent would be better than what was. */
static int refuse(const struct asking *asking, const struct challenge *challenge, const char *sent,
	struct error *err)
{
	const struct account *account = &asking->account;
	const char *host = asking->auth->host;
	const char *repository = first_repository(asking->scopes);
	const char *below = *repository ? "/" : "";

	if (account->kind == ACCOUNT_NONE && asking->trouble.code)
		return fail(err, EACCES, "%s%s%s asks for a login, and there is none: %s", host,
			below, repository, asking->trouble.text);
	if (account->kind == ACCOUNT_NONE)
		return fail(err, EACCES, "%s%s%s asks for a login: %s", host, below, repository,
			asking->auth->remedy);
	if (asking->known.scheme == CHALLENGE_BEARER && *sent &&
		(!challenge->error || strcmp(challenge->error, "invalid_token") != 0))
		return fail(err, EACCES,
			"%s%s%s: the %s login%s%s does not have the right to %s here: ask for it, "
			"or log in as somebody who has",
			host, below, repository, asking->auth->whose,
			account->username ? " of " : "", account->username ? account->username : "",
			asking->scopes->count && asking->scopes->at[0].actions
				? asking->scopes->at[0].actions
				: "look");
	return fail(err, EACCES,
		"%s%s%s does not accept the %s login, which is wrong or has expired: %s", host,
		below, repository, asking->auth->whose, asking->auth->remedy);
}

static int answer(struct asking *asking, const struct response *response,
	const struct challenge *challenge, const char *sent, struct buf *authorization,
	const struct wait *wait, struct error *err)
{
	int r;

	if (challenge->scheme != CHALLENGE_BASIC && challenge->scheme != CHALLENGE_BEARER)
		return fail(err, EACCES,
			"%s refuses access (401) and asks for %s: is it a registry?",
			asking->auth->host,
			challenge->scheme == CHALLENGE_OTHER
				? "an authentication that chartfs does not know"
				: "nothing that could be answered");
	r = learn(asking, response, challenge, sent, err);
	if (r == 0)
		r = provide(asking, sent, authorization, wait, err);
	/* The very credentials were refused: others may have taken their place. */
	if (r == 1 && *sent && asking->account.kind != ACCOUNT_NONE &&
		(challenge->scheme == CHALLENGE_BASIC || asking->account.kind == ACCOUNT_BEARER) &&
		keyring_refuse(asking->auth->keyring, &asking->account)) {
		buf_wipe(authorization);
		r = provide(asking, sent, authorization, wait, err);
	}
	if (r < 0)
		return r;
	return r == 1 ? refuse(asking, challenge, sent, err) : 0;
}

static void read_challenge(const struct response *response, struct challenge *challenge)
{
	const char *value;

	for (size_t i = 0; (value = response_header(response, "WWW-Authenticate", i)); i++)
		challenge_add(challenge, value, strlen(value));
}

int auth_answer(struct auth *auth, const struct response *response, const struct scopes *scopes,
	const char *sent, struct buf *authorization, const struct wait *wait, struct error *err)
{
	scoped(asking_clear) struct asking asking = {.auth = auth, .scopes = scopes};
	scoped(challenge_clear) struct challenge challenge = {0};
	int r;

	read_challenge(response, &challenge);
	r = answer(&asking, response, &challenge, sent, authorization, wait, err);
	if (r < 0)
		buf_wipe(authorization);
	return r;
}

int auth_answer_offer(struct auth *auth, const struct response *response,
	const struct scopes *scopes, struct buf *authorization, const struct wait *wait,
	struct error *err)
{
	scoped(asking_clear) struct asking asking = {.auth = auth, .scopes = scopes};
	scoped(challenge_clear) struct challenge challenge = {0};
	int r;

	read_challenge(response, &challenge);
	if (challenge.scheme != CHALLENGE_BASIC && challenge.scheme != CHALLENGE_BEARER)
		return 1;
	r = auth_find_account(&asking, wait, err);
	if (r == 0 && asking.account.kind == ACCOUNT_NONE)
		return 1;
	if (r == 0)
		r = answer(&asking, response, &challenge, "", authorization, wait, err);
	if (r < 0)
		buf_wipe(authorization);
	return r;
}

bool auth_is_untried(struct auth *auth)
{
	char identity[ACCOUNT_IDENTITY_SIZE] = "";
	bool is_untried = true;

	pthread_mutex_lock(&auth->lock);
	for (size_t i = 0; i < SCOPE_KIND_COUNT; i++)
		is_untried = is_untried && auth->known[i].scheme == CHALLENGE_NONE;
	pthread_mutex_unlock(&auth->lock);
	if (is_untried)
		keyring_identity(auth->keyring, auth->host, "", identity);
	return is_untried && *identity;
}

int auth_account(struct auth *auth, const char *repository, struct account *account,
	const struct wait *wait, struct error *err)
{
	struct error trouble;

	return keyring_find(auth->keyring, auth->host, repository, account, &trouble, wait, err);
}

void auth_identity(struct auth *auth, const char *repository, char identity[REGISTRY_IDENTITY_SIZE])
{
	_Static_assert((int)REGISTRY_IDENTITY_SIZE == (int)ACCOUNT_IDENTITY_SIZE, "one size");

	keyring_identity(auth->keyring, auth->host, repository, identity);
	if (!*identity)
		snprintf(identity, REGISTRY_IDENTITY_SIZE, "anonymous");
}
