#pragma once
/* What the files of resolve share among themselves; everyone else wants resolve.h. */
#include "cache/base/map.h"
#include "fs/mount.h"
#include "fs/resolve.h"

#include <pthread.h>

/* IDENTITY/HOST/REPOSITORY, a separator and 128 bytes more. */
enum {
	RESOLVE_KEY_SIZE = REGISTRY_IDENTITY_SIZE + REFERENCE_HOST_MAX + REFERENCE_REPOSITORY_MAX +
			   REFERENCE_TAG_MAX + 16
};

/* Registries without a catalog, hosts that answered: such things do not change by the minute. */
enum { RESOLVE_LASTING_MS = 10 * 60 * 1000 };

struct resolve {
	struct mount *mount;
	pthread_mutex_t lock;   /* guards all below; a leaf but for the facts */
	pthread_cond_t changed; /* a catalog's fetch has ended */
	struct map catalogs;    /* struct catalog by IDENTITY/HOST */
	unsigned fetches;       /* threads that fetch a catalog */
	struct names hosts;     /* visited and given, sorted */
};

/* One thing to ask a registry for. */
struct question {
	struct mount *mount;
	struct registry *registry;
	const char *repository, *tag;
	char key[RESOLVE_KEY_SIZE];
	/* Asks and puts the answer under the key. Runs in a flight of that key. */
	int (*ask)(void *question, const struct wait *wait, struct error *err);
	/* Whether a fact of that key may still be believed; NULL: younger than ttl. */
	bool (*is_fresh)(const struct mount *mount, const struct fact *fact);
};

/* IDENTITY/HOST/REPOSITORY, `separator` and `rest`: ':' and a tag (or "": the tags), ';' and a word
 * for what is no tag. So all that concerns one repository begins with IDENTITY/HOST/REPOSITORY:. */
void resolve_key(char key[RESOLVE_KEY_SIZE], struct registry *registry, const char *repository,
	char separator, const char *rest);

bool resolve_is_fresh(const struct mount *mount, const struct fact *fact);

/* The question's fact, from what is at hand or by asking. */
int resolve_answer(struct call *call, struct question *question, struct fact **fact);

/* Facts of tags (resolve_tags.c): after a push the tag is in the set at once. */
void resolve_add_tag(
	struct mount *mount, struct registry *registry, const char *repository, const char *tag);
bool resolve_tags_are_fresh(const struct mount *mount, const struct fact *fact);

/* Facts of manifests (resolve_manifest.c). Whether the fact says that there is none. */
bool resolve_is_no_manifest(const struct fact *fact);
void resolve_add_manifest(struct mount *mount, struct registry *registry, const char *repository,
	const char *tag, const void *bytes, size_t len);

/* The registry says that it has no such repository, whatever was known. */
void resolve_unknow_repository(
	struct mount *mount, struct registry *registry, const char *repository);
/* Releases the value of a fact of repositories. */
void resolve_free_repositories(void *repositories);
/* For the map of catalogs. */
void resolve_free_catalog(void *catalog);
