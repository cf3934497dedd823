/*
 * What names mean and what finding out costs: lookups and listings over a registry that is scripted
 * here and notes each request, so that every case tells which ones it may send.
 */
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/listing.h"
#include "fs/local.h"
#include "fs/lookup.h"
#include "fs/mount.h"
#include "fs/resolve.h"
#include "fs/spool.h"
#include "tests/unit/tap.h"

#include <pthread.h>
#include <sys/stat.h>

/* ---- the registry ---- */

struct repository {
	const char *name;
	const char *tags[6];
	int failure; /* of all questions about it: EACCES, ... */
};

struct registry {
	char host[64];
};

static struct {
	const struct repository *repositories;
	size_t count;
	int catalog; /* 0, or how asking for it fails */
	int failure; /* of every request, as if the network were gone */
	int ping;
	bool has_children;
	bool is_partial; /* the catalog */
	const char *identity;
} world;

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char request_log[4096];

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
	__builtin_va_list args;
	size_t len;

	pthread_mutex_lock(&log_lock);
	len = strlen(request_log);
	__builtin_va_start(args, format);
	vsnprintf(request_log + len, sizeof(request_log) - len, format, args);
	__builtin_va_end(args);
	pthread_mutex_unlock(&log_lock);
}

static const struct repository *find(const char *name)
{
	for (size_t i = 0; i < world.count; i++)
		if (strcmp(world.repositories[i].name, name) == 0)
			return &world.repositories[i];
	return NULL;
}

static int fail_if(int code, struct error *err)
{
	return code ? fail(err, code, "the test says %d", code) : 0;
}

static struct registry registries[8];

struct registry *client_registry(struct client *client, const char *host)
{
	size_t i = 0;

	(void)client;
	while (registries[i].host[0] && strcmp(registries[i].host, host) != 0)
		i++;
	snprintf(registries[i].host, sizeof(registries[i].host), "%s", host);
	return &registries[i];
}

const char *registry_host(const struct registry *registry)
{
	return registry->host;
}

void registry_identity(
	struct registry *registry, const char *repository, char identity[REGISTRY_IDENTITY_SIZE])
{
	(void)registry;
	(void)repository;
	snprintf(identity, REGISTRY_IDENTITY_SIZE, "%s", world.identity);
}

int client_list_hosts(struct client *client, struct names *hosts, struct error *err)
{
	(void)client;
	(void)err;
	return names_add(hosts, "stored.example", 14);
}

int registry_ping(struct registry *registry, const struct wait *wait, struct error *err)
{
	(void)wait;
	note("ping %s;", registry->host);
	return fail_if(world.failure ? world.failure : world.ping, err);
}

int registry_list_tags(struct registry *registry, const char *repository, struct names *tags,
	size_t *hidden, const struct wait *wait, struct error *err)
{
	const struct repository *found = find(repository);
	int failure = world.failure ? world.failure : found ? found->failure : ENOENT;

	(void)registry;
	(void)hidden;
	(void)wait;
	note("tags %s;", repository);
	for (size_t i = 0; !failure && i < 6 && found->tags[i]; i++)
		names_add(tags, found->tags[i], strlen(found->tags[i]));
	names_sort(tags);
	return fail_if(failure, err);
}

/* After a first page of two it waits until it is told to go on. */
static pthread_cond_t page_gate = PTHREAD_COND_INITIALIZER;
static bool is_gate_shut; /* guarded by log_lock */

static void set_gate(bool is_shut)
{
	pthread_mutex_lock(&log_lock);
	is_gate_shut = is_shut;
	pthread_cond_broadcast(&page_gate);
	pthread_mutex_unlock(&log_lock);
}

static bool has_gate(void)
{
	bool is_shut;

	pthread_mutex_lock(&log_lock);
	is_shut = is_gate_shut;
	pthread_mutex_unlock(&log_lock);
	return is_shut;
}

int registry_list_catalog(struct registry *registry, struct names *repositories,
	const struct page_listener *pages, const struct wait *wait, struct error *err)
{
	int failure = world.failure ? world.failure : world.catalog;

	(void)registry;
	(void)wait;
	note("catalog;");
	for (size_t i = 0; !failure && i < world.count; i++) {
		names_add(repositories, world.repositories[i].name,
			strlen(world.repositories[i].name));
		if (i != 1 || !has_gate())
			continue;
		pages->more(pages->of, repositories);
		pthread_mutex_lock(&log_lock);
		while (is_gate_shut)
			pthread_cond_wait(&page_gate, &log_lock);
		pthread_mutex_unlock(&log_lock);
	}
	names_sort(repositories);
	return fail_if(failure, err);
}

bool registry_has_whole_catalog(struct registry *registry)
{
	(void)registry;
	return !world.is_partial;
}

