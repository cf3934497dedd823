/* Blobs that are mounted from another repository: one token for both, and every answer that is not
 * 201 means "upload it". */
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"

#include "tests/unit/scripted.h"

#include "tests/unit/registry-client.h"

enum { TIMEOUT_MS = 60000 };

static const struct {
	const char *name, *settings;
	int expected;
} answers[] = {
	{"201", "{\"mount\": \"yes\"}", 0},
	{"202, an upload", "{\"mount\": \"never\"}", -ENOTSUP},
	{"405", "{\"mount\": \"error\"}", -ENOTSUP},
};

static void test_answers(const struct scripted *server, struct registry *registry)
{
	struct digest digest = layer_digest();
	struct error err = {0};
	char name[32];

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		settings(server, answers[i].settings);
		scripted_post(server, "reset", "");
		snprintf(name, sizeof(name), "to%zu/app", i);
		is_result(registry_mount_blob(registry, name, "ns/app", &digest, NULL, &err),
			answers[i].expected, &err, answers[i].name);
		is_number(scripted_count(server, "method=POST"), 1, "by one request");
		is_number(scripted_count(server, "path=/token"), 1, "and one token for both");
		is_number(scripted_count(server, "method=PUT"), 0, "without a byte");
	}
	settings(server, "{\"mount\": \"yes\"}");
}

static void test_refusals(const struct scripted *server, struct registry *registry)
{
	struct digest digest = layer_digest(), other = digest_of("x", 1);
	struct error err = {0};

	is_result(registry_mount_blob(registry, "to/app", "ns/app", &other, NULL, &err), -ENOTSUP,
		&err, "a blob that is not there");
	faults(server, "{\"method\": \"POST\", \"action\": \"status\", \"status\": 404}");
	is_result(registry_mount_blob(registry, "to/app", "ns/app", &digest, NULL, &err), -ENOTSUP,
		&err, "404");
	faults(server, "{\"method\": \"POST\", \"action\": \"status\", \"status\": 403}");
	is_result(registry_mount_blob(registry, "to/app", "ns/app", &digest, NULL, &err), -ENOTSUP,
		&err, "403");
	scripted_post(server, "users",
		"{\"name\": \"user\", \"password\": \"secret\", \"rights\": {\"to/*\": "
		"\"pull,push\"}}");
	scripted_post(server, "revoke", "{}");
	scripted_post(server, "reset", "");
	is_result(registry_mount_blob(registry, "to/app", "ns/app", &digest, NULL, &err), -ENOTSUP,
		&err, "no right to read the source");
	ok(scripted_count(server, "") <= 8, "is no loop");
	is_result(registry_mount_blob(registry, "closed/app", "to/app", &digest, NULL, &err),
		-ENOTSUP, &err, "nor to write: the upload will tell");
	scripted_is_content(server, "mounting");
}

int main(void)
{
	struct scripted server;
	struct client *client;
	struct registry *registry;
	struct error err = {0};
	bool found;

	prepare();
	client = new_client_as(TIMEOUT_MS, "user", "secret");
	scripted_start(
		&server, "distribution-3", "--auth", "bearer", "--user", "user:secret", NULL);
	registry = client_registry(client, server.host);
	is_result(push_blobs(registry, "ns/app", "1.0.0", &found, &err), 0, &err, "a source");
	test_answers(&server, registry);
	test_refusals(&server, registry);
	client_free(client);
	scripted_stop(&server);
	temporary_remove();
	return done();
}
