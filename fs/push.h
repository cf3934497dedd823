#pragma once
/* A chart on its way into a registry: what is there already, the blobs, then the manifest. */
#include "client/chart.h"
#include "client/manifest.h"
#include "fs/call.h"
#include "fs/target.h"

struct push {
	struct target target;
	const struct chart *chart;
	time_t mtime; /* of the archive: becomes the manifest's "created" */
	struct chart_blob archive;
	int archive_fd;
	const struct buf *provenance; /* NULL: none was written */
	bool is_same_archive;         /* only if the tag means this archive already, or nothing */
};

/* Pushes; nothing is sent that the registry is known to have. On success what was pushed is known
 * to this mount and its archive is in the cache. A failure leaves what was published as it was.
 * `*manifest` is what is published now: pushed, or found to hold this very archive. */
int push_chart(struct call *call, const struct push *push, struct manifest **manifest);
