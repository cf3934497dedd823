#include "client/token.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/base64.h"
#include "client/json.h"
#include "client/url.h"

#include <errno.h>
#include <string.h>

#define CLIENT_ID "chartfs"

void token_wipe(struct token *token)
{
	secret_free(token->text);
	secret_free(token->refresh);
	*token = (struct token){0};
}

void token_wipep(struct token *token)
{
	token_wipe(token);
}

bool token_is_text(const char *text)
{
	if (!text || !*text)
		return false;
	for (; *text; text++)
		if (*text <= ' ' || *text > '~')
			return false;
	return true;
}

int token_parse(const char *bytes, size_t len, struct token *token, struct error *err)
{
	scoped(json_wipep) cJSON *root = len <= TOKEN_REPLY_MAX ? json_parse(bytes, len) : NULL;
	const char *text = json_text(root, "token");
	const char *refresh = json_text(root, "refresh_token");
	int64_t expires_s;

	if (!text || !*text)
		text = json_text(root, "access_token");
	if (!token_is_text(text))
		return fail(err, EIO, "its reply holds no token");
	if (!json_number(root, "expires_in", &expires_s) || expires_s <= 0)
		expires_s = TOKEN_DEFAULT_S;
	token->text = must_copy(text);
	token->refresh = token_is_text(refresh) ? must_copy(refresh) : NULL;
	token->expires_s = expires_s < TOKEN_LONGEST_S ? expires_s : TOKEN_LONGEST_S;
	return 0;
}

int token_print_url(
	const struct token_question *question, const struct account *account, struct buf *url)
{
	int r = buf_add(url, question->realm);

	if (r == 0 && question->service)
		r = url_add_parameter(url, "service", question->service);
	for (size_t i = 0; i < question->scopes->count && r == 0; i++)
		r = url_add_parameter(url, "scope", names_get(question->scopes, i));
	if (r == 0 && account->kind == ACCOUNT_PASSWORD && account->username)
		r = url_add_parameter(url, "account", account->username);
	if (r == 0 && question->wants_refresh)
		r = url_add_parameter(url, "offline_token", "true");
	if (r == 0 && question->wants_refresh)
		r = url_add_parameter(url, "client_id", CLIENT_ID);
	return r;
}

static int add_field(struct buf *form, const char *name, const char *value)
{
	int r = buf_printf(form, "%s%s=", form->len ? "&" : "", name);

	return r < 0 ? r : url_add_encoded(form, value);
}

int token_print_form(
	const struct token_question *question, const struct account *account, struct buf *form)
{
	scoped(buf_freep) struct buf scope = BUF_INIT(form->limit);
	int r = add_field(form, "grant_type", "refresh_token");

	for (size_t i = 0; i < question->scopes->count && r == 0; i++)
		r = buf_printf(&scope, "%s%s", i ? " " : "", names_get(question->scopes, i));
	if (r == 0)
		r = add_field(form, "refresh_token", account->secret);
	if (r == 0 && question->service)
		r = add_field(form, "service", question->service);
	if (r == 0)
		r = add_field(form, "client_id", CLIENT_ID);
	if (r == 0 && scope.len)
		r = add_field(form, "scope", buf_text(&scope));
	return r;
}

int token_print_basic(const struct account *account, struct buf *authorization)
{
	scoped(buf_wipep) struct buf plain = BUF_INIT(authorization->limit);
	const char *username = account->username ? account->username : "<token>";
	int r = buf_printf(&plain, "%s:%s", username, account->secret);

	if (r == 0)
		r = buf_add(authorization, "Basic ");
	return r < 0 ? r : base64_encode(plain.at, plain.len, authorization);
}
