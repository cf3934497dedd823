#pragma once
/*
 * Requests to token servers and their replies (distribution docs, "Token Authentication
 * Specification" and "OAuth2 Token Authentication"). Pure.
 */
#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/names.h"
#include "client/account.h"

#include <stdbool.h>
#include <stdint.h>

enum { TOKEN_REPLY_MAX = 128 << 10, TOKEN_DEFAULT_S = 60, TOKEN_LONGEST_S = 30 * 24 * 3600 };

struct token {         /* {0} before */
	char *text;    /* what goes behind "Bearer " */
	char *refresh; /* an identity token, where one was asked for and given; or NULL */
	int64_t expires_s;
};

/* Wipes and releases what it holds. */
void token_wipe(struct token *token);
void token_wipep(struct token *token); /* for scoped() */

/* Whether a text can stand behind "Bearer ": a header that holds it ends where it should. */
bool token_is_text(const char *text);

/* Reads a reply: `token` or `access_token`, `expires_in` (60 s where it is absent). EIO for what is
 * no reply, or whose token could not stand in a header. */
int token_parse(const char *bytes, size_t len, struct token *token, struct error *err);

/* What is asked of a server. */
struct token_question {
	const char *realm;
	const char *service;        /* NULL: none */
	const struct names *scopes; /* sorted texts (scope.h) */
	bool wants_refresh;         /* at a login: an identity token to be stored */
};

/* The URL of the GET: the realm with its own query kept, one `scope` for each scope. The account's
 * user is named (`account`), its secret goes into the Authorization header. */
int token_print_url(
	const struct token_question *question, const struct account *account, struct buf *url);

/* The form of the POST that exchanges an identity token (OAuth2's refresh grant). Secret. */
int token_print_form(
	const struct token_question *question, const struct account *account, struct buf *form);

/* "Basic " and the credentials; an identity token stands as its user's password. Secret. */
int token_print_basic(const struct account *account, struct buf *authorization);
