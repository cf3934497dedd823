#pragma once
/* The names of files in a chart's archive. */
#include "cache/base/buf.h"
#include "cache/base/error.h"

/* Sets `path` to the file's path within the chart: the first component of the name, whatever it
 * is, falls away, the rest is cleaned as by Go's path.Clean. A name with a backslash anywhere is
 * one of Windows. EINVAL for what Helm's LoadArchiveFiles refuses. */
int chart_path_from_name(const char *name, struct buf *path, struct error *err);
