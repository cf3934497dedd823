#pragma once
/*
 * Which credentials there are for a registry: the options', else the first file's that has some
 * (logins.h), helpers included. Answers of helpers are kept in memory and asked for again when a
 * registry has refused them. May be used from any thread.
 */
#include "cache/base/error.h"
#include "cache/base/names.h"
#include "cache/base/wait.h"
#include "client/account.h"

#include <stdbool.h>

struct keyring;

/* `username` and `password_file` (both or neither; texts are copied) count before all files. The
 * password's file is read at once, one line end behind it taken away. */
struct keyring *keyring_new(const char *username, const char *password_file, struct error *err);
void keyring_free(struct keyring *keyring);
void keyring_freep(struct keyring **keyring);

/* One with these credentials and no others, as if the options had given them (a login). */
struct keyring *keyring_of(const struct account *account);

/* The credentials for a repository ("" for none in particular): 0, and an anonymous account where
 * nobody has any. May run a helper. A helper that is in charge of this registry and fails is an
 * error (helper.h); one that is merely asked for all registries leaves its sentence in `*trouble`
 * (whose code is 0 otherwise), to be told if the registry wants credentials after all. */
int keyring_find(struct keyring *keyring, const char *host, const char *repository,
	struct account *account, struct error *trouble, const struct wait *wait, struct error *err);

/* A registry did not accept this account. True: it may have changed since (a helper will be asked
 * again, or a file is another one now), so that keyring_find() is worth a second call. */
bool keyring_refuse(struct keyring *keyring, const struct account *account);

/* A text that differs between credentials, and "" for none; runs no helper: those count by name
 * and by the environment that selects their account. Changes of files show within a second. */
void keyring_identity(struct keyring *keyring, const char *host, const char *repository,
	char identity[ACCOUNT_IDENTITY_SIZE]);

/* Adds the hosts with stored logins: those that files name, and those that the helpers which keep
 * everything know of. Such a helper is asked in the background; only the first answer is waited
 * for, and not for long (stores.h). */
int keyring_add_hosts(struct keyring *keyring, struct names *hosts);
