#include "client/scope.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"

#include <string.h>

#define CATALOG_SCOPE "registry:catalog:*"

enum scope_kind scope_kind(const struct scopes *scopes)
{
	if (scopes->count == 0)
		return SCOPE_PING;
	return scopes->at[0].repository ? SCOPE_REPOSITORY : SCOPE_CATALOG;
}

bool scope_is_deletion(const struct scopes *scopes)
{
	for (size_t i = 0; i < scopes->count; i++)
		if (scopes->at[i].repository && strstr(scopes->at[i].actions, "delete"))
			return true;
	return false;
}

static int print_own(const struct scope *scope, enum scope_deletion deletion, struct names *texts)
{
	static const char *const deletions[] = {
		[SCOPE_DELETE] = NULL, [SCOPE_ALL] = "*", [SCOPE_PUSH] = "pull,push"};
	scoped(freep) char *text = NULL;
	const char *actions = scope->actions;

	if (!scope->repository)
		return names_add(texts, CATALOG_SCOPE, strlen(CATALOG_SCOPE));
	if (deletions[deletion] && strstr(actions, "delete"))
		actions = deletions[deletion];
	text = must_print("repository:%s:%s", scope->repository, actions);
	return names_add(texts, text, strlen(text));
}

static bool is_repository_scope(const char *text, size_t len)
{
	return len > strlen("repository:") &&
	       memcmp(text, "repository:", strlen("repository:")) == 0;
}

/* Whether a challenge's "repository:NAME:ACTIONS" means a repository of the request. */
static bool is_wanted(const struct scopes *scopes, const char *text, size_t len)
{
	const char *name = text + strlen("repository:");
	const char *actions = memrchr(text, ':', len);

	for (size_t i = 0; i < scopes->count; i++) {
		const char *repository = scopes->at[i].repository;

		if (repository && actions > name &&
			strlen(repository) == (size_t)(actions - name) &&
			memcmp(repository, name, strlen(repository)) == 0)
			return true;
	}
	return false;
}

bool scope_is_special(const char *challenged)
{
	for (const char *at = challenged ? challenged : ""; *at;) {
		size_t len = strcspn(at, " ");

		if (len && !is_repository_scope(at, len) &&
			(len != strlen(CATALOG_SCOPE) || memcmp(at, CATALOG_SCOPE, len) != 0))
			return true;
		at += len;
		at += strspn(at, " ");
	}
	return false;
}

enum scope_deletion scope_deletion_of(const struct scopes *scopes, const char *challenged)
{
	for (const char *at = challenged ? challenged : ""; *at;) {
		size_t len = strcspn(at, " ");

		if (is_repository_scope(at, len) && is_wanted(scopes, at, len)) {
			const char *actions = memrchr(at, ':', len);
			size_t actions_len = (size_t)(at + len - actions);

			if (memmem(actions, actions_len, "delete", strlen("delete")))
				return SCOPE_DELETE;
			return memchr(actions, '*', actions_len) ? SCOPE_ALL : SCOPE_PUSH;
		}
		at += len;
		at += strspn(at, " ");
	}
	return SCOPE_DELETE;
}

static int add_challenged(const struct scopes *scopes, const char *challenged, struct names *texts)
{
	int r = 0;

	for (const char *at = challenged; *at && r == 0;) {
		size_t len = strcspn(at, " ");

		if (len && (!is_repository_scope(at, len) || is_wanted(scopes, at, len)))
			r = names_add(texts, at, len);
		at += len;
		at += strspn(at, " ");
	}
	return r;
}

int scope_print(const struct scopes *scopes, enum scope_deletion deletion, const char *challenged,
	struct names *texts)
{
	bool counts =
		challenged && (scope_is_special(challenged) ||
				      (scope_is_deletion(scopes) && deletion == SCOPE_DELETE));
	int r = counts ? add_challenged(scopes, challenged, texts) : 0;

	if (texts->count == 0)
		for (size_t i = 0; i < scopes->count && r == 0; i++)
			r = print_own(&scopes->at[i], deletion, texts);
	if (r == 0)
		names_sort(texts);
	return r;
}
