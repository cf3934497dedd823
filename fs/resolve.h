#pragma once
/*
 * From names to what a registry holds: facts first, the registry on a miss, one question at a time
 * for each thing. The matchmaker between client/ and cache/. Where a call may not wait and the
 * answer is not at hand: -EWOULDBLOCK.
 *
 * An answer is fresh for the mount's ttl. Facts are keyed IDENTITY/HOST/..., see resolve.c.
 */
#include "cache/base/buf.h"
#include "cache/base/names.h"
#include "cache/facts.h"
#include "client/manifest.h"
#include "fs/call.h"

struct registry;

/* What all of it shares beside the facts. resolve_stop() is called once the mount is ending and
 * the client is stopped, and returns when no thread of it is left. */
struct resolve *resolve_new(struct mount *mount);
void resolve_stop(struct resolve *resolve);
void resolve_free(struct resolve *resolve);

/* The value of a tags fact. `names` comes first, so that it can be read as a struct names too. */
struct tag_set {
	struct names names;    /* the tags, bytewise sorted */
	struct names versions; /* those that are versions, as shown, in SemVer order */
	uint64_t hash;         /* differs where the versions differ */
	int64_t asked_ms;      /* clock_now_ms() when the registry was asked */
	bool is_missing;       /* the registry has no such repository */
};

/* A repository's tags (value: struct tag_set). ENOENT: no such repository, which is a fact as
 * well. */
int resolve_tags(
	struct call *call, struct registry *registry, const char *repository, struct fact **tags);

/* The manifest that a tag means (value: struct manifest). */
int resolve_manifest(struct call *call, struct registry *registry, const char *repository,
	const char *tag, struct fact **manifest);

/* Which host a name in the root of oci:// is. ENOENT where it is none. */
int resolve_host(struct call *call, const char *name, struct registry **registry);
/* The hosts that are listed there (sorted): with credentials, given, visited. */
int resolve_hosts(struct call *call, struct names *hosts);

/* Every repository known: the catalog's, and what was given, visited or pushed (value: struct
 * names). `*is_complete` tells whether it came from a whole catalog, so that what is not in it
 * does not exist; without one it is what is known. */
int resolve_repositories(struct call *call, struct registry *registry, struct fact **repositories,
	bool *is_complete);

/* Notes that a repository exists though no catalog may say so: visited, given or pushed. */
void resolve_know_repository(
	struct mount *mount, struct registry *registry, const char *repository);

/* Whether the registry is known to have repositories below `path`. */
int resolve_has_children(
	struct call *call, struct registry *registry, const char *path, bool *has_children);

/* What facts younger than the ttl say of a tag, asking nobody: 1 it exists, 0 it does not, -1 not
 * known. `*digest` is its manifest's where that is known too (`*has_digest`). */
int resolve_peek_tag(struct mount *mount, struct registry *registry, const char *repository,
	const char *tag, bool *has_digest, struct digest *digest);

/* The bytes of a manifest that is known under that tag with that digest, appended to `bytes`; false
 * where it is not known. Asks nobody, and its age does not matter: the digest says what it is. */
bool resolve_known_manifest(struct mount *mount, struct registry *registry, const char *repository,
	const char *tag, const struct digest *digest, struct buf *bytes);

/* After a push: what the registry now holds is known here at once (tags, manifest, repository),
 * and answers to questions asked before are dropped. Takes copies. */
void resolve_pushed(struct mount *mount, struct registry *registry, const char *repository,
	const char *tag, const void *manifest, size_t len);

/* After a refusal (EACCES): this identity knows nothing any more of that repository. */
void resolve_refused(struct mount *mount, struct registry *registry, const char *repository);

/* A verified blob of that repository as a descriptor (the caller closes it): from the store, or
 * downloaded into it, once for all who want it. */
int resolve_blob(struct call *call, struct registry *registry, const char *repository,
	const struct digest *digest, uint64_t size, int *fd);
