#include "cache/base/clock.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/semver.h"
#include "fs/layout.h"
#include "fs/resolve_facts.h"

#include <string.h>

static void free_tag_set(void *of)
{
	struct tag_set *set = of;

	names_clear(&set->names);
	names_clear(&set->versions);
	free(set);
}

struct sortable {
	struct semver version;
	const char *text;
};

static int compare(const void *of_a, const void *of_b)
{
	const struct sortable *a = of_a, *b = of_b;
	int order = semver_compare(&a->version, &b->version);

	return order ? order : strcmp(a->text, b->text);
}

/* Puts the versions among the tags into their order, parsing each but once. */
static void sort_versions(struct tag_set *set)
{
	scoped(names_clearp) struct names shown = {0};
	scoped(freep) struct sortable *versions = NULL;
	char version[REFERENCE_TAG_MAX + 1];

	for (size_t i = 0; i < set->names.count; i++)
		if (layout_version_of_tag(names_get(&set->names, i), version))
			names_add(&shown, version, strlen(version));
	if (!shown.count)
		return;
	versions = must_alloc(shown.count * sizeof(*versions));
	for (size_t i = 0; i < shown.count; i++) {
		versions[i].text = names_get(&shown, i);
		semver_parse_loose(versions[i].text, &versions[i].version);
	}
	qsort(versions, shown.count, sizeof(*versions), compare);
	for (size_t i = 0; i < shown.count; i++)
		names_add(&set->versions, versions[i].text, strlen(versions[i].text));
	for (size_t i = 0; i < set->versions.count; i++)
		set->hash = set->hash * 31 + map_hash(names_get(&set->versions, i));
}

static int ask_tags(void *of, const struct wait *wait, struct error *err)
{
	struct question *question = of;
	struct facts *facts = question->mount->facts;
	uint64_t epoch = facts_epoch(facts, question->key);
	struct tag_set *set = must_alloc(sizeof(*set));
	bool has_tags;
	int r;

	set->asked_ms = clock_now_ms();
	r = registry_list_tags(
		question->registry, question->repository, &set->names, NULL, wait, err);
	if (r < 0 && r != -ENOENT) {
		free_tag_set(set);
		if (r == -EACCES)
			resolve_refused(question->mount, question->registry, question->repository);
		return r;
	}
	set->is_missing = r == -ENOENT;
	has_tags = set->names.count > 0;
	sort_versions(set);
	facts_put(facts, question->key, epoch, set, free_tag_set);
	if (has_tags)
		resolve_know_repository(question->mount, question->registry, question->repository);
	else if (r == -ENOENT)
		resolve_unknow_repository(
			question->mount, question->registry, question->repository);
	return 0;
}

/* By when the registry was asked: what a push added to the set does not make it younger. */
bool resolve_tags_are_fresh(const struct mount *mount, const struct fact *fact)
{
	const struct tag_set *set = fact_value(fact);

	return resolve_is_fresh(mount, fact) &&
	       clock_now_ms() - set->asked_ms < mount->options->ttl_ms;
}

int resolve_tags(
	struct call *call, struct registry *registry, const char *repository, struct fact **tags)
{
	struct question question = {.mount = call->mount,
		.registry = registry,
		.repository = repository,
		.ask = ask_tags,
		.is_fresh = resolve_tags_are_fresh};
	int r;

	resolve_key(question.key, registry, repository, ':', "");
	r = resolve_answer(call, &question, tags);
	if (r < 0)
		return r;
	if (!((const struct tag_set *)fact_value(*tags))->is_missing)
		return 0;
	fact_release(take(*tags));
	return fail(&call->err, ENOENT, "%s has no repository '%s'", registry_host(registry),
		repository);
}

struct fact *resolve_peek_tags(
	struct mount *mount, struct registry *registry, const char *repository)
{
	char key[RESOLVE_KEY_SIZE];

	resolve_key(key, registry, repository, ':', "");
	return facts_get(mount->facts, key);
}

void resolve_add_tag(
	struct mount *mount, struct registry *registry, const char *repository, const char *tag)
{
	scoped(fact_releasep) struct fact *fact = NULL;
	const struct tag_set *old;
	struct tag_set *set;
	char key[RESOLVE_KEY_SIZE];

	resolve_key(key, registry, repository, ':', "");
	/* One at a time, or of two pushes at once one would be missing. */
	pthread_mutex_lock(&mount->resolve->lock);
	fact = facts_get(mount->facts, key);
	if (!fact || !resolve_tags_are_fresh(mount, fact)) {
		facts_expire(mount->facts, key);
		pthread_mutex_unlock(&mount->resolve->lock);
		return;
	}
	old = fact_value(fact);
	set = must_alloc(sizeof(*set));
	set->asked_ms = old->asked_ms;
	for (size_t i = 0; i < old->names.count; i++)
		names_add(
			&set->names, names_get(&old->names, i), strlen(names_get(&old->names, i)));
	names_add(&set->names, tag, strlen(tag));
	names_sort(&set->names);
	sort_versions(set);
	facts_expire(mount->facts, key);
	facts_put(mount->facts, key, facts_epoch(mount->facts, key), set, free_tag_set);
	pthread_mutex_unlock(&mount->resolve->lock);
}
