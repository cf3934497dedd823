/* Manifests, blobs, pushes and deletions against the scripted registry, and what goes wrong. */
#include "cache/base/clock.h"
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"

#include "tests/unit/scripted.h"

#include "tests/unit/registry-client.h"

enum { TIMEOUT_MS = 60000 };

static struct scripted server;
static struct client *client;
static struct registry *registry;

struct memory {
	struct buf bytes;
	int rewinds;
};

static int memory_append(void *to, const void *bytes, size_t len, struct error *err)
{
	(void)err;
	return buf_append(&((struct memory *)to)->bytes, bytes, len);
}

static int memory_rewind(void *to, struct error *err)
{
	struct memory *memory = to;

	(void)err;
	memory->rewinds++;
	buf_clear(&memory->bytes);
	return 0;
}

/* A blob into memory. */
static int fetch(const char *repository, uint64_t size, struct memory *memory, struct error *err)
{
	struct digest digest = layer_digest();
	struct sink sink = {memory_append, memory_rewind, memory};

	*memory = (struct memory){.bytes = BUF_INIT(1 << 20)};
	return registry_fetch_blob(registry, repository, &digest, size, &sink, NULL, err);
}

static int fetch_manifest(const char *tag, struct digest *digest, struct error *err)
{
	scoped(buf_freep) struct buf bytes = BUF_INIT(MANIFEST_SIZE_MAX);

	return registry_fetch_manifest(registry, "ns/app", tag, &bytes, digest, NULL, err);
}

static void test_push(void)
{
	scoped(buf_freep) struct buf manifest = BUF_INIT(4096);
	struct error err = {0};
	struct digest digest, expected;
	struct memory memory;
	bool found = true;

	is_result(registry_ping(registry, NULL, &err), 0, &err, "a plain registry on loopback");
	is_result(push_blobs(registry, "ns/app", "1.0.0", &found, &err), 0, &err, "blobs go up");
	ok(!found, "and the tag is new");
	is_result(put(registry, "ns/app", "1.0.0", "", &err), 0, &err, "then the manifest");
	print_manifest(&manifest, "");
	expected = digest_of(buf_text(&manifest), manifest.len);
	is_result(fetch_manifest("1.0.0", &digest, &err), 0, &err, "which comes back");
	ok(digest_equal(&digest, &expected), "the same");
	is_result(registry_head_manifest(registry, "ns/app", "1.0.0", &digest, NULL, &err), 0, &err,
		"a HEAD");
	ok(digest_equal(&digest, &expected), "tells its digest");
	is_result(fetch("ns/app", sizeof(layer) - 1, &memory, &err), 0, &err, "a blob");
	is_text(buf_text(&memory.bytes), layer, "comes back");
	buf_clear(&memory.bytes);
	scripted_post(&server, "reset", "");
	is_result(push_blobs(registry, "ns/app", "1.0.0", &found, &err), 0, &err, "once more");
	ok(found, "the tag is there");
	is_number(scripted_count(&server, "method=PUT"), 0, "and no byte is sent");
	digest = layer_digest();
	is_result(registry_mount_blob(registry, "other/app", "ns/app", &digest, NULL, &err), 0,
		&err, "a blob is mounted");
	digest = digest_of("x", 1);
	is_result(registry_mount_blob(registry, "other/app", "no/such", &digest, NULL, &err),
		-ENOTSUP, &err, "one that is not there is not");
}

