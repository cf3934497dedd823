#include "cache/base/clock.h"
#include "cache/base/log.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/resolve_facts.h"

#include <string.h>

/* One registry's catalog as one identity may see it. Guarded by the lock of struct resolve. */
struct catalog {
	struct registry *registry;
	struct names known; /* given, visited, pushed: whatever a catalog says; sorted */
	bool is_running;
	bool is_there;             /* the registry has a catalog */
	unsigned rounds;           /* fetches that have ended */
	int64_t began_ms, took_ms; /* the last fetch */
	struct error err;          /* the last fetch's; code 0: it was good */
	char key[];                /* of its fact */
};

void resolve_free_catalog(void *of)
{
	struct catalog *catalog = of;

	names_clear(&catalog->known);
	free(catalog);
}

static void free_repositories(void *of)
{
	struct repositories *repositories = of;

	names_clear(&repositories->names);
	free(repositories);
}

bool resolve_has_repository(const struct names *repositories, const char *path)
{
	return names_has(repositories, path);
}

bool resolve_has_below(const struct names *repositories, const char *path)
{
	char prefix[REFERENCE_REPOSITORY_MAX + 2];
	size_t len = (size_t)snprintf(prefix, sizeof(prefix), "%s%s", path, *path ? "/" : "");
	size_t i = names_find(repositories, prefix);

	return len < sizeof(prefix) && i < repositories->count &&
	       strncmp(names_get(repositories, i), prefix, len) == 0;
}

static void add_all(struct names *to, const struct names *from)
{
	for (size_t i = 0; i < from->count; i++)
		names_add(to, names_get(from, i), strlen(names_get(from, i)));
}

/* -o repository=R is of this registry: R where SOURCE names a host, HOST/R with oci:// alone. */
static void add_given(struct catalog *catalog, const struct options *options)
{
	const char *host = registry_host(catalog->registry);
	size_t len = strlen(host);

	for (char **given = options->repositories; given && *given; given++) {
		const char *name = *given;

		if (!*options->host) {
			if (strncmp(name, host, len) != 0 || name[len] != '/')
				continue;
			name += len + 1;
		}
		if (reference_is_repository(name))
			names_add(&catalog->known, name, strlen(name));
	}
	names_sort(&catalog->known);
}

static struct catalog *catalog_locked(struct mount *mount, struct registry *registry)
{
	char key[RESOLVE_KEY_SIZE];
	struct catalog *catalog;

	resolve_key(key, registry, "", ';', "catalog");
	catalog = map_get(&mount->resolve->catalogs, key);
	if (catalog)
		return catalog;
	catalog = must_alloc(sizeof(*catalog) + strlen(key) + 1);
	memcpy(catalog->key, key, strlen(key) + 1);
	catalog->registry = registry;
	add_given(catalog, mount->options);
	map_put(&mount->resolve->catalogs, key, catalog);
	return catalog;
}

/* Puts what the registry said (consumed) and what is known beside it into the fact. */
static void put_locked(struct mount *mount, struct catalog *catalog, struct names *names,
	bool is_complete, int64_t asked_ms)
{
	struct repositories *value = must_alloc(sizeof(*value));

	for (size_t i = 0; i < names->count; i++)
		if (reference_is_repository(names_get(names, i)))
			names_add(&value->names, names_get(names, i), strlen(names_get(names, i)));
	add_all(&value->names, &catalog->known);
	names_sort(&value->names);
	value->is_complete = is_complete;
	value->asked_ms = asked_ms;
	facts_put(mount->facts, catalog->key, facts_epoch(mount->facts, catalog->key), value,
		free_repositories);
}

struct fetch {
	struct mount *mount;
	struct catalog *catalog;
};

static bool is_mount_ending(void *of)
{
	const struct mount *mount = of;

	return atomic_load(&mount->is_ending);
}

static void *fetch(void *of)
{
	scoped(freep) struct fetch *fetch = of;
	struct mount *mount = fetch->mount;
	struct resolve *resolve = mount->resolve;
	struct catalog *catalog = fetch->catalog;
	struct wait wait = {.is_over = is_mount_ending, .of = mount};
	scoped(names_clearp) struct names names = {0};
	struct error err = {0};
	int64_t began_ms = clock_now_ms();
	int r = registry_list_catalog(catalog->registry, &names, &wait, &err);

	if (r == -EACCES) {
		char all[RESOLVE_KEY_SIZE];

		/* The credentials themselves are refused: nothing of this host is theirs. */
		resolve_key(all, catalog->registry, "", '\0', "");
		facts_forget(mount->facts, all);
	}
	pthread_mutex_lock(&resolve->lock);
	catalog->began_ms = began_ms;
	catalog->took_ms = clock_now_ms() - began_ms;
	catalog->err = err;
	if (r == -ENOTSUP || r == -ENOENT) {
		log_info("%s has no list of its repositories: %s", registry_host(catalog->registry),
			err.text);
		catalog->err.code = 0;
		catalog->is_there = false;
		names_clear(&names);
		put_locked(mount, catalog, &names, false, began_ms);
	} else if (r == 0) {
		catalog->err.code = 0;
		catalog->is_there = true;
		put_locked(mount, catalog, &names, registry_has_whole_catalog(catalog->registry),
			began_ms);
	}
	catalog->is_running = false;
	catalog->rounds++;
	resolve->fetches--;
	pthread_cond_broadcast(&resolve->changed);
	pthread_mutex_unlock(&resolve->lock);
	return NULL;
}

