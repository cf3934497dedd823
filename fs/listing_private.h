#pragma once
/* What the files of listing share. */
#include "cache/base/names.h"
#include "fs/listing.h"
#include "fs/mount.h"
#include "fs/resolve.h"

struct local_entry {
	char *name;
	struct node *node; /* pinned */
};

/* In the order in which they are shown; "." and ".." come first. The versions stay where they are,
 * in the fact: a chart with ten thousand of them costs no copy. */
struct listing {
	struct mount *mount;
	struct node *directory;  /* pinned */
	struct fact *tags;       /* of versions; or NULL */
	struct names children;   /* directories: components of repositories, or hosts */
	struct fact *manifest;   /* of files; or NULL */
	struct names file_names; /* with the layers of the same index */
	const struct layer **files;
	struct local_entry *locals;
	size_t local_count;
	struct error failure; /* code 0, or why the entries are not known */
};

/* Puts into the listing what the registry stores in its directory. */
int listing_gather(struct call *call, struct listing *listing);

/* The tags of a chart's listing; NULL where it is no chart. */
static inline const struct tag_set *listing_tags(const struct listing *listing)
{
	return listing->tags ? fact_value(listing->tags) : NULL;
}

/* Whether a name of the chart's directory means one of its tags. */
bool listing_has_tag(const struct listing *listing, const char *name);