int registry_list_children(struct registry *registry, const char *prefix,
	struct names *repositories, const struct wait *wait, struct error *err)
{
	(void)registry;
	(void)wait;
	if (!world.has_children)
		return fail_if(ENOTSUP, err);
	note("children %s;", prefix);
	for (size_t i = 0; i < world.count; i++)
		names_add(repositories, world.repositories[i].name,
			strlen(world.repositories[i].name));
	return 0;
}

#define CHART_BYTES "the bytes of a chart"

static void describe(struct buf *bytes, const char *type, const char *text, const char *title)
{
	char digest_text[DIGEST_TEXT_SIZE];
	struct digest digest = digest_of(text, strlen(text));

	digest_print(&digest, digest_text);
	buf_printf(bytes, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu", type, digest_text,
		strlen(text));
	if (title)
		buf_printf(bytes, ",\"annotations\":{\"org.opencontainers.image.title\":\"%s\"}",
			title);
	buf_add(bytes, "}");
}

/* The tag says what its manifest is: "artifact", "index", one with '-p' has provenance. */
static void write_manifest(const char *tag, struct buf *bytes)
{
	bool is_artifact = strcmp(tag, "artifact") == 0;

	if (strcmp(tag, "index") == 0) {
		buf_add(bytes, "{\"schemaVersion\":2,\"mediaType\":"
			       "\"application/vnd.oci.image.index.v1+json\",\"manifests\":[]}");
		return;
	}
	buf_add(bytes, "{\"schemaVersion\":2,\"config\":");
	describe(bytes, is_artifact ? "application/x" : MANIFEST_CONFIG_TYPE, "{}", NULL);
	buf_add(bytes, ",\"layers\":[");
	if (is_artifact) {
		describe(bytes, "text/plain", "one", "one.txt");
		buf_add(bytes, ",");
		describe(bytes, "text/plain", "two", "one.txt");
		buf_add(bytes, ",");
		describe(bytes, "text/plain", "three", "../etc");
		buf_add(bytes, ",");
		describe(bytes, "text/plain", "one", "one.txt");
	} else {
		describe(bytes, MANIFEST_CHART_TYPE, CHART_BYTES, NULL);
	}
	if (strstr(tag, "-p")) {
		buf_add(bytes, ",");
		describe(bytes, MANIFEST_PROV_TYPE, "prov", NULL);
	}
	buf_add(bytes, "],\"annotations\":{\"org.opencontainers.image.created\":"
		       "\"2024-05-06T07:08:09Z\"}}");
}

int registry_fetch_manifest(struct registry *registry, const char *repository,
	const char *reference, struct buf *bytes, struct digest *digest, const struct wait *wait,
	struct error *err)
{
	const struct repository *found = find(repository);
	int failure = world.failure ? world.failure : found ? found->failure : ENOENT;
	bool has = false;

	(void)registry;
	(void)wait;
	note("manifest %s:%s;", repository, reference);
	for (size_t i = 0; found && i < 6 && found->tags[i]; i++)
		has = has || strcmp(found->tags[i], reference) == 0;
	if (!failure && !has)
		failure = ENOENT;
	if (!failure) {
		write_manifest(reference, bytes);
		*digest = digest_of(bytes->at, bytes->len);
	}
	return fail_if(failure, err);
}

int registry_fetch_blob(struct registry *registry, const char *repository,
	const struct digest *digest, uint64_t size, const struct sink *sink,
	const struct wait *wait, struct error *err)
{
	(void)registry;
	(void)digest;
	(void)size;
	(void)wait;
	note("blob %s;", repository);
	if (world.failure)
		return fail_if(world.failure, err);
	return sink->append(sink->to, CHART_BYTES, strlen(CHART_BYTES), err);
}

/* ---- in the place of this mount's own names ---- */

static bool is_made;

int local_lookup(struct call *call, struct node *parent, const char *name, struct node **child)
{
	(void)call;
	(void)parent;
	(void)name;
	(void)child;
	return -ENODATA;
}

void local_list(struct mount *mount, const struct node *directory,
	void (*add)(void *of, const char *name, struct node *node), void *of)
{
	(void)mount;
	(void)directory;
	(void)add;
	(void)of;
}

bool local_is_made(struct mount *mount, const struct node *directory)
{
	(void)mount;
	(void)directory;
	return is_made;
}

void spool_free(struct spool *spool)
{
	(void)spool;
}

/* ---- the mount ---- */

static struct options options;
static struct mount mount;
static char cache_dir[] = "/tmp/fs-resolve.XXXXXX";

static void begin(const struct repository *repositories, size_t count)
{
	world = (__typeof__(world)){.repositories = repositories, .count = count, .identity = "me"};
	options = (struct options){.host = "r.example", .ttl_ms = 3600 * 1000};
	mount.options = &options;
	mount.facts = facts_new();
	mount.flights = flights_new();
	mount.tree = tree_new();
	mount.resolve = resolve_new(&mount);
	tree_set_root(mount.tree, lookup_root(&mount));
	request_log[0] = '\0';
}

