#pragma once
/*
 * Listings that come in pages: tags and the catalog. Only Link leads on, because what `last` means
 * differs between registries; everything is bounded, so that pages without end are an error.
 */
#include "cache/base/names.h"
#include "client/exchange.h"
#include "client/registry.h"

#include <stdbool.h>
#include <stddef.h>

enum { PAGES_MAX = 1000, PAGES_ENTRIES = 1000, PAGES_PAGE_BYTES = 64 << 20 };

/* A whole listing may take this many times the timeout. */
enum { PAGES_TIMEOUTS = 10 };

struct pages {
	struct endpoint *endpoint;
	const char *path;   /* without a query */
	const char *member; /* of the JSON object: "tags", "repositories" */
	struct scope scope;
	bool (*accepts)(const char *name);    /* others are hidden, and counted */
	const struct page_listener *listener; /* or NULL */
	size_t hidden;
	bool is_unsized;        /* ask without n: some registries refuse it */
	struct response answer; /* one that was no success, for who asks; response_clear() it */
};

/* Adds the names of all pages, sorted. EIO for pages that are not what they should be, repeat or
 * do not end; -EREMOTEIO when the first page was refused: see `answer`. */
int pages_collect(
	struct pages *pages, struct names *names, const struct wait *wait, struct error *err);

/* Adds the texts of a JSON object's array member; `null` and a missing member are no texts. Returns
 * how many entries there were, or -EIO. Pure. */
int pages_parse(const char *bytes, size_t len, const char *member,
	bool (*accepts)(const char *name), size_t *hidden, struct names *names, struct error *err);
