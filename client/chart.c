#include "client/chart.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/archive.h"
#include "client/chart_loader.h"
#include "client/chart_manifest.h"

#include <errno.h>
#include <string.h>

enum { METADATA_MAX = 256 << 20, CONFIG_MAX = 64 << 20 };

struct chart {
	char *name;
	char *version;
	struct buf config;
	struct chart_blob config_blob;
	struct chart_annotations annotations;
};

void chart_free(struct chart *chart)
{
	if (!chart)
		return;
	free(chart->name);
	free(chart->version);
	buf_clear(&chart->config);
	chart_annotations_clear(&chart->annotations);
	free(chart);
}

void chart_freep(struct chart **chart)
{
	chart_free(*chart);
}

/* Keeps of the metadata what is asked for later: its texts go with their arena. */
static struct chart *chart_new(
	const struct chart_metadata *metadata, struct chart_arena *arena, struct error *err)
{
	scoped(chart_freep) struct chart *chart = must_alloc(sizeof(*chart));

	chart->name = must_copy(metadata->name.at);
	chart->version = must_copy(metadata->version.at);
	chart->config = (struct buf)BUF_INIT(CONFIG_MAX);
	if (chart_metadata_encode(metadata, &chart->config) < 0) {
		fail(err, EFBIG, "the chart's metadata takes too much memory");
		return NULL;
	}
	chart->config_blob.digest = digest_of(chart->config.at, chart->config.len);
	chart->config_blob.size = chart->config.len;
	if (chart_annotations_make(&chart->annotations, metadata, arena, err) < 0)
		return NULL;
	return take(chart);
}

struct chart *chart_load(int fd, struct error *err)
{
	scoped(archive_closep) struct archive *archive = archive_open_fd(fd);
	scoped(chart_arena_clear) struct chart_arena arena = CHART_ARENA_INIT(METADATA_MAX);
	struct chart_metadata metadata;

	if (chart_loader_load(archive, &arena, &metadata, err) < 0)
		return NULL;
	return chart_new(&metadata, &arena, err);
}

const char *chart_name(const struct chart *chart)
{
	return chart->name;
}

const char *chart_version(const struct chart *chart)
{
	return chart->version;
}

const struct buf *chart_config(const struct chart *chart)
{
	return &chart->config;
}

int chart_manifest(const struct chart *chart, const struct chart_blob *archive,
	const struct chart_blob *provenance, time_t mtime, struct buf *manifest, struct error *err)
{
	return chart_manifest_encode(&chart->annotations, &chart->config_blob, archive, provenance,
		mtime, manifest, err);
}
