#include "client/account.h"

#include "cache/base/memory.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Some milliseconds; the result is kept by the callers. */
enum { IDENTITY_ROUNDS = 4096 };

void account_set(
	struct account *account, enum account_kind kind, const char *username, const char *secret)
{
	if (kind == ACCOUNT_PASSWORD && username && strcmp(username, "<token>") == 0)
		kind = ACCOUNT_IDENTITY;
	account->kind = kind;
	account->username = username ? must_copy(username) : NULL;
	account->secret = secret ? must_copy(secret) : NULL;
}

void account_copy(struct account *to, const struct account *from)
{
	account_set(to, from->kind, from->username, from->secret);
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool account_equal(const struct account *a, const struct account *b)
{
	return a->kind == b->kind && same_text(a->username, b->username) &&
	       same_text(a->secret, b->secret);
}

void account_wipe(struct account *account)
{
	free(account->username);
	secret_free(account->secret);
	*account = (struct account){0};
}

void account_identity(
	const struct account *account, const char *salt, char identity[ACCOUNT_IDENTITY_SIZE])
{
	const char *username = account->username ? account->username : "";
	const char *secret = account->secret ? account->secret : "";
	unsigned char hash[32] = {0};
	char *salted;

	identity[0] = '\0';
	if (account->kind == ACCOUNT_NONE)
		return;
	salted = must_print("%d %s %s", (int)account->kind, salt, username);
	if (PKCS5_PBKDF2_HMAC(secret, (int)strlen(secret), (const unsigned char *)salted,
		    (int)strlen(salted), IDENTITY_ROUNDS, EVP_sha256(), sizeof(hash), hash) != 1)
		abort(); /* only for want of memory */
	free(salted);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(identity + 2 * i, 3, "%02x", hash[i]);
}

void secret_free(char *secret)
{
	if (secret)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

void secret_freep(char **secret)
{
	secret_free(*secret);
}
