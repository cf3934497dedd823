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

/* The fact of its tags that is at hand, however old (also of a repository that is missing), or
 * NULL. Asks nobody. */
struct fact *resolve_peek_tags(
	struct mount *mount, struct registry *registry, const char *repository);

/* The manifest that a tag means (value: struct manifest). */
int resolve_manifest(struct call *call, struct registry *registry, const char *repository,
	const char *tag, struct fact **manifest);

/* Which host a name in the root of oci:// is. ENOENT where it is none. */
int resolve_host(struct call *call, const char *name, struct registry **registry);
/* The hosts that are listed there (sorted): with credentials, given, visited. */
int resolve_hosts(struct call *call, struct names *hosts);

/* The value of a fact of repositories. `names` comes first, so that it can be read as such. */
struct repositories {
	struct names names; /* sorted */
	bool is_complete;   /* a whole catalog: what is not in it does not exist */
	bool is_partial;    /* of a catalog whose pages have not all come, or cannot be had */
	int64_t asked_ms;   /* clock_now_ms() when the registry was asked */
};

/* Every repository known: the catalog's, and what was given, visited or pushed. With `is_fresh` it
 * waits for all pages, of the first catalog as of the renewal of one that is too old; without, it
 * waits for nothing but the first page of the first one, and an old one is renewed in the
 * background. Where the catalog alone fails, while the registry answers otherwise, that is an
 * error with `is_fresh` only; without, what is known is a partial one. */
int resolve_repositories(
	struct call *call, struct registry *registry, bool is_fresh, struct fact **repositories);

/* The same as far as it is at hand, asking nobody; NULL where no catalog has been asked for. */
struct fact *resolve_peek_repositories(struct mount *mount, struct registry *registry);

/* Whether the catalog has failed, and that alone: the registry answers otherwise. */
bool resolve_lacks_catalog(struct mount *mount, struct registry *registry);

/* What is at hand where -o repository= gave something below `path` (that the registry has not
 * denied since): so the user has said what is to be shown there. Else NULL. */
struct fact *resolve_given_repositories(
	struct mount *mount, struct registry *registry, const char *path);

/* Whether the path is, or leads to, a repository that was given, visited or pushed. Asks nobody. */
bool resolve_is_known(struct mount *mount, struct registry *registry, const char *path);

/* Adds the repositories below `path` by the registry's own interface, where there is no catalog
 * (nothing where there is no such interface either). */
int resolve_children(
	struct call *call, struct registry *registry, const char *path, struct names *names);

/* What a path in a registry is by sorted names. */
bool resolve_has_repository(const struct names *repositories, const char *path);
bool resolve_has_below(const struct names *repositories, const char *path);

/* Whether the registry lets these credentials in at all: 0, EACCES, or why it could not be asked.
 */
int resolve_ping(struct call *call, struct registry *registry);

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

/* After a push that was refused: what this identity knew of the repository is asked anew, but that
 * it is there is still known: who may not write may well read. */
void resolve_doubt(struct mount *mount, struct registry *registry, const char *repository);

/* After uploads into a repository were refused (EACCES, with the sentence): for a short while
 * resolve_may_push() answers this identity for the registry: 0, or EACCES. Asks nobody. */
void resolve_push_refused(struct mount *mount, struct registry *registry, const char *repository,
	const struct error *err);
int resolve_may_push(struct call *call, struct registry *registry, const char *repository);

/* A verified blob of that repository as a descriptor (the caller closes it): from the store, or
 * downloaded into it, once for all who want it. */
int resolve_blob(struct call *call, struct registry *registry, const char *repository,
	const struct digest *digest, uint64_t size, int *fd);
