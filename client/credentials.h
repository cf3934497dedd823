#pragma once
/*
 * Files of stored logins in the format of docker's config.json, which Helm's registry/config.json
 * and containers' auth.json share: `auths` with `auth`, `username` and `password`, `identitytoken`
 * or `registrytoken`; `credHelpers`; `credsStore`. This module knows the format only: what a file
 * says about a registry, and how its text changes by a login. keyring.h knows which files there
 * are, login.h writes them.
 */
#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/names.h"
#include "client/account.h"

#include <stdbool.h>
#include <stddef.h>

enum { CREDENTIALS_SIZE_MAX = 4 << 20 };

/* Whose rules a file follows: docker's and Helm's keys name a host, whatever path they carry;
 * containers' keys may name a namespace (`quay.io/ns`), and the longest that fits counts. */
enum credentials_rules { CREDENTIALS_DOCKER, CREDENTIALS_CONTAINERS };

struct credentials;

/* Reads a file's text. What is no JSON object, or whose sections are no objects, is EINVAL; one
 * unusable entry is passed over and counted. */
struct credentials *credentials_parse(
	const char *text, size_t len, enum credentials_rules rules, struct error *err);
void credentials_free(struct credentials *credentials);
void credentials_freep(struct credentials **credentials);

/* How many entries could not be used (no base64, no colon, no text, a token that is none). */
size_t credentials_broken_count(const struct credentials *credentials);

/* What a file says. The texts belong to the file. */
struct credentials_hit {
	const struct account *account; /* NULL: none stored in the file itself */
	const char *helper;            /* to be asked first; NULL: none */
	const char *server;            /* what the helper is asked for; NULL without one */
	bool is_listed; /* the file names this registry, not only a store for all of them */
};

/* Looks a registry up. `repository` may be "". False: the file says nothing about it. */
bool credentials_find(const struct credentials *credentials, const char *host,
	const char *repository, struct credentials_hit *hit);

/* Adds the hosts that the file names. */
int credentials_add_hosts(const struct credentials *credentials, struct names *hosts);

/* Adds the host that a key names, in lower case, if it names one for sure (reference.h). */
int credentials_add_host(struct names *hosts, const char *key);

/* The helper that keeps the logins to all registries (`credsStore`), or NULL. */
const char *credentials_store(const struct credentials *credentials);

/* The key under which a login to the host is stored: the host, but docker.io's is
 * `https://index.docker.io/v1/`. */
const char *credentials_key(const char *host);

/* Whether a key of `auths` means this host as a whole (not only a namespace of it). */
bool credentials_is_key_of(const char *key, const char *host);

/* Whether both names mean one registry: equal, or both of docker.io's. */
bool credentials_same_host(const char *a, const char *b);

/* The file's text (empty: a new file) with the login added or replaced, as Helm writes it: indented
 * with tabs, keys sorted, everything else kept. An account without kind leaves an empty entry,
 * which says that a helper has the secret. EINVAL where the text cannot be understood. */
int credentials_put(const char *text, size_t len, const char *host, const struct account *account,
	struct buf *changed, struct error *err);

/* The file's text without the host's logins; `*found` says whether there were any. */
int credentials_remove(const char *text, size_t len, const char *host, struct buf *changed,
	bool *found, struct error *err);
