#include "client/auth_private.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "cache/digest.h"
#include "client/token_server.h"

#include <errno.h>
#include <string.h>

enum { KEY_MAX = 2 * TOKEN_REPLY_MAX };

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
	scoped(buf_wipep) struct buf plain = BUF_INIT(KEY_MAX);
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
	scoped(buf_freep) struct buf key = BUF_INIT(KEY_MAX);
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
	return auth_find_account(asking, wait, &ignored) == 0 &&
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

int auth_token_add(struct asking *asking, const char *sent, struct buf *authorization,
	const struct wait *wait, struct error *err)
{
	return scope_is_deletion(asking->scopes)
		       ? add_deletion_token(asking, sent, authorization, wait, err)
		       : add_token(asking, sent, authorization, wait, err);
}