static void end(void)
{
	resolve_stop(mount.resolve);
	tree_unpin(mount.tree, tree_root(mount.tree));
	tree_free(mount.tree);
	resolve_free(mount.resolve);
	flights_free(mount.flights);
	facts_free(mount.facts);
}

/* Background renewals are waited for, so that the log is whole. */
static const char *requests(void)
{
	static char log[sizeof(request_log)];

	resolve_stop(mount.resolve);
	pthread_mutex_lock(&log_lock);
	memcpy(log, request_log, sizeof(log));
	request_log[0] = '\0';
	pthread_mutex_unlock(&log_lock);
	return log;
}

/* Makes the catalog too old, whatever fetching it took. */
static void age_catalog(void)
{
	facts_expire(mount.facts, "me/r.example/;catalog");
}

/* Walks the path from the root. The node, pinned, or NULL with the error's code in `*code`. */
static struct node *walk(const char *path, bool may_wait, int *code)
{
	struct node *at = tree_root(mount.tree);
	char text[512], *rest = text, *name;

	snprintf(text, sizeof(text), "%s", path);
	tree_pin(mount.tree, at);
	*code = 0;
	while ((name = strsep(&rest, "/"))) {
		struct call call = {.mount = &mount, .may_wait = may_wait};
		struct node *child = NULL;

		*code = *name ? -lookup_name(&call, at, name, &child) : 0;
		if (!*name)
			continue;
		tree_unpin(mount.tree, at);
		at = child;
		if (*code)
			return NULL;
	}
	return at;
}

static void looks_up(const char *path, int expected, const char *asked)
{
	int code;
	struct node *node = walk(path, true, &code);

	if (node)
		tree_unpin(mount.tree, node);
	is_number(code, expected, path);
	is_text(requests(), asked, path);
}

static void is_kind(const char *path, enum node_kind kind, const char *key)
{
	int code;
	struct node *node = walk(path, true, &code);

	ok(node && node->kind == kind, "%s is of the right kind (%d)", path, code);
	is_text(node ? node->key : NULL, key, path);
	if (node)
		tree_unpin(mount.tree, node);
	requests();
}

/* The names in a directory, one after the other with a blank behind each, directories with '/'. */
static int list(const char *path, char *text, size_t size, bool *is_same)
{
	int code;
	struct node *node = walk(path, true, &code);
	struct call call = {.mount = &mount, .may_wait = true};
	struct listing *listing;
	const char *name;
	uint64_t ino;
	unsigned mode;
	int wrong = 0;

	*text = '\0';
	if (!node)
		return code;
	code = -listing_open(&call, node, &listing, is_same);
	if (!code && (code = -listing_check(listing, &call.err)))
		listing_close(listing);
	for (size_t i = 2; !code && listing_entry(listing, i, &name, &ino, &mode); i++) {
		struct node *child = listing_node(&call, listing, i);

		snprintf(text + strlen(text), size - strlen(text), "%s%s ", name,
			mode == S_IFDIR ? "/" : "");
		wrong += !child || child->ino != ino;
		tree_unpin(mount.tree, child);
	}
	if (!code)
		listing_close(listing);
	tree_unpin(mount.tree, node);
	return wrong ? -wrong : code;
}

static void lists(const char *path, const char *names, const char *asked)
{
	char text[2048];
	bool is_same;

	is_number(list(path, text, sizeof(text), &is_same), 0, path);
	is_text(text, names, path);
	is_text(requests(), asked, path);
}

static void fails_to_list(const char *path, int expected)
{
	char text[2048];
	bool is_same;

	is_number(list(path, text, sizeof(text), &is_same), expected, path);
	requests();
}

static const struct repository plain[] = {
	{"base", {"1.0.0"}, 0},
	{"empty", {NULL}, 0},
	{"ns/1.2.3", {"0.1.0"}, 0},
	{"ns/app", {"1.0.0", "1.10.0", "1.9.0-p", "latest", "2.0.0_b1", "artifact"}, 0},
	{"ns/app/1.0.0", {"0.1.0"}, 0},
	{"ns/app/sub", {"0.1.0"}, 0},
	{"ns/app-1.0.0.tgz", {"0.1.0"}, 0},
	{"ns/my-app", {"1.0.0-rc.1"}, 0},
	{"ns/things", {"index", "0.1"}, 0},
	{"other/deep/down", {"1.0.0"}, 0},
};

#define BEGIN(repositories) begin(repositories, sizeof(repositories) / sizeof(*(repositories)))

