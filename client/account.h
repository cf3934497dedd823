#pragma once
/*
 * One set of credentials, and the care that secrets need: they are overwritten when they are
 * dropped, never logged, and leave this process only in an Authorization header or a token request.
 */
#include <stdbool.h>

enum account_kind {
	ACCOUNT_NONE,     /* anonymous */
	ACCOUNT_PASSWORD, /* user and password: Basic, or exchanged for a token */
	ACCOUNT_IDENTITY, /* an identity token, exchanged by OAuth2's refresh grant */
	ACCOUNT_BEARER,   /* a registry token, sent as it is */
};

struct account {
	enum account_kind kind;
	char *username; /* may be NULL */
	char *secret;   /* NULL only for ACCOUNT_NONE */
};

/* Fills an account that holds nothing with copies of the texts. A user "<token>" makes a password
 * an identity token (credential helper protocol). */
void account_set(
	struct account *account, enum account_kind kind, const char *username, const char *secret);
void account_copy(struct account *to, const struct account *from);
bool account_equal(const struct account *a, const struct account *b);

/* Wipes and releases what it holds; an anonymous account remains. */
void account_wipe(struct account *account);

/* A text that differs between accounts and tells nothing of the secret, even to who can try
 * guesses against it (PBKDF2): 64 hex digits. `salt` is the host. */
enum { ACCOUNT_IDENTITY_SIZE = 65 };
void account_identity(
	const struct account *account, const char *salt, char identity[ACCOUNT_IDENTITY_SIZE]);

/* Wipes a text and frees it; NULL is nothing. */
void secret_free(char *secret);
void secret_freep(char **secret); /* for scoped() */
