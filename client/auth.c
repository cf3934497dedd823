#include "client/auth.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "cache/digest.h"
#include "client/challenge.h"
#include "client/realm.h"
#include "client/token_server.h"
#include "client/tokens.h"
#include "client/url.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum { AUTHORIZATION_MAX = 2 * TOKEN_REPLY_MAX };

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

static int find_account(struct asking *asking, const struct wait *wait, struct error *err)
{
	account_wipe(&asking->account);
	return keyring_find(asking->auth->keyring, asking->auth->host,
		first_repository(asking->scopes), &asking->account, &asking->trouble, wait, err);
}

static int fetch(void *of, struct token *token, const struct wait *wait, struct error *err)
{
	struct asking *asking = of;
	struct auth *auth = asking->auth;
	scoped(names_clearp) struct names scopes = {0};
	struct token_question question = {
		.realm = asking->known.realm,
		.service = asking->known.service,
		.scopes = &scopes,
		.wants_refresh = auth->is_login,
	};
	struct token_server server = {.transport = auth->setup.transport,
		.certs = auth->setup.certs,
		.host = auth->host,
		.whose = auth->whose,
		.remedy = auth->remedy,
		.only_public = asking->known.only_public,
		.is_registry = asking->known.is_registry};
	int r;

	if (scope_print(asking->scopes, asking->deletion, asking->known.scope, &scopes) < 0)
		return fail(err, ENOMEM, "no memory for a token's scopes");
	r = token_server_ask(&server, &question, &asking->account, token, wait, err);
	if (r == 0 && token->refresh) {
		pthread_mutex_lock(&auth->lock);
		secret_free(auth->identity_token);
		auth->identity_token = take(token->refresh);
		pthread_mutex_unlock(&auth->lock);
	}
	return r;
}

/* Everything that a token depends on, without a secret in it. */
static int print_key(const struct asking *asking, struct buf *key, struct error *err)
{
	scoped(names_clearp) struct names scopes = {0};
	scoped(buf_wipep) struct buf plain = BUF_INIT(AUTHORIZATION_MAX);
	const struct account *account = &asking->account;
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;
	int r = buf_printf(&plain, "%d\n%s\n%s\n%s\n%s", (int)account->kind,
		account->username ? account->username : "", account->secret ? account->secret : "",
		asking->known.realm, asking->known.service ? asking->known.service : "");

	digest = digest_of(buf_text(&plain), plain.len);
	digest_print(&digest, text);
	if (r == 0)
		r = buf_add(key, text);
	if (r == 0)
		r = scope_print(asking->scopes, asking->deletion, asking->known.scope, &scopes);
	for (size_t i = 0; i < scopes.count && r == 0; i++)
		r = buf_printf(key, " %s", names_get(&scopes, i));
	return r < 0 ? fail(err, EIO, "the credentials are too long") : 0;
}

static int get_token(struct asking *asking, const char *sent, struct buf *authorization,
	const struct wait *wait, struct error *err)
{
	static const char bearer[] = "Bearer ";
	bool is_bearer = strncmp(sent, bearer, strlen(bearer)) == 0;
	scoped(buf_freep) struct buf key = BUF_INIT(AUTHORIZATION_MAX);
	struct token_fetch by = {.fetch = fetch, .of = asking};
	int r = print_key(asking, &key, err);

	if (r < 0)
		return r;
	buf_add(authorization, bearer);
	r = tokens_get(asking->auth->tokens, buf_text(&key),
		is_bearer ? sent + strlen(bearer) : NULL, &by, authorization, wait, err);
	if (r != 0)
		buf_wipe(authorization);
	return r;
}

/* The token server has refused the credentials. Whether others have taken their place. */
static bool find_others(struct asking *asking, const struct wait *wait)
{
	scoped(account_wipe) struct account before = {0};
	struct error ignored;

	if (asking->account.kind == ACCOUNT_NONE)
		return false;
	account_copy(&before, &asking->account);
	keyring_refuse(asking->auth->keyring, &before);
	return find_account(asking, wait, &ignored) == 0 &&
	       !account_equal(&before, &asking->account) && asking->account.kind != ACCOUNT_BEARER;
}

static int add_token(struct asking *asking, const char *sent, struct buf *authorization,
	const struct wait *wait, struct error *err)
{
	int r = get_token(asking, sent, authorization, wait, err);

	if (r == -EACCES && find_others(asking, wait))
		r = get_token(asking, sent, authorization, wait, err);
	return r;
}

/* Tokens for a deletion: the rights that servers want for it differ, so that each kind is tried
 * in turn, and the one that is due is remembered. */
static int add_deletion_token(struct asking *asking, const char *sent, struct buf *authorization,
	const struct wait *wait, struct error *err)
{
	struct auth *auth = asking->auth;
	int r;

	for (;;) {
		r = add_token(asking, sent, authorization, wait, err);
		if ((r != 1 && r != -EACCES) || asking->deletion + 1 == SCOPE_DELETION_COUNT)
			break;
		asking->deletion++;
	}
	pthread_mutex_lock(&auth->lock);
	auth->deletion = r == 0 ? asking->deletion : SCOPE_DELETE;
	pthread_mutex_unlock(&auth->lock);
	return r;
}

/* The header's value, or nothing; 1 where what was `sent` cannot be bettered. */
static int provide(struct asking *asking, const char *sent, struct buf *authorization,
	const struct wait *wait, struct error *err)
{
	const struct account *account = &asking->account;
	int r = find_account(asking, wait, err);

	if (r < 0)
		return r;
	if (account->kind == ACCOUNT_BEARER)
		r = buf_printf(authorization, "Bearer %s", account->secret);
	else if (asking->known.scheme == CHALLENGE_BEARER)
		return scope_is_deletion(asking->scopes)
			       ? add_deletion_token(asking, sent, authorization, wait, err)
			       : add_token(asking, sent, authorization, wait, err);
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
	r = find_account(&asking, wait, err);
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