static int start_locked(struct mount *mount, struct catalog *catalog, struct error *err)
{
	struct fetch *fetch_of;
	pthread_attr_t attributes;
	pthread_t thread;
	int r;

	if (catalog->is_running)
		return 0;
	if (atomic_load(&mount->is_ending))
		return fail(err, EINTR, "the mount is ending");
	fetch_of = must_alloc(sizeof(*fetch_of));
	*fetch_of = (struct fetch){mount, catalog};
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	catalog->is_running = true;
	mount->resolve->fetches++;
	r = pthread_create(&thread, &attributes, fetch, fetch_of);
	pthread_attr_destroy(&attributes);
	if (r != 0) {
		catalog->is_running = false;
		mount->resolve->fetches--;
		free(fetch_of);
		return fail(err, r, "cannot start a thread");
	}
	return 0;
}

/* Starts a fetch unless one is running, and waits for the one that runs. */
static int fetch_and_wait_locked(struct call *call, struct catalog *catalog)
{
	struct resolve *resolve = call->mount->resolve;
	int r = start_locked(call->mount, catalog, &call->err);
	unsigned round = catalog->rounds;

	while (r == 0 && catalog->rounds == round)
		if (wait_step(&call->wait, &resolve->changed, &resolve->lock, 0) < 0)
			return fail(&call->err, EINTR, "cancelled while listing %s",
				registry_host(catalog->registry));
	if (r == 0 && catalog->err.code) {
		call->err = catalog->err;
		r = -catalog->err.code;
	}
	return r;
}

/* Whether it is time for a renewal. */
static bool is_due(
	const struct mount *mount, const struct catalog *catalog, const struct fact *fact)
{
	const struct repositories *repositories = fact_value(fact);
	int64_t age_ms = clock_now_ms() - repositories->asked_ms;
	int64_t due_ms = catalog->took_ms * 20;

	if (fact_age_ms(fact) == INT64_MAX)
		return true;
	if (!catalog->is_there && !repositories->is_complete)
		return age_ms >= RESOLVE_LASTING_MS;
	return age_ms >= (due_ms > mount->options->ttl_ms ? due_ms : mount->options->ttl_ms);
}

/* A renewal that nobody waits for. One that has failed is not repeated at once. */
static void renew_locked(struct mount *mount, struct catalog *catalog)
{
	struct error ignored;

	if (catalog->err.code && clock_now_ms() - catalog->began_ms < mount->options->ttl_ms)
		return;
	start_locked(mount, catalog, &ignored);
}

int resolve_repositories(
	struct call *call, struct registry *registry, bool is_fresh, struct fact **repositories)
{
	struct mount *mount = call->mount;
	struct catalog *catalog;
	int r = 0;

	pthread_mutex_lock(&mount->resolve->lock);
	catalog = catalog_locked(mount, registry);
	*repositories = facts_get(mount->facts, catalog->key);
	if (*repositories && is_due(mount, catalog, *repositories)) {
		if (is_fresh)
			fact_release(take(*repositories));
		else if (call->may_wait)
			renew_locked(mount, catalog);
	}
	for (int tries = 0; r == 0 && !*repositories; tries++) {
		if (!call->may_wait)
			r = -EWOULDBLOCK;
		else if (tries == 3)
			r = fail(&call->err, EIO, "%s: too much is going on to list it",
				registry_host(registry));
		else
			r = fetch_and_wait_locked(call, catalog);
		if (r == 0)
			*repositories = facts_get(mount->facts, catalog->key);
	}
	pthread_mutex_unlock(&mount->resolve->lock);
	return r;
}

struct fact *resolve_peek_repositories(struct mount *mount, struct registry *registry)
{
	char key[RESOLVE_KEY_SIZE];

	resolve_key(key, registry, "", ';', "catalog");
	return facts_get(mount->facts, key);
}

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
	put_locked(mount, catalog, &names, old->is_complete, old->asked_ms);
}

void resolve_know_repository(struct mount *mount, struct registry *registry, const char *repository)
{
	scoped(fact_releasep) struct fact *fact = NULL;
	struct catalog *catalog;

	pthread_mutex_lock(&mount->resolve->lock);
	catalog = catalog_locked(mount, registry);
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
	catalog = catalog_locked(mount, registry);
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

int resolve_has_children(
	struct call *call, struct registry *registry, const char *path, bool *has_children)
{
	scoped(fact_releasep) struct fact *fact = NULL;
	int r = resolve_repositories(call, registry, false, &fact);

	if (r == 0)
		*has_children = resolve_has_below(fact_value(fact), path);
	return r;
}

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
		free_repositories(value);
		return r;
	}
	names_sort(&value->names);
	facts_put(facts, question->key, epoch, value, free_repositories);
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
	if (r == 0)
		add_all(names, fact_value(fact));
	return r;
}
