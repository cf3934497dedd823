#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/resolve_facts.h"

/* For how long, whatever the ttl: who is given the right meanwhile does not wait for long. */
enum { REFUSED_MS = 10000 };

void resolve_doubt(struct mount *mount, struct registry *registry, const char *repository)
{
	char key[RESOLVE_KEY_SIZE];

	resolve_key(key, registry, repository, ':', "");
	facts_forget(mount->facts, key);
}

void resolve_push_refused(struct mount *mount, struct registry *registry, const char *repository,
	const struct error *err)
{
	char key[RESOLVE_KEY_SIZE];

	resolve_key(key, registry, repository, ';', "refused");
	facts_put(mount->facts, key, facts_epoch(mount->facts, key), must_copy(err->text), free);
}

int resolve_may_push(struct call *call, struct registry *registry, const char *repository)
{
	scoped(fact_releasep) struct fact *fact = NULL;
	char key[RESOLVE_KEY_SIZE];

	resolve_key(key, registry, repository, ';', "refused");
	fact = facts_get(call->mount->facts, key);
	if (!fact || !resolve_is_fresh(call->mount, fact) || fact_age_ms(fact) >= REFUSED_MS)
		return 0;
	return fail(&call->err, EACCES, "refused just now: %s", (const char *)fact_value(fact));
}