static void test_cost(void)
{
	struct call call = {.mount = &mount, .may_wait = true};
	struct node *node;
	int code, fd;

	BEGIN(plain);
	looks_up("ns", 0, "tags ns;catalog;");
	looks_up("ns/app", 0, "");
	looks_up("ns/app/1.0.0", 0, "tags ns/app;");
	looks_up("ns/app/1.0.0/app-1.0.0.tgz", 0, "manifest ns/app:1.0.0;");
	node = walk("ns/app/1.0.0/app-1.0.0.tgz", true, &code);
	is_number(resolve_blob(&call, node->registry, node->path, &node->digest, node->size, &fd),
		0, "the chart is fetched");
	close(fd);
	is_text(requests(), "blob ns/app;", "by one request");
	is_number((long long)node->mtime, 1714979289, "its time is that of its manifest");
	call.may_wait = false;
	is_number(resolve_blob(&call, node->registry, node->path, &node->digest, node->size, &fd),
		0, "the second time it is at hand");
	close(fd);
	tree_unpin(mount.tree, node);
	looks_up("ns/app/1.0.0/app-1.0.0.tgz", 0, "");
	node = walk("ns/app/1.0.0/app-1.0.0.tgz", false, &code);
	is_number(code, 0, "what is at hand needs no waiting");
	tree_unpin(mount.tree, node);
	walk("ns/things/0.1", false, &code);
	is_number(code, EWOULDBLOCK, "what is not does");
	is_text(requests(), "", "and nothing has been asked");
	lists("ns/app", "1.0.0/ 1.9.0-p/ 1.10.0/ 2.0.0+b1/ sub/ ", "");
	lists("ns/my-app", "1.0.0-rc.1/ ", "tags ns/my-app;");
	lists("ns/my-app", "1.0.0-rc.1/ ", "");
	lists("ns", "1.2.3/ app/ my-app/ things/ ", "");
	lists("", "base/ empty/ ns/ other/ ", "");
	end();
}

/* The root of a mount that is a chart: versions by one request, once the catalog is there. */
static void test_stale(void)
{
	BEGIN(plain);
	looks_up("ns", 0, "tags ns;catalog;");
	options.ttl_ms = 0;
	looks_up("ns/app", 0, "");
	lists("ns/app", "1.0.0/ 1.9.0-p/ 1.10.0/ 2.0.0+b1/ sub/ ", "tags ns/app;");
	lists("ns/app", "1.0.0/ 1.9.0-p/ 1.10.0/ 2.0.0+b1/ sub/ ", "tags ns/app;");
	age_catalog();
	lists("ns", "1.2.3/ app/ my-app/ things/ ", "catalog;");
	age_catalog();
	looks_up("ns/none", ENOENT, "tags ns/none;catalog;");
	end();
	BEGIN(plain);
	snprintf(options.path, sizeof(options.path), "ns/app");
	tree_unpin(mount.tree, tree_root(mount.tree));
	tree_set_root(mount.tree, lookup_root(&mount));
	lists("", "1.0.0/ 1.9.0-p/ 1.10.0/ 2.0.0+b1/ sub/ ", "tags ns/app;catalog;");
	options.ttl_ms = 0;
	lists("", "1.0.0/ 1.9.0-p/ 1.10.0/ 2.0.0+b1/ sub/ ", "tags ns/app;");
	end();
}

static const struct {
	const char *path;
	int code;
	const char *asked;
} never_asked[] = {
	{"ns/.git", ENOENT, ""},
	{".Trash", ENOENT, ""},
	{"ns/HEAD", ENOENT, ""},
	{"ns/node modules", ENOENT, ""},
	{"ns/README.md", ENOENT, ""},
	{"ns/x.prov", ENOENT, ""},
	{"ns/app-1.0.0.tgz123", ENOENT, ""},
	{"ns/app-1.0.0.tgz.part", ENOENT, ""},
	{"ns/9.9.9", ENOENT, "tags ns;"},
	{"9.9.9", ENOENT, ""},
	{"ns/app/9.9.9", ENOENT, "tags ns/app;"},
	{"ns/app/2.0.0_b1", ENOENT, ""},
	{"ns/app/.chart", ENOENT, ""},
	{"ns/app/1.0.0/.oci", ENOENT, "tags ns/app;"},
	{"ns/app/1.0.0/other.tgz", ENOENT, "tags ns/app;manifest ns/app:1.0.0;"},
};

static void test_never_asked(void)
{
	for (size_t i = 0; i < sizeof(never_asked) / sizeof(*never_asked); i++) {
		BEGIN(plain);
		looks_up("other", 0, "tags other;catalog;");
		looks_up(never_asked[i].path, never_asked[i].code, never_asked[i].asked);
		end();
	}
}

