#include "fs/resolve_catalog.h"
#include "cache/base/clock.h"
#include "cache/base/log.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"

#include <string.h>

/* How long a registry whose catalog fails has to say that it is there. */
enum { PING_MS = 5000 };

void resolve_free_catalog(void *of)
{
	struct catalog *catalog = of;

	names_clear(&catalog->given);
	names_clear(&catalog->known);
	free(catalog);
}

void resolve_free_repositories(void *of)
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
			names_add(&catalog->given, name, strlen(name));
	}
	names_sort(&catalog->given);
	add_all(&catalog->known, &catalog->given);
	names_sort(&catalog->known);
}

struct catalog *resolve_catalog_locked(struct mount *mount, struct registry *registry)
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

void resolve_put_catalog_locked(struct mount *mount, struct catalog *catalog,
	const struct names *names, const struct repositories *like)
{
	struct repositories *value = must_alloc(sizeof(*value));

	for (size_t i = 0; i < names->count; i++)
		if (reference_is_repository(names_get(names, i)))
			names_add(&value->names, names_get(names, i), strlen(names_get(names, i)));
	add_all(&value->names, &catalog->known);
	names_sort(&value->names);
	value->is_complete = like->is_complete;
	value->is_partial = like->is_partial;
	value->asked_ms = like->asked_ms;
	facts_put(mount->facts, catalog->key, facts_epoch(mount->facts, catalog->key), value,
		resolve_free_repositories);
}

struct fetch {
	struct mount *mount;
	struct catalog *catalog;
	int64_t began_ms;
};

/* The first page is enough for those who only ask whether a name is in there; an older answer that
 * was whole is better. */
static void show_first_page(void *of, const struct names *so_far)
{
	struct fetch *fetch = of;
	struct mount *mount = fetch->mount;
	struct catalog *catalog = fetch->catalog;
	struct repositories partial = {.is_partial = true, .asked_ms = fetch->began_ms};
	struct fact *older;

	pthread_mutex_lock(&mount->resolve->lock);
	if (!catalog->has_page) {
		older = facts_get(mount->facts, catalog->key);
		if (!older || ((const struct repositories *)fact_value(older))->is_partial)
			resolve_put_catalog_locked(mount, catalog, so_far, &partial);
		fact_release(older);
		catalog->has_page = true;
		pthread_cond_broadcast(&mount->resolve->changed);
	}
	pthread_mutex_unlock(&mount->resolve->lock);
}

static bool is_mount_ending(void *of)
{
	const struct mount *mount = of;

	return atomic_load(&mount->is_ending);
}

/* The catalog cannot be had, but the registry answers: then all that is asked by its name is there
 * as ever, and the catalog counts as one whose pages have not all come. */
static void note_failure_locked(struct fetch *fetch, const struct error *err, bool is_alone)
{
	struct catalog *catalog = fetch->catalog;
	struct repositories partial = {.is_partial = true, .asked_ms = fetch->began_ms};
	scoped(fact_releasep) struct fact *older = facts_get(fetch->mount->facts, catalog->key);

	if (is_alone && !catalog->is_alone)
		log_warn("%s; until that passes, names are found without it but not listed",
			err->text);
	catalog->err = *err;
	catalog->is_alone = is_alone;
	if (is_alone && !older)
		resolve_put_catalog_locked(fetch->mount, catalog, &catalog->known, &partial);
}

/* What the fetch came to: the fact, or why there is none. */
static void note_result_locked(
	struct fetch *fetch, int r, struct names *names, struct error *err, bool is_alone)
{
	struct catalog *catalog = fetch->catalog;
	struct repositories like = {
		.is_complete = r == 0 && registry_has_whole_catalog(catalog->registry),
		.asked_ms = fetch->began_ms};

	catalog->began_ms = fetch->began_ms;
	catalog->took_ms = clock_now_ms() - fetch->began_ms;
	if (r == -ENOTSUP || r == -ENOENT) {
		log_info("%s has no list of its repositories: %s", registry_host(catalog->registry),
			err->text);
		names_clear(names);
	} else if (r < 0) {
		note_failure_locked(fetch, err, is_alone);
		return;
	}
	catalog->err = (struct error){0};
	catalog->is_alone = false;
	catalog->is_there = r == 0;
	resolve_put_catalog_locked(fetch->mount, catalog, names, &like);
}

/* Lists; a failure is the catalog's alone where the registry lets these credentials in meanwhile.
 */
