#include "cache/base/clock.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/resolve_facts.h"

#include <string.h>

static int ask_children(void *of, const struct wait *wait, struct error *err)
{
	struct question *question = of;
	struct facts *facts = question->mount->facts;
	uint64_t epoch = facts_epoch(facts, question->key);
	struct repositories *value = must_alloc(sizeof(*value));
	int r;

	value->asked_ms = clock_now_ms();
	r = registry_list_children(
		question->registry, question->repository, &value->names, wait, err);
	/* The namespace that is asked for may not exist, and not every credential opens it. */
	value->is_complete = r == 0 || r == -ENOENT || r == -EACCES;
	if (!value->is_complete && r != -ENOTSUP) {
		resolve_free_repositories(value);
		return r;
	}
	names_sort(&value->names);
	facts_put(facts, question->key, epoch, value, resolve_free_repositories);
	return 0;
}

/* That there is no such interface is true for longer than what it lists. */
static bool are_children_fresh(const struct mount *mount, const struct fact *fact)
{
	const struct repositories *value = fact_value(fact);

	return value->is_complete ? resolve_is_fresh(mount, fact)
				  : fact_age_ms(fact) < RESOLVE_LASTING_MS;
}

int resolve_children(
	struct call *call, struct registry *registry, const char *path, struct names *names)
{
	scoped(fact_releasep) struct fact *fact = NULL;
	struct question question = {.mount = call->mount,
		.registry = registry,
		.repository = path,
		.ask = ask_children,
		.is_fresh = are_children_fresh};
	int r;

	resolve_key(question.key, registry, path, ';', "children");
	r = resolve_answer(call, &question, &fact);
	if (r == 0) {
		const struct names *found = fact_value(fact);

		for (size_t i = 0; i < found->count; i++)
			names_add(names, names_get(found, i), strlen(names_get(found, i)));
	}
	return r;
}