static void test_meaning(void)
{
	BEGIN(plain);
	is_kind("ns", NODE_DIRECTORY, "r.example/ns");
	is_kind("ns/app", NODE_DIRECTORY, "r.example/ns/app");
	is_kind("ns/app/1.0.0", NODE_VERSION, "r.example/ns/app:1.0.0");
	is_kind("ns/app/2.0.0+b1", NODE_VERSION, "r.example/ns/app:2.0.0_b1");
	is_kind("ns/app/latest", NODE_VERSION, "r.example/ns/app:latest");
	is_kind("ns/app/sub", NODE_DIRECTORY, "r.example/ns/app/sub");
	is_kind("ns/1.2.3", NODE_DIRECTORY, "r.example/ns/1.2.3");
	is_kind("ns/1.2.3/0.1.0", NODE_VERSION, "r.example/ns/1.2.3:0.1.0");
	lists("empty", "", "tags empty;");
	lists("ns/things", "0.1/ ", "tags ns/things;");
	lists("ns/things/index", "", "manifest ns/things:index;");
	lists("ns/app/1.9.0-p", "app-1.9.0-p.tgz app-1.9.0-p.tgz.prov ",
		"manifest ns/app:1.9.0-p;");
	lists("ns/app/2.0.0+b1", "app-2.0.0+b1.tgz ", "manifest ns/app:2.0.0_b1;");
	lists("ns/app/artifact", "one.txt 3fc4ccfe7458 8b5b9db0c13d 7692c3ad3540 ",
		"manifest ns/app:artifact;");
	looks_up("ns/app/artifact/one.txt", 0, "");
	looks_up("ns/app/artifact/3fc4ccfe7458", 0, "");
	end();
}

static const struct {
	const char *path;
	int code;
	const char *asked; /* with the catalog and nothing else at hand */
} aliases[] = {
	{"ns/app-1.0.0.tgz", 0, "manifest ns/app:1.0.0;"},
	{"ns/app-1.0.0.tgz.prov", ENOENT, "manifest ns/app:1.0.0;"},
	{"ns/app-1.9.0-p.tgz.prov", 0, "manifest ns/app:1.9.0-p;"},
	{"ns/app-latest.tgz", 0, "manifest ns/app:latest;"},
	{"ns/app-2.0.0+b1.tgz", 0, "manifest ns/app:2.0.0_b1;"},
	{"ns/my-app-1.0.0-rc.1.tgz", 0, "manifest ns/my-app:1.0.0-rc.1;"},
	{"ns/app-artifact.tgz", ENOENT, "manifest ns/app:artifact;"},
	{"ns/none-1.0.0.tgz", ENOENT, ""},
	{"base-1.0.0.tgz", 0, "manifest base:1.0.0;"},
	{"ns/app/app-1.0.0.tgz", 0, "tags ns/app;manifest ns/app:1.0.0;"},
	{"ns/app/app-7.0.0.tgz", ENOENT, "tags ns/app;"},
	{"ns/app/sub-0.1.0.tgz", 0, "tags ns/app;manifest ns/app/sub:0.1.0;"},
	{"ns/app/none-0.1.0.tgz", ENOENT, "tags ns/app;"},
};

static void test_aliases(void)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++) {
		BEGIN(plain);
		looks_up("other", 0, "tags other;catalog;");
		looks_up(aliases[i].path, aliases[i].code, aliases[i].asked);
		looks_up(aliases[i].path, aliases[i].code, "");
		end();
	}
	BEGIN(plain);
	is_kind("ns/app-1.0.0.tgz", NODE_FILE,
		"r.example/ns/app-1.0.0.tgz@"
		"29fedba426ef8c7d4ebc6b6d6920f5a93338e271ec5db12df55a1574149e234a");
	end();
}

static void test_no_catalog(void)
{
	BEGIN(plain);
	world.catalog = ENOTSUP;
	looks_up("ns", 0, "tags ns;catalog;");
	looks_up("ns/none", 0, "tags ns/none;");
	looks_up("ns/none/deeper", 0, "tags ns/none/deeper;");
	lists("ns/none", "", "");
	lists("ns", "", "");
	looks_up("ns/app", 0, "tags ns/app;");
	lists("ns", "app/ ", "");
	looks_up("ns/app/none", ENOENT, "tags ns/app/none;");
	looks_up("ns/3.2.1", ENOENT, "");
	looks_up("ns/none/.git", ENOENT, "");
	looks_up("ns/a-b-1.0.0-2.0.0.tgz", ENOENT,
		"manifest ns/a-b:1.0.0-2.0.0;manifest ns/a-b-1.0.0:2.0.0;");
	looks_up("ns/my-app-1.0.0-rc.1.tgz", 0, "manifest ns/my-app:1.0.0-rc.1;");
	world.has_children = true;
	end();
	BEGIN(plain);
	world.catalog = ENOTSUP;
	world.has_children = true;
	lists("", "base/ empty/ ns/ other/ ", "catalog;children ;");
	lists("ns", "1.2.3/ app/ my-app/ things/ ", "tags ns;children ns;");
	lists("ns", "1.2.3/ app/ my-app/ things/ ", "");
	end();
	/* A catalog of the login's own repositories does not deny others. */
	BEGIN(plain);
	world.is_partial = true;
	world.has_children = true;
	looks_up("public", 0, "tags public;catalog;");
	looks_up("public/thing", 0, "tags public/thing;");
	lists("public", "", "children public;");
	end();
	BEGIN(plain);
	char given[] = "team/tool", *all[] = {given, NULL};
	options.repositories = all;
	world.catalog = ENOTSUP;
	lists("", "team/ ", "catalog;");
	lists("team", "tool/ ", "tags team;");
	end();
}

