#pragma once
/* The manifest of a chart as `helm push` makes it (pkg/registry/chart.go and client.go). */
#include "client/chart.h"
#include "client/chart_metadata.h"

/* The annotations as JSON, but for the time of creation, which is known only when the archive is
 * pushed: what sorts before it and what sorts behind it. */
struct chart_annotations {
	struct buf before, after;
	bool has_created; /* Chart.yaml sets it: there is nothing to add */
};

int chart_annotations_make(struct chart_annotations *annotations,
	const struct chart_metadata *metadata, struct chart_arena *arena, struct error *err);
void chart_annotations_clear(struct chart_annotations *annotations);

/* Appends the manifest. */
int chart_manifest_encode(const struct chart_annotations *annotations,
	const struct chart_blob *config, const struct chart_blob *archive,
	const struct chart_blob *provenance, time_t mtime, struct buf *manifest, struct error *err);
