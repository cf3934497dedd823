/* What a deletion asks for: the rights in its tokens, one kind after the other, and the ways that
 * each kind of registry has, no others. */
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"

#include "tests/unit/scripted.h"

#include "tests/unit/registry-client.h"

enum { TIMEOUT_MS = 60000 };

#define TOKEN "path=/token&"

/* Rights that a token server understands, or that the registry wants. */
static const struct {
	const char *name, *settings;
	int expected, tokens; /* that are asked for */
} rights[] = {
	{"delete", "{}", 0, 1},
	{"*, as the server has no delete", "{\"refuse_actions\": [\"delete\"]}", 0, 2},
	/* That token is there from the push. */
	{"pull,push, as it has neither",
		"{\"refuse_actions\": [\"delete\", \"*\"], \"delete_action\": \"push\"}", 0, 2},
	{"*, as delete does not do", "{\"delete_action\": \"push\"}", 0, 2},
};

/* The requests of deletions, whose manifest has one tag. */
static const struct {
	const char *profile, *user, *made;
	int by_tag, by_digest, by_own; /* requests that are sent */
	int expected;
} ways[] = {
	{"distribution-2", NULL, NULL, 1, 1, 0, 0},
	{"distribution-3", NULL, NULL, 1, 0, 0, 0},
	{"zot", NULL, NULL, 1, 0, 0, 0},
	{"ecr", "AWS", "team/repo/app", 0, 1, 0, 0},
	{"harbor", "admin", "team", 0, 0, 1, 0},
	{"quay", "user", "team", 1, 0, 0, 0},
	{"ghcr", "user", NULL, 0, 0, 0, -EPERM},
};

static void test_rights(size_t i)
{
	struct scripted server;
	struct client *client = new_client_as(TIMEOUT_MS, "user", "secret");
	struct registry *registry;
	struct error err = {0};
	int r;

	scripted_start(
		&server, "distribution-3", "--auth", "bearer", "--user", "user:secret", NULL);
	registry = client_registry(client, server.host);
	publish(registry, "ns/app", "1.0.0");
	settings(&server, rights[i].settings);
	scripted_post(&server, "reset", "");
	r = registry_delete_tag(registry, "ns/app", "1.0.0", NULL, &err);
	is_result(r, rights[i].expected, &err, rights[i].name);
	is_number(scripted_count(&server, TOKEN), rights[i].tokens, "by so many tokens");
	ok(scripted_count(&server, "method=DELETE") <= 2, "and no more requests than it takes");
	/* The next one knows. */
	publish(registry, "ns/app", "2.0.0");
	scripted_post(&server, "reset", "");
	r = registry_delete_tag(registry, "ns/app", "2.0.0", NULL, &err);
	is_result(r, rights[i].expected, &err, "once more");
	is_number(scripted_count(&server, "method=DELETE"), 1, "by one request");
	is_number(scripted_count(&server, TOKEN), 0, "and the token that is there");
	scripted_is_content(&server, rights[i].name);
	client_free(client);
	scripted_stop(&server);
}

static void test_missing_right(void)
{
	struct scripted server;
	struct client *client = new_client_as(TIMEOUT_MS, "user", "secret");
	struct registry *registry;
	struct error err = {0};

	scripted_start(
		&server, "distribution-3", "--auth", "bearer", "--user", "user:secret", NULL);
	registry = client_registry(client, server.host);
	publish(registry, "ns/app", "1.0.0");
	scripted_post(&server, "users",
		"{\"name\": \"user\", \"password\": \"secret\", \"rights\": {\"*\": "
		"\"pull,push\"}}");
	is_result(registry_delete_tag(registry, "ns/app", "1.0.0", NULL, &err), -EACCES, &err,
		"no right to delete");
	says(&err, "does not have the right to delete");
	ok(scripted_count(&server, "method=DELETE") <= 5, "is no loop");
	scripted_is_content(&server, "a right that is missing");
	client_free(client);
	scripted_stop(&server);
}

static void test_ways(size_t i)
{
	char password[64], made[128];
	struct scripted server;
	struct client *client;
	struct registry *registry;
	struct error err = {0};

	snprintf(password, sizeof(password), "secret-of-%s", ways[i].profile);
	client = new_client_as(TIMEOUT_MS, ways[i].user, ways[i].user ? password : NULL);
	scripted_start(&server, ways[i].profile, NULL);
	registry = client_registry(client, server.host);
	snprintf(made, sizeof(made), "{\"names\": [\"%s\"]}", ways[i].made ? ways[i].made : "x");
	scripted_post(&server, "made", made);
	publish(registry, "team/repo/app", "1.0.0");
	scripted_post(&server, "reset", "");
	is_result(registry_delete_tag(registry, "team/repo/app", "1.0.0", NULL, &err),
		ways[i].expected, &err, ways[i].profile);
	is_number(scripted_count(&server, "method=DELETE&status=[24]0[025]&path=*/manifests/1.0.0"),
		ways[i].by_tag, "by tag");
	is_number(scripted_count(&server, "method=DELETE&status=20*&path=*/manifests/sha256*"),
		ways[i].by_digest, "by digest");
	is_number(scripted_count(&server, "method=DELETE&path=/api/*"), ways[i].by_own,
		"by an interface of its own");
	scripted_is_content(&server, ways[i].profile);
	client_free(client);
	scripted_stop(&server);
}

int main(void)
{
	prepare();
	for (size_t i = 0; i < sizeof(rights) / sizeof(rights[0]); i++)
		test_rights(i);
	test_missing_right();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		test_ways(i);
	temporary_remove();
	return done();
}