static const char *peek_requests(void)
{
	static char log[sizeof(request_log)];

	pthread_mutex_lock(&log_lock);
	memcpy(log, request_log, sizeof(log));
	request_log[0] = '\0';
	pthread_mutex_unlock(&log_lock);
	return log;
}

/* A catalog whose other pages take long: what the first one does not name may be. */
static void test_pages(void)
{
	struct node *node;
	int code;

	BEGIN(plain);
	set_gate(true);
	node = walk("nothing", true, &code);
	is_number(code, 0, "a name that is not on the first page may be on another");
	tree_unpin(mount.tree, node);
	is_text(peek_requests(), "tags nothing;catalog;", "asked once");
	node = walk("base", false, &code);
	is_number(code, 0, "a name on the first page is at hand");
	tree_unpin(mount.tree, node);
	set_gate(false);
	resolve_stop(mount.resolve);
	looks_up("nothing", ENOENT, "");
	lists("", "base/ empty/ ns/ other/ ", "");
	set_gate(true);
	age_catalog();
	node = walk("nothing", true, &code);
	is_number(code, ENOENT, "nor does a renewal make it less certain");
	set_gate(false);
	requests();
	end();
}

static const struct repository guarded[] = {
	{"mine/app", {"1.0.0"}, 0},
	{"theirs/app", {"1.0.0"}, EACCES},
	{"vague", {NULL}, EACCES},
};

static void test_refusals(void)
{
	BEGIN(guarded);
	looks_up("theirs", 0, "tags theirs;catalog;");
	looks_up("theirs/app", 0, "");
	looks_up("theirs/app/1.0.0", EACCES, "tags theirs/app;");
	fails_to_list("theirs/app", EACCES);
	looks_up("theirs/app-1.0.0.tgz", EACCES, "manifest theirs/app:1.0.0;");
	end();

	BEGIN(guarded);
	world.catalog = ENOTSUP;
	looks_up("vague", 0, "tags vague;catalog;");
	lists("vague", "", "tags vague;tags vague;ping r.example;");
	looks_up("vague/1.0.0", ENOENT, "tags vague;tags vague;");
	looks_up("vague/x-1.0.0.tgz", ENOENT, "tags vague;tags vague;manifest vague/x:1.0.0;");
	world.ping = EACCES;
	world.identity = "another";
	fails_to_list("vague", EACCES);
	end();

	BEGIN(guarded);
	world.catalog = EACCES;
	fails_to_list("", EACCES);
	looks_up("theirs", EACCES, "tags theirs;catalog;");
	end();
}

static const struct repository shared[] = {{"app", {"1.0.0"}, 0}};
static const struct repository shared_no_more[] = {{"app", {"1.0.0"}, EACCES}};

static void test_identities(void)
{
	BEGIN(shared);
	lists("app", "1.0.0/ ", "tags app;catalog;");
	world.identity = "you";
	lists("app", "1.0.0/ ", "tags app;catalog;");
	world.identity = "me";
	lists("app/1.0.0", "app-1.0.0.tgz ", "manifest app:1.0.0;");
	options.ttl_ms = 0;
	world.repositories = shared_no_more;
	fails_to_list("app", EACCES);
	options.ttl_ms = 3600 * 1000;
	looks_up("app/1.0.0", EACCES, "tags app;");
	end();
}

static void test_failures(void)
{
	BEGIN(plain);
	world.failure = EHOSTUNREACH;
	looks_up("ns", EHOSTUNREACH, "tags ns;");
	fails_to_list("", EHOSTUNREACH);
	world.failure = 0;
	looks_up("ns", 0, "tags ns;catalog;");
	world.failure = ETIMEDOUT;
	looks_up("ns/app/1.0.0", ETIMEDOUT, "tags ns/app;");
	looks_up("ns/new", ETIMEDOUT, "tags ns/new;");
	looks_up("ns/app-1.0.0.tgz", ETIMEDOUT, "manifest ns/app:1.0.0;");
	fails_to_list("ns/app", ETIMEDOUT);
	world.failure = 0;
	lists("ns/app", "1.0.0/ 1.9.0-p/ 1.10.0/ 2.0.0+b1/ sub/ ", "tags ns/app;");
	end();
}

/* A catalog that fails while the registry answers all else: names are found by their tags or may
 * be, charts are listed, and only who lists a namespace is told. */
