/* Pushes and deletions on each kind of registry: what they refuse, and what is said about it. */
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"

#include "tests/unit/scripted.h"

#include "tests/unit/registry-client.h"

enum { TIMEOUT_MS = 60000 };

static const struct {
	const char *profile;
	const char *user, *password;
	const char *make; /* what the sentence says when nothing was made first; NULL: needs none */
	const char *made;
	int deletion;       /* 0 or -errno, of a tag that shares its manifest */
	bool deletes_alone; /* and of one that does not */
} kinds[] = {
	{"distribution-2", NULL, NULL, NULL, NULL, -EPERM, true},
	{"distribution-3", NULL, NULL, NULL, NULL, 0, true},
	{"zot", NULL, NULL, NULL, NULL, 0, true},
	{"ecr", "AWS", "secret-of-ecr", "aws ecr create-repository --repository-name team/repo/app",
		"team/repo/app", -EPERM, true},
	{"ecr-public", "AWS", "secret-of-ecr-public", "aws ecr-public create-repository",
		"team/repo/app", -EPERM, true},
	{"acr", "00000000-0000-0000-0000-000000000000", "secret-of-acr", NULL, NULL, 0, true},
	{"cloudsmith", "user", "secret-of-cloudsmith", "team", "team/repo", -EPERM, true},
	{"gar", "oauth2accesstoken", "secret-of-gar", "has to be created", "team/repo", 0, true},
	{"harbor", "admin", "secret-of-harbor", "harbor project create team", "team", 0, true},
	{"ibm", "iamapikey", "secret-of-ibm", "has to be created", "team", -EPERM, true},
	{"artifactory", "user", "secret-of-artifactory", "whose key is team", "team", 0, true},
	{"repoflow", "user", "secret-of-repoflow", NULL, NULL, -EPERM, true},
	{"ghcr", "user", "secret-of-ghcr", NULL, NULL, -EPERM, false},
	{"hub", "user", "secret-of-hub", NULL, NULL, -EPERM, false},
	{"quay", "user", "secret-of-quay", NULL, "team", 0, true},
	{"gitlab", "user", "secret-of-gitlab", NULL, "team/repo", 0, true},
};

static void test_push(const struct scripted *server, struct registry *registry, size_t i)
{
	struct error err = {0};
	bool found;
	char json[128];
	int r;

	if (kinds[i].make) {
		r = push_blobs(registry, "team/repo/app", "1.0.0", &found, &err);
		if (r == 0)
			r = put(registry, "team/repo/app", "1.0.0", "", &err);
		is_result(r, -ENOENT, &err, "what has to be there first is not");
		says(&err, kinds[i].make);
	}
	if (kinds[i].made) {
		snprintf(json, sizeof(json), "{\"names\": [\"%s\"]}", kinds[i].made);
		scripted_post(server, "made", json);
	}
	is_result(push_blobs(registry, "team/repo/app", "1.0.0", &found, &err), 0, &err, "blobs");
	is_result(put(registry, "team/repo/app", "1.0.0", "", &err), 0, &err, "the manifest");
	is_result(put(registry, "team/repo/app", "1.0.1", "", &err), 0, &err, "a second tag");
	is_result(put(registry, "team/repo/app", "2.0.0", "\"annotations\":{\"a\":\"b\"},", &err),
		0, &err, "another manifest");
}

static void test_immutable(const struct scripted *server, struct registry *registry)
{
	struct error err = {0};
	int r;

	settings(server, "{\"immutable\": true}");
	r = put(registry, "team/repo/app", "1.0.0", "\"annotations\":{\"c\":\"d\"},", &err);
	/* Some say only "denied". */
	ok(r == -EEXIST || r == -EACCES, "an immutable tag: %s", err.text);
	settings(server, "{\"immutable\": false}");
}

static void test_deletion(struct registry *registry, size_t i)
{
	struct error err = {0};
	struct digest digest;

	is_result(registry_delete_tag(registry, "team/repo/app", "1.0.0", NULL, &err),
		kinds[i].deletion, &err, "deletion of a tag whose manifest has another");
	is_result(registry_head_manifest(registry, "team/repo/app", "1.0.1", &digest, NULL, &err),
		0, &err, "leaves that");
	is_result(registry_delete_tag(registry, "team/repo/app", "2.0.0", NULL, &err),
		kinds[i].deletes_alone ? 0 : -EPERM, &err, "deletion of one that has none");
}

static void test_kind(size_t i)
{
	static struct scripted server;
	struct client *client = new_client_as(TIMEOUT_MS, kinds[i].user, kinds[i].password);
	struct registry *registry;

	scripted_start(&server, kinds[i].profile, NULL);
	registry = client_registry(client, server.host);
	printf("# %s\n", kinds[i].profile);
	test_push(&server, registry, i);
	test_immutable(&server, registry);
	test_deletion(registry, i);
	scripted_is_content(&server, kinds[i].profile);
	client_free(client);
	scripted_stop(&server);
}

int main(void)
{
	prepare();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		test_kind(i);
	temporary_remove();
	return done();
}
