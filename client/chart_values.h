#pragma once
#include "cache/base/error.h"

#include <stddef.h>

/* Whether Helm could read a text as values.yaml: documents parted by lines that begin with "---",
 * each a map or empty. EINVAL with the reason. */
int chart_values_check(const char *text, size_t len, struct error *err);