static void test_failing_catalog(void)
{
	char text[2048];
	bool is_same;

	BEGIN(plain);
	world.catalog = EAGAIN;
	looks_up("ns", 0, "tags ns;catalog;ping r.example;");
	looks_up("ns/app", 0, "tags ns/app;");
	looks_up("new", 0, "tags new;");
	looks_up("ns/app/none", ENOENT, "tags ns/app/none;");
	looks_up("ns/9.9.9", ENOENT, "");
	lists("ns/app", "1.0.0/ 1.9.0-p/ 1.10.0/ 2.0.0+b1/ ", "");
	fails_to_list("ns", EAGAIN);
	fails_to_list("", EAGAIN);
	is_kind("ns", NODE_DIRECTORY, "r.example/ns");
	is_text(requests(), "", "and nobody waits for it again");
	/* Until that is as long ago as it took. */
	options.ttl_ms = 0;
	world.catalog = 0;
	for (int tries = 0; tries < 1000 && list("ns", text, sizeof(text), &is_same); tries++)
		usleep(10000);
	options.ttl_ms = 3600 * 1000;
	requests();
	lists("ns", "1.2.3/ app/ my-app/ things/ ", "");
	looks_up("ns/none", ENOENT, "tags ns/none;");
	end();

	BEGIN(plain);
	world.catalog = ETIMEDOUT;
	lists("ns/app", "1.0.0/ 1.9.0-p/ 1.10.0/ 2.0.0+b1/ ",
		"tags ns;catalog;ping r.example;tags ns/app;");
	end();

	/* SOURCE names the chart. */
	BEGIN(plain);
	world.catalog = ETIMEDOUT;
	snprintf(options.path, sizeof(options.path), "ns/app");
	tree_unpin(mount.tree, tree_root(mount.tree));
	tree_set_root(mount.tree, lookup_root(&mount));
	lists("", "1.0.0/ 1.9.0-p/ 1.10.0/ 2.0.0+b1/ ", "tags ns/app;catalog;ping r.example;");
	end();

	/* It is not the catalog alone that fails. */
	BEGIN(plain);
	world.catalog = ETIMEDOUT;
	world.ping = ETIMEDOUT;
	looks_up("ns", ETIMEDOUT, "tags ns;catalog;ping r.example;");
	fails_to_list("ns/app", ETIMEDOUT);
	world.ping = EACCES;
	looks_up("ns", EACCES, "catalog;ping r.example;");
	fails_to_list("", EACCES);
	end();
}

/* What the user gave is found before a catalog is asked for, and listed though it fails. */
static void test_given(void)
{
	char given[] = "team/tool", denied[] = "gone/tool", *all[] = {given, denied, NULL};

	BEGIN(plain);
	options.repositories = all;
	world.catalog = EAGAIN;
	looks_up("team", 0, "");
	looks_up("team/tool", 0, "tags team;");
	lists("team", "tool/ ", "catalog;ping r.example;");
	lists("", "gone/ team/ ", "");
	fails_to_list("ns", EAGAIN);
	fails_to_list("gone/tool", EAGAIN);
	fails_to_list("gone", EAGAIN);
	end();

	BEGIN(plain);
	options.repositories = all;
	world.failure = EHOSTUNREACH;
	fails_to_list("", EHOSTUNREACH);
	fails_to_list("team", EHOSTUNREACH);
	end();
}

static void test_push(void)
{
	scoped(buf_freep) struct buf manifest = BUF_INIT(4096), again = BUF_INIT(4096);
	struct registry *registry;
	struct digest digest, known;
	bool has_digest;

	write_manifest("3.0.0", &manifest);
	digest = digest_of(manifest.at, manifest.len);
	BEGIN(plain);
	registry = tree_root(mount.tree)->registry;
	lists("ns/my-app", "1.0.0-rc.1/ ", "tags ns;catalog;tags ns/my-app;");
	looks_up("ns/fresh", ENOENT, "tags ns/fresh;");
	is_number(resolve_peek_tag(&mount, registry, "ns/my-app", "3.0.0", &has_digest, &known), 0,
		"a tag that is known not to be there");
	is_number(resolve_peek_tag(&mount, registry, "ns/app", "1.0.0", &has_digest, &known), -1,
		"a tag that nobody has asked for");
	resolve_pushed(&mount, registry, "ns/my-app", "3.0.0", manifest.at, manifest.len);
	resolve_pushed(&mount, registry, "ns/fresh", "3.0.0", manifest.at, manifest.len);
	resolve_pushed(&mount, registry, "new/place", "3.0.0", manifest.at, manifest.len);
	lists("ns/my-app", "1.0.0-rc.1/ 3.0.0/ ", "");
	lists("ns/my-app/3.0.0", "my-app-3.0.0.tgz ", "");
	looks_up("ns/fresh/3.0.0/fresh-3.0.0.tgz", 0, "");
	lists("ns", "1.2.3/ app/ fresh/ my-app/ things/ ", "");
	lists("new", "place/ ", "");
	is_number(resolve_peek_tag(&mount, registry, "ns/my-app", "3.0.0", &has_digest, &known), 1,
		"a tag that was pushed");
	ok(has_digest && digest_equal(&known, &digest), "and its digest");
	ok(resolve_known_manifest(&mount, registry, "ns/my-app", "3.0.0", &digest, &again) &&
			strcmp(buf_text(&again), buf_text(&manifest)) == 0,
		"and its bytes");
	end();
}

