#pragma once
/*
 * The files of one chart, as they come out of an archive (helm pkg/chart/v2/loader): what must
 * parse is parsed at once where that is possible, so that only the metadata stays in memory.
 * Charts in charts/ are loaded by the same rules.
 */
#include "client/archive.h"
#include "client/chart_metadata.h"

/* Loads an archive to its end; the metadata is validated and lives in the arena. Errors as
 * chart_load(). */
int chart_loader_load(struct archive *archive, struct chart_arena *arena,
	struct chart_metadata *metadata, struct error *err);
