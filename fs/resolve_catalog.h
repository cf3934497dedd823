#pragma once
/* What resolve_catalog.c (asking for catalogs) and resolve_known.c (what is known beside them)
 * share. */
#include "fs/resolve_facts.h"

/* One registry's catalog as one identity may see it. Guarded by the lock of struct resolve. */
struct catalog {
	struct registry *registry;
	struct names given; /* -o repository=; sorted, as is known */
	struct names known; /* given, visited, pushed: whatever a catalog says */
	bool is_running;
	bool is_there;             /* the registry has a catalog */
	bool has_page;             /* the first page of the one that runs is in the fact */
	unsigned rounds;           /* fetches that have ended */
	int64_t began_ms, took_ms; /* the last fetch */
	struct error err;          /* the last fetch's; code 0: it was good */
	bool is_alone;             /* that failure is the catalog's alone: the registry answers */
	char key[];                /* of its fact */
};

/* The registry's, as this identity may see it; made where there is none yet. */
struct catalog *resolve_catalog_locked(struct mount *mount, struct registry *registry);

/* Puts what the registry said and what is known beside it into the fact; the rest is as in `like`.
 */
void resolve_put_catalog_locked(struct mount *mount, struct catalog *catalog,
	const struct names *names, const struct repositories *like);