static void test_same(void)
{
	scoped(buf_freep) struct buf manifest = BUF_INIT(4096);
	char text[2048];
	bool is_same;
	int code;
	/* As the kernel keeps the directories that it has listed. */
	struct node *chart, *version;

	BEGIN(plain);
	write_manifest("3.0.0", &manifest);
	chart = walk("ns/app", true, &code);
	version = walk("ns/app/1.0.0", true, &code);
	list("ns/app", text, sizeof(text), &is_same);
	ok(!is_same, "a first listing is new");
	list("ns/app", text, sizeof(text), &is_same);
	ok(is_same, "a second one is the same");
	options.ttl_ms = 0;
	list("ns/app", text, sizeof(text), &is_same);
	ok(is_same, "also when the registry said so again");
	options.ttl_ms = 3600 * 1000;
	list("ns/app/1.0.0", text, sizeof(text), &is_same);
	ok(!is_same, "a version's first listing is new");
	resolve_pushed(&mount, chart->registry, "ns/app", "3.0.0", manifest.at, manifest.len);
	resolve_pushed(&mount, chart->registry, "ns/app", "1.0.0", manifest.at, manifest.len);
	list("ns/app", text, sizeof(text), &is_same);
	ok(!is_same, "not after a push");
	list("ns/app/1.0.0", text, sizeof(text), &is_same);
	ok(is_same, "nor is a version that holds the same bytes");
	tree_unpin(mount.tree, chart);
	tree_unpin(mount.tree, version);
	end();
}

static void test_made(void)
{
	BEGIN(plain);
	is_made = true;
	struct node *chart;
	int code;

	chart = walk("ns/app", true, &code);
	struct node *version = lookup_version(&mount, chart, "9.0.0", "9.0.0");
	struct call call = {.mount = &mount, .may_wait = true};
	struct listing *listing = NULL;
	bool is_same;

	is_number(listing_open(&call, version, &listing, &is_same), 0,
		"a version that was only made is an empty directory");
	listing_close(listing);
	is_made = false;
	is_number(listing_open(&call, version, &listing, &is_same), -ENOENT,
		"one that is not there is none");
	tree_unpin(mount.tree, version);
	tree_unpin(mount.tree, chart);
	end();
}

static void test_hosts(void)
{
	char given[] = "given.example:5000/ns/app", link_local[] = "169.254.1.1/x";
	char *all[] = {given, link_local, NULL};

	BEGIN(plain);
	options.host[0] = '\0';
	options.repositories = all;
	resolve_free(mount.resolve);
	mount.resolve = resolve_new(&mount);
	tree_unpin(mount.tree, tree_root(mount.tree));
	tree_set_root(mount.tree, lookup_root(&mount));
	lists("", "169.254.1.1/ given.example:5000/ stored.example/ ", "");
	looks_up("stored.example", 0, "");
	is_kind("given.example:5000", NODE_DIRECTORY, "given.example:5000");
	looks_up("docker.io", 0, "ping registry-1.docker.io;");
	is_kind("docker.io", NODE_DIRECTORY, "docker.io");
	is_kind("docker.io/base", NODE_DIRECTORY, "docker.io/base");
	is_kind("docker.io/base/1.0.0", NODE_VERSION, "docker.io/base:1.0.0");
	is_kind("registry-1.docker.io/base", NODE_DIRECTORY, "registry-1.docker.io/base");
	lists("index.docker.io/base", "1.0.0/ ", "catalog;");
	looks_up("169.254.1.1", 0, "");
	looks_up("169.254.169.254", ENOENT, "");
	looks_up("word", ENOENT, "");
	looks_up("Upper.example", ENOENT, "");
	looks_up(".git", ENOENT, "");
	looks_up("app-1.0.0.tgz", ENOENT, "");
	world.ping = EACCES;
	looks_up("asks.example", 0, "ping asks.example;");
	looks_up("asks.example", 0, "");
	world.ping = EHOSTUNREACH;
	looks_up("none.example", ENOENT, "ping none.example;");
	looks_up("none.example", ENOENT, "");
	world.ping = ETIMEDOUT;
	looks_up("slow.example", ETIMEDOUT, "ping slow.example;");
	world.ping = 0;
	lists("",
		"169.254.1.1/ asks.example/ given.example:5000/ registry-1.docker.io/ "
		"stored.example/ ",
		"");
	options.allow_other = true;
	looks_up("more.example", ENOENT, "");
	end();
}

int main(void)
{
	struct error err;
	scoped(store_closep) struct store *store = NULL;
	char command[128];

	if (!mkdtemp(cache_dir))
		return EXIT_FAILURE;
	store = store_open(cache_dir, &err);
	mount.store = store;
	test_cost();
	test_stale();
	test_never_asked();
	test_meaning();
	test_aliases();
	test_no_catalog();
	test_pages();
	test_refusals();
	test_identities();
	test_failures();
	test_failing_catalog();
	test_given();
	test_push();
	test_same();
	test_made();
	test_hosts();
	snprintf(command, sizeof(command), "rm -rf '%s'", cache_dir);
	if (system(command) != 0)
		return EXIT_FAILURE;
	return done();
}
