#pragma once
/*
 * A packaged chart as Helm loads it (pkg/chart/loader, 3.17 and later), and what `helm push` makes
 * of it: the config blob and the manifest, byte for byte.
 */
#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/digest.h"

#include <time.h>

struct chart;

/* Loads the archive in `fd` (by pread, from its beginning, to its end). Failures:
 *   ENODATA  the bytes so far are a good beginning of an archive that has not ended
 *   EINVAL   no chart, with the reason, for what helm would refuse too
 *   EFBIG    beyond Helm's limits (5 MiB a file, 100 MiB in all)
 * Release it with chart_free(). */
struct chart *chart_load(int fd, struct error *err);
void chart_free(struct chart *chart);
void chart_freep(struct chart **chart);

/* From Chart.yaml; owned by the chart. */
const char *chart_name(const struct chart *chart);
const char *chart_version(const struct chart *chart);

/* The config blob's bytes; owned by the chart. */
const struct buf *chart_config(const struct chart *chart);

struct chart_blob {
	struct digest digest;
	uint64_t size;
};

/* Appends the manifest of the chart with this archive, and this provenance where not NULL, whose
 * archive was last modified at `mtime`: written in the local time zone, as Helm does. */
int chart_manifest(const struct chart *chart, const struct chart_blob *archive,
	const struct chart_blob *provenance, time_t mtime, struct buf *manifest, struct error *err);

/* Whether a provenance file (clear-signed YAML) names `archive` among its sha256 sums. EINVAL, with
 * the reason, where it does not. The signature is not checked. */
int chart_check_provenance(
	const char *text, size_t len, const struct digest *archive, struct error *err);
