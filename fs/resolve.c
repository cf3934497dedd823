/*
 * Freshness: what is asked when, and what is believed for how long.
 *
 * A registry is asked four kinds of things: which tags a repository has, which manifest a tag
 * means, which repositories there are, and (in the root of oci://) whether a host is a registry.
 * Each answer is a fact with an age. Facts younger than the mount's ttl answer without a request,
 * "there is no such thing" among them; older ones are asked again by whoever needs them first, and
 * of many who need the same at once one asks (cache/flight.h). A failure to ask is no fact: it is
 * told to those who wait for it, and never turned into "no such file".
 *
 * Which fact answers what:
 *
 *	ls CHART		its tags; child repositories by the catalog that is at hand
 *	lookup of a version	its chart's tags, never the manifest
 *	inside a version	its manifest, by tag
 *	ls NAMESPACE		the catalog
 *	lookup of another name	the catalog at hand, if the name is in there; else its tags; else,
 *				if it has none, the first catalog, which is waited for once
 *
 * The catalog is special, for it may be large. It is fetched by a thread of its own, at most every
 * max(ttl, 20 times what it took), and only listings of namespaces wait for its renewal: lookups
 * and listings of charts believe an old one. That is safe because a lookup that does not find its
 * name there asks for its tags, and because what this mount visited or pushed is known beside the
 * catalog. "No catalog" is a fact that holds ten minutes. One that fails while the registry answers
 * its ping counts as one whose pages have not all come: names are found by their tags, or may be;
 * charts show their versions; only who reads a namespace's directory is told, and at once if the
 * last fetch failed less than max(ttl, what it took) ago. What the user gave is shown all the same.
 *
 * Identities: every key begins with IDENTITY/HOST, and the identity differs between credentials.
 * So nobody lists or opens what another's credentials have found. A refusal (401, 403) drops all
 * that this identity knew of the repository, and one of the catalog (which means: of the
 * credentials as such) all that it knew of the host.
 *
 * Epochs: an answer that was on its way while this mount pushed may be older than the push. Who
 * asks takes the key's epoch first, resolve_pushed() moves it, and an answer from before is
 * dropped and asked for again. What a push has made is put into the facts at once, with the age of
 * what it was added to, so that pushing often does not keep other people's changes out of sight.
 */
#include "fs/resolve.h"

#include "cache/base/clock.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/resolve_facts.h"

#include <string.h>

/* -o repository=R; with oci:// alone it is HOST/R, and the host is one that was given. */
static void add_given_hosts(struct resolve *resolve)
{
	const struct options *options = resolve->mount->options;
	char **given = options->repositories;

	for (; !*options->host && given && *given; given++)
		names_add(&resolve->hosts, *given, strcspn(*given, "/"));
	names_sort(&resolve->hosts);
}

struct resolve *resolve_new(struct mount *mount)
{
	struct resolve *resolve = must_alloc(sizeof(*resolve));

	resolve->mount = mount;
	pthread_mutex_init(&resolve->lock, NULL);
	wait_condition_init(&resolve->changed);
	add_given_hosts(resolve);
	return resolve;
}

void resolve_stop(struct resolve *resolve)
{
	pthread_mutex_lock(&resolve->lock);
	while (resolve->fetches)
		pthread_cond_wait(&resolve->changed, &resolve->lock);
	pthread_mutex_unlock(&resolve->lock);
}

void resolve_free(struct resolve *resolve)
{
	if (!resolve)
		return;
	map_clear(&resolve->catalogs, resolve_free_catalog);
	names_clear(&resolve->hosts);
	pthread_cond_destroy(&resolve->changed);
	pthread_mutex_destroy(&resolve->lock);
	free(resolve);
}

void resolve_key(char key[RESOLVE_KEY_SIZE], struct registry *registry, const char *repository,
	char separator, const char *rest)
{
	char identity[REGISTRY_IDENTITY_SIZE];

	registry_identity(registry, repository, identity);
	snprintf(key, RESOLVE_KEY_SIZE, "%s/%s/%s%c%s", identity, registry_host(registry),
		repository, separator, rest);
}

bool resolve_is_fresh(const struct mount *mount, const struct fact *fact)
{
	return fact_age_ms(fact) < mount->options->ttl_ms;
}

/* An answer that has been waited for since `since_ms` will do though the ttl be 0. */
static bool is_good(const struct question *question, const struct fact *fact, int64_t since_ms)
{
	/* One after the other: the clock goes on between them, and only so to the answer's good. */
	int64_t age_ms = fact_age_ms(fact), waited_ms = clock_now_ms() - since_ms;

	if (since_ms && age_ms <= waited_ms)
		return true;
	return question->is_fresh ? question->is_fresh(question->mount, fact)
				  : resolve_is_fresh(question->mount, fact);
}

int resolve_answer(struct call *call, struct question *question, struct fact **fact)
{
	int64_t since_ms = clock_now_ms();
	int r;

	/* An answer that a push has overtaken is asked for again; not for ever. */
	for (int tries = 0; tries < 4; tries++) {
		*fact = facts_get(call->mount->facts, question->key);
		if (*fact && is_good(question, *fact, tries ? since_ms : 0))
			return 0;
		fact_release(take(*fact));
		if (!call->may_wait)
			return -EWOULDBLOCK;
		r = flights_run(call->mount->flights, question->key, question->ask, question,
			&call->wait, &call->err);
		if (r == -EINTR)
			return fail(&call->err, EINTR, "cancelled while asking %s",
				registry_host(question->registry));
		if (r < 0)
			return r;
	}
	return fail(&call->err, EIO, "%s: '%s' changes faster than it can be read",
		registry_host(question->registry), question->repository);
}

int resolve_peek_tag(struct mount *mount, struct registry *registry, const char *repository,
	const char *tag, bool *has_digest, struct digest *digest)
{
	scoped(fact_releasep) struct fact *manifest = NULL, *tags = NULL;
	char key[RESOLVE_KEY_SIZE];

	*has_digest = false;
	resolve_key(key, registry, repository, ':', tag);
	manifest = facts_get(mount->facts, key);
	if (manifest && resolve_is_fresh(mount, manifest)) {
		if (resolve_is_no_manifest(manifest))
			return 0;
		*has_digest = true;
		*digest = ((const struct manifest *)fact_value(manifest))->digest;
		return 1;
	}
	resolve_key(key, registry, repository, ':', "");
	tags = facts_get(mount->facts, key);
	if (tags && resolve_tags_are_fresh(mount, tags))
		return names_has(fact_value(tags), tag);
	return -1;
}

void resolve_pushed(struct mount *mount, struct registry *registry, const char *repository,
	const char *tag, const void *manifest, size_t len)
{
	resolve_add_tag(mount, registry, repository, tag);
	resolve_add_manifest(mount, registry, repository, tag, manifest, len);
	resolve_know_repository(mount, registry, repository);
}

void resolve_refused(struct mount *mount, struct registry *registry, const char *repository)
{
	resolve_doubt(mount, registry, repository);
	resolve_unknow_repository(mount, registry, repository);
}
