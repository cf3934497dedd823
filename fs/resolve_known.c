/* Repositories that are known beside a catalog, or where there is none: given, visited, pushed. */
#include "cache/base/scope.h"
#include "fs/resolve_catalog.h"

#include <string.h>

/* Makes the fact anew after `known` has changed, with the age it has. */
static void remake_locked(struct mount *mount, struct catalog *catalog, const char *without)
{
	scoped(fact_releasep) struct fact *fact = facts_get(mount->facts, catalog->key);
	scoped(names_clearp) struct names names = {0};
	const struct repositories *old;

	if (!fact || fact_age_ms(fact) == INT64_MAX)
		return;
	old = fact_value(fact);
	for (size_t i = 0; i < old->names.count; i++) {
		const char *name = names_get(&old->names, i);

		if (!without || strcmp(name, without) != 0)
			names_add(&names, name, strlen(name));
	}
	resolve_put_catalog_locked(mount, catalog, &names, old);
}

void resolve_know_repository(struct mount *mount, struct registry *registry, const char *repository)
{
	scoped(fact_releasep) struct fact *fact = NULL;
	struct catalog *catalog;

	pthread_mutex_lock(&mount->resolve->lock);
	catalog = resolve_catalog_locked(mount, registry);
	fact = facts_get(mount->facts, catalog->key);
	/* What a catalog holds goes when the catalog drops it. */
	if (!names_has(&catalog->known, repository) &&
		(!fact || !names_has(fact_value(fact), repository))) {
		names_add(&catalog->known, repository, strlen(repository));
		names_sort(&catalog->known);
		remake_locked(mount, catalog, NULL);
	}
	pthread_mutex_unlock(&mount->resolve->lock);
}

/* Only what stands beside the catalog is dropped: what a catalog still lists is shown, as an empty
 * directory. */
void resolve_unknow_repository(
	struct mount *mount, struct registry *registry, const char *repository)
{
	struct catalog *catalog;
	struct names rest = {0};

	pthread_mutex_lock(&mount->resolve->lock);
	catalog = resolve_catalog_locked(mount, registry);
	if (names_has(&catalog->known, repository)) {
		for (size_t i = 0; i < catalog->known.count; i++) {
			const char *name = names_get(&catalog->known, i);

			if (strcmp(name, repository) != 0)
				names_add(&rest, name, strlen(name));
		}
		names_sort(&rest);
		names_clear(&catalog->known);
		catalog->known = rest;
		remake_locked(mount, catalog, repository);
	}
	pthread_mutex_unlock(&mount->resolve->lock);
}

bool resolve_is_known(struct mount *mount, struct registry *registry, const char *path)
{
	const struct names *known;
	bool is_known;

	pthread_mutex_lock(&mount->resolve->lock);
	known = &resolve_catalog_locked(mount, registry)->known;
	is_known = resolve_has_repository(known, path) || resolve_has_below(known, path);
	pthread_mutex_unlock(&mount->resolve->lock);
	return is_known;
}

struct fact *resolve_given_repositories(
	struct mount *mount, struct registry *registry, const char *path)
{
	scoped(names_clearp) struct names given = {0};
	struct fact *fact = NULL;
	struct catalog *catalog;

	pthread_mutex_lock(&mount->resolve->lock);
	catalog = resolve_catalog_locked(mount, registry);
	/* Those that the registry has denied since are known no more. */
	for (size_t i = 0; i < catalog->given.count; i++) {
		const char *name = names_get(&catalog->given, i);

		if (names_has(&catalog->known, name))
			names_add(&given, name, strlen(name));
	}
	if (resolve_has_below(&given, path))
		fact = facts_get(mount->facts, catalog->key);
	pthread_mutex_unlock(&mount->resolve->lock);
	return fact;
}
