#pragma once
/*
 * What a registry can be asked (OCI distribution spec 1.1, and the catalog of Docker's API). Every
 * call blocks until it is answered, its `wait` is over (EINTR), or nothing has moved for the
 * client's timeout (ETIMEDOUT). They may be made from any thread. Errors are DESIGN 5's: ENOENT
 * 404, EACCES 401 and 403, EEXIST immutable, EHOSTUNREACH, ETIMEDOUT, EPROTO for TLS, EIO for what
 * cannot be trusted or is still failing after the retries; each with a sentence.
 */
#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/names.h"
#include "cache/base/wait.h"
#include "cache/digest.h"
#include "client/reference.h"

#include <stdbool.h>

struct client;
struct registry;

struct client_options { /* texts may be NULL; all are copied */
	int64_t timeout_ms;
	bool plain_http;
	bool insecure;
	const char *ca_file, *cert_file, *key_file;
	const char *username, *password_file;
};

/* Reads what can be read before the program goes to the background, and fails for what is wrong in
 * the options. No thread is started before client_start(). */
struct client *client_new(const struct client_options *options, struct error *err);
int client_start(struct client *client, struct error *err);
void client_free(struct client *client); /* no call may be under way */
void client_freep(struct client **client);

/* Everything under way ends soon, with EINTR (the mount ends). */
void client_stop(struct client *client);

/* The registry of a host, made on first use; owned by the client and valid until its end. */
struct registry *client_registry(struct client *client, const char *host);

/* The hosts with stored credentials, sorted. A file that cannot be read is a warning in the log. */
int client_list_hosts(struct client *client, struct names *hosts, struct error *err);

const char *registry_host(const struct registry *registry);

/* A short text that differs between credentials (of this registry and repository, "" for none):
 * the first part of the keys of facts. It changes when the credentials change. */
enum { REGISTRY_IDENTITY_SIZE = 65 };
void registry_identity(
	struct registry *registry, const char *repository, char identity[REGISTRY_IDENTITY_SIZE]);

/* GET /v2/: 0 when the registry answers and lets these credentials in. EACCES where it refuses
 * them, ENOENT where there is no registry. */
int registry_ping(struct registry *registry, const struct wait *wait, struct error *err);

/* All tags of a repository, sorted bytewise; what is not in the grammar of tags is left out and
 * counted into `*hidden` (may be NULL). ENOENT: no such repository. */
int registry_list_tags(struct registry *registry, const char *repository, struct names *tags,
	size_t *hidden, const struct wait *wait, struct error *err);

/* All repositories, sorted bytewise. ENOTSUP: this registry has no catalog, or none for these
 * credentials (which as such are good). `pages` (or NULL) hears after each page but the last what
 * has come so far, not sorted; its function is called from within the call. */
struct page_listener {
	void (*more)(void *of, const struct names *so_far);
	void *of;
};
int registry_list_catalog(struct registry *registry, struct names *repositories,
	const struct page_listener *pages, const struct wait *wait, struct error *err);

/* Whether there are no repositories beside those that its catalog lists. */
bool registry_has_whole_catalog(struct registry *registry);

/* The repositories below `prefix` by the registry's own interface, where it has one (quirks.c).
 * ENOTSUP where it has none. */
int registry_list_children(struct registry *registry, const char *prefix,
	struct names *repositories, const struct wait *wait, struct error *err);

/* A manifest by tag or by digest text. The bytes are verified against `*digest` as asked for, or
 * as the registry named it; `*digest` is theirs. */
int registry_fetch_manifest(struct registry *registry, const char *repository,
	const char *reference, struct buf *bytes, struct digest *digest, const struct wait *wait,
	struct error *err);

/* Which manifest a tag means, without its bytes (HEAD; GET where that does not tell). */
int registry_head_manifest(struct registry *registry, const char *repository, const char *reference,
	struct digest *digest, const struct wait *wait, struct error *err);

/* Where fetched bytes go. `rewind` is called before a transfer is repeated. Called from the
 * transport's thread: neither may block for long. */
struct sink {
	int (*append)(void *to, const void *bytes, size_t len, struct error *err);
	int (*rewind)(void *to, struct error *err);
	void *to;
};

/* A blob's bytes, in order, into the sink, which verifies them. EIO where they are not `size`. */
int registry_fetch_blob(struct registry *registry, const char *repository,
	const struct digest *digest, uint64_t size, const struct sink *sink,
	const struct wait *wait, struct error *err);

/* A blob to be uploaded: from memory, or from a file by pread. */
struct upload {
	struct digest digest;
	uint64_t size;
	const void *bytes; /* NULL: from fd */
	int fd;
};

/* Uploads what the repository does not have yet, side by side: HEAD and POST of each go out at
 * once, then the PUTs. `tag` (or NULL) is asked beside them: `*tag_found` and `*tag_digest`. */
int registry_push_blobs(struct registry *registry, const char *repository,
	const struct upload *uploads, size_t count, const char *tag, bool *tag_found,
	struct digest *tag_digest, const struct wait *wait, struct error *err);

/* The atomic step: the manifest under its tag. `wait` is looked at before the request is sent,
 * not after. A lost answer is settled by one HEAD of the tag. */
int registry_put_manifest(struct registry *registry, const char *repository, const char *tag,
	const void *bytes, size_t len, const char *media_type, const struct wait *wait,
	struct error *err);

/* Whether the blob came to be in `repository` without its bytes being sent, from another
 * repository of the same registry: 0, or ENOTSUP where it has to be uploaded. */
int registry_mount_blob(struct registry *registry, const char *repository, const char *from,
	const struct digest *digest, const struct wait *wait, struct error *err);

/* Takes a tag away. By the tag where the registry can; else by its manifest's digest, which takes
 * every tag of that manifest: EPERM where another tag shares it, or deletion is not supported. */
int registry_delete_tag(struct registry *registry, const char *repository, const char *tag,
	const struct wait *wait, struct error *err);

/* login and logout, as the commands do them. Login asks the registry first and stores nothing
 * that it refuses. `secret` is the caller's to wipe. Both need a started client. */
int client_login(struct client *client, const char *host, const char *username, const char *secret,
	struct error *err);
int client_logout(struct client *client, const char *host, struct error *err);
