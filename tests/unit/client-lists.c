/* Tags, catalogs and the listings that registries have of their own, in each one's style. */
#include "client/pages.h"
#include "client/reference.h"
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"

#include "tests/unit/scripted.h"

#include "tests/unit/registry-client.h"

enum { TIMEOUT_MS = 60000 };

static const struct {
	const char *page;
	int count; /* or -EIO */
	size_t names, hidden;
} pages[] = {
	{"{\"name\":\"a\",\"tags\":[\"1.0\",\"2.0\"]}", 2, 2, 0},
	{"{\"tags\":null}", 0, 0, 0},
	{"{\"tags\":[]}", 0, 0, 0},
	{"{}", 0, 0, 0},
	{"{\"tags\":[\"1.0\",null,7,{},\"a/b\",\"sha256:00\",\"\"]}", 7, 1, 6},
	{"{\"tags\":{}}", -EIO, 0, 0},
	{"{\"tags\":\"1.0\"}", -EIO, 0, 0},
	{"[\"1.0\"]", -EIO, 0, 0},
	{"{\"tags\":[\"1.0\"", -EIO, 0, 0},
	{"", -EIO, 0, 0},
	{"<html>", -EIO, 0, 0},
	{"null", -EIO, 0, 0},
};

static void test_parse(void)
{
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		scoped(names_clearp) struct names names = {0};
		struct error err = {0};
		size_t hidden = 0;
		int r = pages_parse(pages[i].page, strlen(pages[i].page), "tags", reference_is_tag,
			&hidden, &names, &err);

		ok(r == pages[i].count && names.count == pages[i].names &&
				hidden == pages[i].hidden,
			"page %s", pages[i].page);
	}
}

static int tags_of(struct registry *registry, const char *repository, struct names *tags,
	size_t *hidden, struct error *err)
{
	names_clear(tags);
	return registry_list_tags(registry, repository, tags, hidden, NULL, err);
}

static void test_tags(void)
{
	static struct scripted server;
	struct client *client = new_client_as(TIMEOUT_MS, NULL, NULL);
	scoped(names_clearp) struct names tags = {0};
	struct registry *registry;
	struct error err = {0};
	size_t hidden = 0;

	scripted_start(&server, "distribution-3", NULL);
	registry = client_registry(client, server.host);
	scripted_post(
		&server, "charts", "{\"repository\": \"ns/app\", \"count\": 2500, \"same\": true}");
	is_result(tags_of(registry, "ns/app", &tags, &hidden, &err), 0, &err, "three pages");
	is_number((long long)tags.count, 2500, "all tags");
	ok(strcmp(names_get(&tags, 0), names_get(&tags, 1)) < 0, "sorted");
	is_number(scripted_count(&server, "path=*/tags/list"), 3, "three requests");
	scripted_post(&server, "charts",
		"{\"repository\": \"ns/full\", \"count\": 1000, \"same\": true}");
	is_result(tags_of(registry, "ns/full", &tags, &hidden, &err), 0, &err, "a full page");
	is_number((long long)tags.count, 1000, "is all there is");
	scripted_post(
		&server, "settings", "{\"link_extra\": \"orderby=\", \"link\": \"absolute\"}");
	is_result(tags_of(registry, "ns/app", &tags, &hidden, &err), 0, &err, "absolute links");
	is_number((long long)tags.count, 2500, "all tags");
	is_number((long long)hidden, 0, "none hidden");
	scripted_reset(&server);
	is_result(tags_of(registry, "ns/none", &tags, &hidden, &err), -ENOENT, &err, "none");
	is_number(scripted_count(&server, ""), 1, "one request");
	faults(&server, "{\"action\": \"replace\", \"body\": {\"tags\": [\"1.0.0\", null, \"a b\", "
			"\"1.0.0\"]}}");
	is_result(tags_of(registry, "ns/app", &tags, &hidden, &err), 0, &err, "junk in a page");
	ok(tags.count == 1 && hidden == 2, "is hidden and counted");
	faults(&server, "{\"action\": \"truncate\", \"after\": 10, \"path\": \"*/tags/list\"}");
	is_result(tags_of(registry, "ns/app", &tags, &hidden, &err), -EIO, &err, "half a page");
	faults(&server, "{\"action\": \"truncate\", \"after\": 10, \"skip\": 1, "
			"\"path\": \"*/tags/list\"}");
	is_result(
		tags_of(registry, "ns/app", &tags, &hidden, &err), -EIO, &err, "half a later page");
	faults(&server, "{\"action\": \"status\", \"status\": 404, \"skip\": 1, "
			"\"path\": \"*/tags/list\"}");
	is_result(tags_of(registry, "ns/app", &tags, &hidden, &err), -EIO, &err, "a missing page");
	faults(&server, "{\"action\": \"pages\", \"kind\": \"repeat\", \"count\": -1}");
	is_result(
		tags_of(registry, "ns/app", &tags, &hidden, &err), -EIO, &err, "a repeating page");
	says(&err, "repeats a page");
	scripted_reset(&server);
	faults(&server, "{\"action\": \"pages\", \"kind\": \"endless\", \"count\": -1}");
	is_result(tags_of(registry, "ns/app", &tags, &hidden, &err), -EIO, &err, "endless pages");
	says(&err, "does not end");
	scripted_reset(&server);
	faults(&server, "{\"action\": \"headers\", \"path\": \"*/tags/list\", \"headers\": "
			"{\"Link\": \"<http://127.0.0.2:1/v2/x>; rel=next\"}}");
	is_result(tags_of(registry, "ns/app", &tags, &hidden, &err), -EIO, &err,
		"a next page elsewhere");
	says(&err, "another server");
	faults(&server, "{\"action\": \"status\", \"status\": 400, \"query\": \"*n=*\"}");
	is_result(tags_of(registry, "ns/full", &tags, &hidden, &err), 0, &err, "a refused n");
	is_number((long long)tags.count, 1000, "is left out");
	client_free(client);
	scripted_stop(&server);
}

