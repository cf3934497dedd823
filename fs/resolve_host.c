#include "cache/base/clock.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/layout.h"
#include "fs/resolve_facts.h"

#include <string.h>

static char answers, does_not_answer; /* the values of facts of hosts: their addresses count */

static void keep(void *value)
{
	(void)value;
}

static int ask_host(void *of, const struct wait *wait, struct error *err)
{
	struct question *question = of;
	struct facts *facts = question->mount->facts;
	uint64_t epoch = facts_epoch(facts, question->key);
	int r = registry_ping(question->registry, wait, err);

	/* Nothing there, or nothing of that name: no host. A registry that refuses is one. What
	 * cannot be told (a timeout, a certificate) is no answer. */
	if (r == 0 || r == -EACCES)
		facts_put(facts, question->key, epoch, &answers, keep);
	else if (r == -ENOENT || r == -EHOSTUNREACH)
		facts_put(facts, question->key, epoch, &does_not_answer, keep);
	else
		return r;
	return 0;
}

static bool is_host_fresh(const struct mount *mount, const struct fact *fact)
{
	return fact_value(fact) == &answers ? fact_age_ms(fact) < RESOLVE_LASTING_MS
					    : resolve_is_fresh(mount, fact);
}

static void free_names(void *of)
{
	names_clear(of);
	free(of);
}

/* The hosts with credentials, which are read from files: once in a ttl. */
static int stored_hosts(struct call *call, struct fact **hosts)
{
	struct facts *facts = call->mount->facts;
	struct names *names;
	int r;

	*hosts = facts_get(facts, ";hosts");
	if (*hosts && resolve_is_fresh(call->mount, *hosts))
		return 0;
	fact_release(take(*hosts));
	if (!call->may_wait)
		return -EWOULDBLOCK;
	names = must_alloc(sizeof(*names));
	r = client_list_hosts(call->mount->client, names, &call->err);
	if (r < 0) {
		free_names(names);
		return r;
	}
	names_sort(names);
	facts_put(facts, ";hosts", facts_epoch(facts, ";hosts"), names, free_names);
	*hosts = facts_get(facts, ";hosts");
	return *hosts ? 0 : fail(&call->err, EIO, "too much is going on to list the registries");
}

int resolve_hosts(struct call *call, struct names *hosts)
{
	struct resolve *resolve = call->mount->resolve;
	scoped(fact_releasep) struct fact *stored = NULL;
	const struct names *names;
	int r = stored_hosts(call, &stored);

	if (r < 0)
		return r;
	names = fact_value(stored);
	for (size_t i = 0; i < names->count; i++)
		names_add(hosts, names_get(names, i), strlen(names_get(names, i)));
	pthread_mutex_lock(&resolve->lock);
	for (size_t i = 0; i < resolve->hosts.count; i++)
		names_add(hosts, names_get(&resolve->hosts, i),
			strlen(names_get(&resolve->hosts, i)));
	pthread_mutex_unlock(&resolve->lock);
	names_sort(hosts);
	return 0;
}

static void visit(struct resolve *resolve, const char *host)
{
	pthread_mutex_lock(&resolve->lock);
	if (!names_has(&resolve->hosts, host)) {
		names_add(&resolve->hosts, host, strlen(host));
		names_sort(&resolve->hosts);
	}
	pthread_mutex_unlock(&resolve->lock);
}

int resolve_host(struct call *call, const char *name, struct registry **registry)
{
	struct mount *mount = call->mount;
	scoped(names_clearp) struct names known = {0};
	scoped(fact_releasep) struct fact *fact = NULL;
	struct question question = {
		.mount = mount, .repository = "", .ask = ask_host, .is_fresh = is_host_fresh};
	char host[REFERENCE_HOST_MAX + 1];
	int r;

	if (!reference_is_sure_host(name) || strpbrk(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") ||
		layout_is_scratch(name) || layout_is_archive(name) || layout_is_provenance(name))
		return fail(&call->err, ENOENT, "'%s' is not the name of a registry", name);
	reference_set_host(name, strlen(name), host);
	r = resolve_hosts(call, &known);
	if (r < 0)
		return r;
	if (names_has(&known, host)) {
		*registry = client_registry(mount->client, host);
		return 0;
	}
	/* Addresses of the machine's surroundings (cloud metadata among them) are asked only where
	 * the user has named them. */
	if (mount->options->allow_other || reference_is_link_local(host))
		return fail(&call->err, ENOENT, "'%s' is no registry that this mount knows", name);
	question.registry = client_registry(mount->client, host);
	snprintf(question.key, sizeof(question.key), ";host/%s", host);
	r = resolve_answer(call, &question, &fact);
	if (r < 0)
		return r;
	if (fact_value(fact) != &answers)
		return fail(&call->err, ENOENT, "no registry answers at '%s'", host);
	visit(mount->resolve, host);
	*registry = question.registry;
	return 0;
}

/* Only that the credentials are good is a fact: a refusal is asked again. */
static int ask_ping(void *of, const struct wait *wait, struct error *err)
{
	struct question *question = of;
	struct facts *facts = question->mount->facts;
	uint64_t epoch = facts_epoch(facts, question->key);
	int r = registry_ping(question->registry, wait, err);

	if (r == 0)
		facts_put(facts, question->key, epoch, &answers, keep);
	return r;
}

int resolve_ping(struct call *call, struct registry *registry)
{
	scoped(fact_releasep) struct fact *fact = NULL;
	struct question question = {.mount = call->mount,
		.registry = registry,
		.repository = "",
		.ask = ask_ping,
		.is_fresh = is_host_fresh};

	resolve_key(question.key, registry, "", ';', "ping");
	return resolve_answer(call, &question, &fact);
}