static int list(struct fetch *fetch, struct names *names, struct error *err, bool *is_alone)
{
	struct registry *registry = fetch->catalog->registry;
	struct wait wait = {.is_over = is_mount_ending, .of = fetch->mount};
	struct page_listener pages = {.more = show_first_page, .of = fetch};
	struct error ping_err = {0};
	struct wait_limit limit;
	int r = registry_list_catalog(registry, names, &pages, &wait, err), ping;

	*is_alone = false;
	if (r == 0 || r == -ENOTSUP || r == -ENOENT || r == -EACCES || r == -EINTR)
		return r;
	wait_limit_begin(&limit, &wait, PING_MS);
	ping = registry_ping(registry, &limit.wait, &ping_err);
	*is_alone = ping == 0;
	if (ping != -EACCES)
		return r;
	*err = ping_err;
	return ping;
}

static void *fetch(void *of)
{
	scoped(freep) struct fetch *fetch = of;
	struct mount *mount = fetch->mount;
	struct resolve *resolve = mount->resolve;
	struct catalog *catalog = fetch->catalog;
	scoped(names_clearp) struct names names = {0};
	struct error err = {0};
	bool is_alone;
	int r = list(fetch, &names, &err, &is_alone);

	if (r == -EACCES) {
		char all[RESOLVE_KEY_SIZE];

		/* The credentials themselves are refused: nothing of this host is theirs. */
		resolve_key(all, catalog->registry, "", '\0', "");
		facts_forget(mount->facts, all);
	}
	pthread_mutex_lock(&resolve->lock);
	note_result_locked(fetch, r, &names, &err, is_alone);
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
	*fetch_of = (struct fetch){mount, catalog, clock_now_ms()};
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	catalog->is_running = true;
	catalog->has_page = false;
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

/* Whether the last fetch has failed so lately that nobody is made to wait for another. */
static bool has_failed_lately(const struct mount *mount, const struct catalog *catalog)
{
	int64_t ttl_ms = mount->options->ttl_ms;
	int64_t most_ms = catalog->took_ms > ttl_ms ? catalog->took_ms : ttl_ms;

	return catalog->err.code && clock_now_ms() - catalog->began_ms - catalog->took_ms < most_ms;
}

/* Starts a fetch unless one is running, and waits for the one that runs, or for its first page. For
 * who wants no more than that, a catalog that alone fails is as good. */
static int fetch_and_wait_locked(struct call *call, struct catalog *catalog, bool is_page_enough)
{
	struct resolve *resolve = call->mount->resolve;
	unsigned round = catalog->rounds;
	int r;

	if (!is_page_enough && catalog->is_alone && has_failed_lately(call->mount, catalog)) {
		call->err = catalog->err;
		return -catalog->err.code;
	}
	r = start_locked(call->mount, catalog, &call->err);
	while (r == 0 && catalog->rounds == round && !(is_page_enough && catalog->has_page))
		if (wait_step(&call->wait, &resolve->changed, &resolve->lock, 0) < 0)
			return fail(&call->err, EINTR, "cancelled while listing %s",
				registry_host(catalog->registry));
	if (r == 0 && catalog->rounds != round && catalog->err.code &&
		!(is_page_enough && catalog->is_alone)) {
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

	if (fact_age_ms(fact) == INT64_MAX || repositories->is_partial)
		return true;
	if (!catalog->is_there && !repositories->is_complete)
		return age_ms >= RESOLVE_LASTING_MS;
	return age_ms >= (due_ms > mount->options->ttl_ms ? due_ms : mount->options->ttl_ms);
}

/* A renewal that nobody waits for. One that has failed is not repeated at once. */
static void renew_locked(struct mount *mount, struct catalog *catalog)
{
	struct error ignored;

	if (!has_failed_lately(mount, catalog))
		start_locked(mount, catalog, &ignored);
}

int resolve_repositories(
	struct call *call, struct registry *registry, bool is_fresh, struct fact **repositories)
{
	struct mount *mount = call->mount;
	struct catalog *catalog;
	int r = 0;

	pthread_mutex_lock(&mount->resolve->lock);
	catalog = resolve_catalog_locked(mount, registry);
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
			r = fetch_and_wait_locked(call, catalog, !is_fresh);
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

bool resolve_lacks_catalog(struct mount *mount, struct registry *registry)
{
	bool lacks;

	pthread_mutex_lock(&mount->resolve->lock);
	lacks = resolve_catalog_locked(mount, registry)->is_alone;
	pthread_mutex_unlock(&mount->resolve->lock);
	return lacks;
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