/* One profile's pages, by the right account. */
static const struct {
	const char *profile;
	const char *user, *password;
	int catalog;             /* how many repositories, or -errno */
	const char *children_of; /* "" for the root, NULL: not asked */
	int children;
} styles[] = {
	{"distribution-2", NULL, NULL, 211, "ns", -ENOTSUP},
	{"distribution-3", NULL, NULL, 211, NULL, 0},
	{"zot", NULL, NULL, 211, NULL, 0},
	{"acr", "00000000-0000-0000-0000-000000000000", "secret-of-acr", 211, NULL, 0},
	{"ecr", "AWS", "secret-of-ecr", 211, NULL, 0},
	{"quay", "user", "secret-of-quay", 211, "ns", 210},
	{"harbor", "admin", "secret-of-harbor", 211, "ns", 210},
	{"gitlab", "user", "secret-of-gitlab", -ENOTSUP, NULL, 0},
	{"cloudsmith", "user", "secret-of-cloudsmith", -ENOTSUP, NULL, 0},
	{"ghcr", "user", "secret-of-ghcr", -ENOTSUP, "ns", -ENOTSUP},
	{"ibm", "iamapikey", "secret-of-ibm", -ENOTSUP, NULL, 0},
	{"repoflow", "user", "secret-of-repoflow", -ENOTSUP, NULL, 0},
};

static void test_style(size_t i)
{
	static struct scripted server;
	scoped(names_clearp) struct names names = {0};
	struct client *client = new_client_as(TIMEOUT_MS, styles[i].user, styles[i].password);
	const char *profile = styles[i].profile;
	struct registry *registry;
	struct error err = {0};
	int r;

	scripted_start(&server, profile, "--made", "ns", NULL);
	registry = client_registry(client, server.host);
	scripted_post(&server, "repositories",
		"{\"prefix\": \"ns/app\", \"count\": 210, \"tags\": [\"1.0.0\"]}");
	scripted_post(&server, "charts",
		"{\"repository\": \"ns/deep/many\", \"count\": 1100, \"same\": true}");
	is_result(tags_of(registry, "ns/deep/many", &names, NULL, &err), 0, &err, profile);
	is_number((long long)names.count, 1100, "all tags");
	names_clear(&names);
	r = registry_list_catalog(registry, &names, NULL, NULL, &err);
	is_result(r < 0 ? r : (int)names.count, styles[i].catalog, &err, "the catalog");
	names_clear(&names);
	if (styles[i].children_of) {
		r = registry_list_children(registry, styles[i].children_of, &names, NULL, &err);
		if (is_result(r < 0 ? r : (int)names.count,
			    styles[i].children < 0 ? styles[i].children : styles[i].children + 1,
			    &err, "its own listing") &&
			r == 0)
			ok(names_has(&names, "ns/deep/many"), "by whole names");
	}
	scripted_is_content(&server, profile);
	client_free(client);
	scripted_stop(&server);
}

static void test_refused(void)
{
	static struct scripted server;
	scoped(names_clearp) struct names names = {0};
	struct client *client = new_client_as(TIMEOUT_MS, "me", "wrong");
	struct error err = {0};

	scripted_start(&server, "distribution-2", "--user", "me:right", NULL);
	is_result(registry_list_catalog(
			  client_registry(client, server.host), &names, NULL, NULL, &err),
		-EACCES, &err, "refused credentials are not a missing catalog");
	is_result(registry_list_tags(
			  client_registry(client, server.host), "ns/app", &names, NULL, NULL, &err),
		-EACCES, &err, "nor a missing repository");
	client_free(client);
	client = new_client_as(TIMEOUT_MS, "me", "right");
	faults(&server, "{\"action\": \"status\", \"status\": 403, \"path\": \"*/_catalog\"}");
	is_result(registry_list_catalog(
			  client_registry(client, server.host), &names, NULL, NULL, &err),
		-ENOTSUP, &err, "a refused catalog is");
	client_free(client);
	scripted_stop(&server);
}

int main(void)
{
	prepare();
	test_parse();
	test_tags();
	for (size_t i = 0; i < sizeof(styles) / sizeof(styles[0]); i++)
		test_style(i);
	test_refused();
	temporary_remove();
	return done();
}