static void test_file(void)
{
	enum { SIZE = 3 << 20 };
	scoped(freep) char *bytes = must_alloc(SIZE);
	scoped(closep) int fd = open(below("blob"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct upload upload = {.size = SIZE, .fd = fd};
	struct error err = {0};
	bool found;
	struct digest digest;

	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * 7 + i / 1000);
	upload.digest = digest_of(bytes, SIZE);
	if (pwrite(fd, bytes, SIZE, 0) != SIZE)
		scripted_bail("no file");
	faults(&server, "{\"action\": \"upload\", \"after\": 100000, \"method\": \"PUT\"}");
	is_result(registry_push_blobs(
			  registry, "ns/big", &upload, 1, NULL, &found, &digest, NULL, &err),
		0, &err, "a file goes up, though the connection broke in the middle");
}

static void test_refusals(void)
{
	struct error err = {0};
	struct digest digest;
	struct memory memory;
	bool found;

	scripted_reset(&server);
	is_result(fetch_manifest("9.9.9", &digest, &err), -ENOENT, &err, "no such version");
	says(&err, "ns/app:9.9.9");
	is_result(registry_head_manifest(registry, "no/such", "1", &digest, NULL, &err), -ENOENT,
		&err, "no such repository");
	is_result(
		fetch("no/such", sizeof(layer) - 1, &memory, &err), -ENOENT, &err, "no such blob");
	is_result(fetch("ns/app", sizeof(layer) - 2, &memory, &err), -EIO, &err, "one too long");
	buf_clear(&memory.bytes);
	is_result(fetch("ns/app", sizeof(layer), &memory, &err), -EIO, &err, "one too short");
	buf_clear(&memory.bytes);
	faults(&server, "{\"action\": \"corrupt\", \"path\": \"*/manifests/*\"}");
	is_result(fetch_manifest("1.0.0", &digest, &err), -EIO, &err, "wrong bytes of a manifest");
	says(&err, "sha256:");
	faults(&server,
		"{\"action\": \"headers\", \"headers\": {\"Docker-Content-Digest\": null}}");
	is_result(registry_head_manifest(registry, "ns/app", "1.0.0", &digest, NULL, &err), 0, &err,
		"a HEAD that tells no digest is made good by a GET");
	faults(&server, "{\"action\": \"status\", \"status\": 405, \"method\": \"HEAD\"}");
	is_result(registry_head_manifest(registry, "ns/app", "1.0.0", &digest, NULL, &err), 0, &err,
		"so is a refused one");
	settings(&server, "{\"immutable\": true}");
	is_result(put(registry, "ns/app", "1.0.0", "\"annotations\":{\"a\":\"b\"},", &err), -EEXIST,
		&err, "an immutable tag");
	settings(&server, "{\"immutable\": false, \"quota\": true}");
	is_result(push_blobs(registry, "ns/fresh", "1.0.0", &found, &err) == 0
			  ? put(registry, "ns/fresh", "1.0.0", "", &err)
			  : -err.code,
		-EDQUOT, &err, "a quota");
	settings(&server, "{\"quota\": false}");
}

static void test_retries(void)
{
	struct error err = {0};
	struct digest digest;
	struct memory memory;
	bool found;

	scripted_reset(&server);
	faults(&server,
		"{\"action\": \"status\", \"status\": 429, \"headers\": {\"Retry-After\": \"0\"}}");
	is_result(fetch_manifest("1.0.0", &digest, &err), 0, &err, "429 is asked again");
	faults(&server, "{\"action\": \"status\", \"status\": 503, \"count\": 2}");
	is_result(fetch_manifest("1.0.0", &digest, &err), 0, &err, "503 too, twice");
	faults(&server, "{\"action\": \"status\", \"status\": 404, \"count\": 1}");
	scripted_post(&server, "reset", "");
	is_result(fetch_manifest("1.0.0", &digest, &err), -ENOENT, &err, "404 is not");
	is_number(scripted_count(&server, ""), 1, "one request");
	faults(&server, "{\"action\": \"status\", \"status\": 429, \"count\": -1, "
			"\"headers\": {\"Retry-After\": \"3600\"}}");
	scripted_post(&server, "reset", "");
	/* One of its own: it remembers the pause. */
	struct client *told = new_client_as(TIMEOUT_MS, NULL, NULL);
	struct registry *same = client_registry(told, server.host);
	is_result(registry_head_manifest(same, "ns/app", "1.0.0", &digest, NULL, &err), -EAGAIN,
		&err, "a pause that is too long is not waited for");
	is_number(scripted_count(&server, "method=HEAD"), 1, "one request");
	client_free(told);
	scripted_reset(&server);
	faults(&server,
		"{\"action\": \"cut\", \"after\": 20, \"path\": \"*/blobs/*\", \"count\": 2}");
	is_result(fetch("ns/app", sizeof(layer) - 1, &memory, &err), 0, &err, "a cut blob");
	is_text(buf_text(&memory.bytes), layer, "is whole in the end");
	ok(memory.rewinds >= 1, "the sink began again");
	buf_clear(&memory.bytes);
	faults(&server, "{\"action\": \"refuse\", \"count\": 2}");
	is_result(fetch_manifest("1.0.0", &digest, &err), 0, &err, "closed connections");
	faults(&server, "{\"action\": \"status\", \"status\": 500, \"method\": \"PUT\"}");
	is_result(push_blobs(registry, "ns/again", "1.0.0", &found, &err), 0, &err,
		"a failed upload");
	faults(&server, "{\"action\": \"status\", \"status\": 404, \"method\": \"PUT\"}");
	is_result(push_blobs(registry, "ns/again2", "1.0.0", &found, &err), 0, &err,
		"a session that is gone");
}

static bool is_over_now(void *of)
{
	(void)of;
	return true;
}

static void test_lost_answers(void)
{
	struct wait over = {.is_over = is_over_now};
	struct error err = {0};

	scripted_reset(&server);
	faults(&server, "{\"action\": \"drop\", \"method\": \"PUT\", \"path\": \"*/manifests/*\"}");
	is_result(put(registry, "ns/app", "2.0.0", "", &err), 0, &err,
		"a lost answer to the manifest");
	is_number(
		scripted_count(&server, "method=HEAD&path=*/manifests/2.0.0"), 1, "a HEAD decided");
	is_number(scripted_count(&server, "method=PUT"), 1, "and it was not sent again");
	scripted_reset(&server);
	faults(&server, "{\"action\": \"refuse\", \"method\": \"PUT\"}");
	is_result(put(registry, "ns/app", "3.0.0", "", &err), 0, &err,
		"a manifest that did not arrive");
	scripted_reset(&server);
	faults(&server, "{\"action\": \"status\", \"status\": 502, \"method\": \"PUT\"}");
	is_result(put(registry, "ns/app", "4.0.0", "", &err), 0, &err, "a gateway's failure");
	is_number(registry_put_manifest(
			  registry, "ns/app", "5.0.0", "{}", 2, MANIFEST_TYPE, &over, &err),
		-EINTR, "nobody waits");
	is_number(scripted_count(&server, "path=*/manifests/5.0.0"), 0, "so nothing is sent");
	faults(&server, "{\"action\": \"headers\", \"method\": \"PUT\", \"headers\": "
			"{\"Docker-Content-Digest\": \"sha256:"
			"0000000000000000000000000000000000000000000000000000000000000000\"}}");
	is_result(
		put(registry, "ns/app", "6.0.0", "", &err), -EIO, &err, "other bytes were stored");
}

static void test_redirects(void)
{
	struct error err = {0};
	struct memory memory;
	char json[256];

	scripted_reset(&server);
	settings(&server, "{\"redirect\": 307}");
	is_result(fetch("ns/app", sizeof(layer) - 1, &memory, &err), 0, &err, "a redirected blob");
	is_text(buf_text(&memory.bytes), layer, "comes from the other server");
	buf_clear(&memory.bytes);
	faults(&server, "{\"action\": \"status\", \"status\": 403, \"role\": \"blobs\"}");
	is_result(fetch("ns/app", sizeof(layer) - 1, &memory, &err), 0, &err,
		"an address that has run out is asked for again");
	buf_clear(&memory.bytes);
	faults(&server, "{\"action\": \"cut\", \"after\": 20, \"role\": \"blobs\"}");
	is_result(fetch("ns/app", sizeof(layer) - 1, &memory, &err), 0, &err,
		"so is one that breaks");
	is_text(buf_text(&memory.bytes), layer, "whole");
	buf_clear(&memory.bytes);
	settings(&server, "{\"redirect\": 0, \"location\": \"elsewhere\"}");
	publish(registry, "ns/elsewhere", "1.0.0");
	settings(&server, "{\"location\": \"relative\"}");
	publish(registry, "ns/relative", "1.0.0");
	settings(&server, "{\"location\": \"absolute\"}");
	snprintf(json, sizeof(json),
		"{\"action\": \"redirect\", \"location\": \"http://%s/v2/ns/app/blobs/x\", "
		"\"count\": -1}",
		server.host);
	faults(&server, json);
	scripted_post(&server, "reset", "");
	is_result(fetch("ns/app", sizeof(layer) - 1, &memory, &err), -EIO, &err, "a loop");
	ok(scripted_count(&server, "") <= 6, "ends after five hops");
	scripted_reset(&server);
	faults(&server, "{\"action\": \"redirect\", \"location\": \"gopher://x/\"}");
	is_result(fetch("ns/app", sizeof(layer) - 1, &memory, &err), -EIO, &err, "another scheme");
	faults(&server, "{\"action\": \"redirect\", \"status\": 302, \"location\": \"/\", "
			"\"method\": \"PUT\"}");
	is_result(put(registry, "ns/app", "7.0.0", "", &err), -EIO, &err,
		"a write that becomes a read");
	scripted_is_content(&server, "redirects");
}

static void test_deletions(void)
{
	struct error err = {0};
	struct digest digest;

	scripted_reset(&server);
	publish(registry, "ns/del", "1.0.0");
	publish(registry, "ns/del", "1.0.1");
	is_result(registry_delete_tag(registry, "ns/del", "1.0.0", NULL, &err), -EPERM, &err,
		"by digest: another tag has the manifest");
	put(registry, "ns/del", "2.0.0", "\"annotations\":{\"a\":\"b\"},", &err);
	is_result(registry_delete_tag(registry, "ns/del", "2.0.0", NULL, &err), 0, &err,
		"none has it");
	is_result(registry_head_manifest(registry, "ns/del", "2.0.0", &digest, NULL, &err), -ENOENT,
		&err, "gone");
	is_result(registry_head_manifest(registry, "ns/del", "1.0.0", &digest, NULL, &err), 0, &err,
		"the others are there");
	is_result(registry_delete_tag(registry, "ns/del", "9.0.0", NULL, &err), -ENOENT, &err,
		"what is not there");
	settings(&server, "{\"tag_delete\": null}");
	is_result(registry_delete_tag(registry, "ns/del", "1.0.0", NULL, &err), 0, &err, "by tag");
	is_result(registry_head_manifest(registry, "ns/del", "1.0.1", &digest, NULL, &err), 0, &err,
		"which leaves the other");
	settings(&server, "{\"tag_delete\": [405, \"UNSUPPORTED\", \"no\"], "
			  "\"digest_delete\": [405, \"UNSUPPORTED\", \"no\"]}");
	is_result(registry_delete_tag(registry, "ns/del", "1.0.1", NULL, &err), -EPERM, &err,
		"deletion is off");
}

static void test_unreachable(void)
{
	struct sockaddr_in local = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(local);
	scoped(closep) int deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct client *hasty = new_client_as(1000, NULL, NULL);
	struct error err = {0};
	struct wait over = {.is_over = is_over_now};
	struct digest digest;
	char host[64];
	int r = 0;

	if (bind(deaf, (struct sockaddr *)&local, size) < 0 ||
		getsockname(deaf, (struct sockaddr *)&local, &size) < 0)
		scripted_bail("no port");
	snprintf(host, sizeof(host), "127.0.0.1:%u", ntohs(local.sin_port));
	is_result(registry_ping(client_registry(client, host), NULL, &err), -EHOSTUNREACH, &err,
		"nobody listens");
	if (listen(deaf, 100) < 0)
		scripted_bail("no port");
	/* It takes connections and says nothing. */
	for (int i = 0; i < 2; i++)
		is_result(registry_head_manifest(
				  client_registry(hasty, host), "a/b", "1", &digest, NULL, &err),
			-ETIMEDOUT, &err, "nobody answers");
	is_result(registry_ping(client_registry(client, host), &over, &err), -EINTR, &err,
		"and nobody waits");
	faults(&server, "{\"action\": \"hang\", \"count\": -1}");
	for (int i = 0; i < 5 && r != -EINTR; i++)
		r = registry_ping(client_registry(hasty, server.host), NULL, &err);
	is_result(r, -ETIMEDOUT, &err, "silence, again and again");
	says(&err, "asked again in a few seconds");
	client_free(hasty);
	scripted_reset(&server);
}

int main(void)
{
	prepare();
	scripted_start(&server, "distribution-2", NULL);
	client = new_client_as(TIMEOUT_MS, NULL, NULL);
	registry = client_registry(client, server.host);
	ok(client_registry(client, server.host) == registry, "one registry for a host");
	test_push();
	test_file();
	test_refusals();
	test_retries();
	test_lost_answers();
	test_redirects();
	test_deletions();
	test_unreachable();
	client_free(client);
	scripted_stop(&server);
	temporary_remove();
	return done();
}
