#pragma once
/*
 * How the kinds of registries differ from the specification, as data: one row a kind, recognised by
 * its host's name or by what its answers carry. Pure. What an unknown kind does is found out by
 * asking; a row says what can be known before.
 */
#include "cache/base/buf.h"
#include "client/transport.h"

#include <stdbool.h>

/* What a kind lacks, so that it is not even asked. That a manifest may be put by its digest is no
 * column: helm pushes that way since 3.18, so every kind that helm works with takes it. */
enum quirks_lack {
	QUIRKS_NO_CATALOG = 1 << 0,
	QUIRKS_NO_MOUNT = 1 << 1,
	QUIRKS_NO_DELETION = 1 << 2,      /* through this API at all */
	QUIRKS_NO_TAG_DELETION = 1 << 3,  /* but by digest */
	QUIRKS_NO_REFERRERS = 1 << 4,     /* the fallback tag has to be asked */
	QUIRKS_NO_LAST = 1 << 5,          /* `last` is no name: Link alone leads on */
	QUIRKS_NO_WHOLE_CATALOG = 1 << 6, /* it has the login's own, not all it may read */
};

/* An interface of its own that lists repositories (registry_children.c). */
enum quirks_listing {
	QUIRKS_LISTING_NONE,
	QUIRKS_LISTING_HUB,
	QUIRKS_LISTING_HARBOR,
	QUIRKS_LISTING_QUAY,
	QUIRKS_LISTING_CHILD, /* tags/list of a parent has a "child" member */
};

/* What a refused push really means. */
enum quirks_meaning {
	QUIRKS_MEANS_NOTHING,   /* what its status says */
	QUIRKS_MEANS_IMMUTABLE, /* EEXIST */
	QUIRKS_MEANS_NOT_MADE,  /* ENOENT: something has to be created first */
	QUIRKS_MEANS_QUOTA,     /* EDQUOT */
	QUIRKS_MEANS_POLICY,    /* EACCES: a rule of the project */
};

struct quirks_error {
	int status;        /* 0 ends the list */
	const char *code;  /* "" for any */
	const char *words; /* in the message, in any case; "" for any */
	enum quirks_meaning meaning;
};

struct quirks {
	const char *name;     /* a word */
	const char *title;    /* for sentences */
	const char *hosts[3]; /* shell patterns */
	struct {
		const char *header; /* one that its answers carry */
		const char *words;  /* in the value, in any case; "" for any */
	} tells[3];
	unsigned lacks; /* of enum quirks_lack */
	enum quirks_listing listing;
	const char *listing_url; /* where that is on another host, or NULL */
	const char *untag_path;  /* how a tag is deleted beside /v2/, or NULL: see quirks_print() */
	bool untags_by_password; /* and that takes Basic, not the registry's tokens */
	const char *make;        /* how to make what has to be there first: see quirks_print() */
	struct quirks_error errors[5];
};

/* The row of a host whose name tells, else the general one. Never NULL. */
const struct quirks *quirks_of_host(const char *host);

/* The row after one more answer of the registry: `known`, unless that is the general one and the
 * answer tells more. */
const struct quirks *quirks_of_response(
	const struct quirks *known, const struct response *response);

/* What an answer that refuses a push means, by the row's rules, then by general ones. */
enum quirks_meaning quirks_meaning(
	const struct quirks *quirks, int status, const char *code, const char *message);

/* Appends a template's text. {host}, {location} (the host up to its "-docker.pkg.dev"),
 * {repository}, {first}, {second} (components), {below} (all but the first), {escaped} (that, with
 * its slashes escaped twice), {tag}. 0, -ENOMEM or -EFBIG. */
struct quirks_place {
	const char *host, *repository, *tag; /* tag may be NULL */
};
int quirks_print(struct buf *text, const char *template, const struct quirks_place *place);
