#pragma once
/* Scopes of token authentication (distribution docs, "Token Scope"): what a request needs, as the
 * texts that a token server is asked for. Pure. */
#include "cache/base/names.h"

#include <stdbool.h>
#include <stddef.h>

/* What a request needs; `repository` NULL is the catalog ("registry:catalog:*"). No scope at all is
 * GET /v2/. `actions` is "pull", "pull,push", "delete", ... */
struct scope {
	const char *repository;
	const char *actions;
};

struct scopes {
	const struct scope *at;
	size_t count;
};

/* Kinds of requests, whose challenges may differ (Harbor: Basic for the catalog, else Bearer). */
enum scope_kind { SCOPE_PING, SCOPE_CATALOG, SCOPE_REPOSITORY, SCOPE_KIND_COUNT };

enum scope_kind scope_kind(const struct scopes *scopes);

/* Which right servers take for a deletion differs; these are tried one after the other. */
enum scope_deletion { SCOPE_DELETE, SCOPE_ALL, SCOPE_PUSH, SCOPE_DELETION_COUNT };

bool scope_is_deletion(const struct scopes *scopes);

/* The scopes' texts ("repository:a/b:pull,push"), sorted. `challenged` is the challenge's scope,
 * NULL for none: where it names what is no repository (ECR Public's `aws`) it counts, but other
 * repositories in it are passed over, so that no server can make us ask for rights that the request
 * does not need. 0, or -ENOMEM. */
int scope_print(const struct scopes *scopes, enum scope_deletion deletion, const char *challenged,
	struct names *texts);

/* Which of a deletion's rights a challenge's scope (NULL for none) asks for. */
enum scope_deletion scope_deletion_of(const struct scopes *scopes, const char *challenged);

/* Whether a challenge's scope has to be kept for later requests of the kind: it names what cannot
 * be known beforehand. */
bool scope_is_special(const char *challenged);
