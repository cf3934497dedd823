#pragma once
/*
 * The hosts that credential helpers know of which keep everything (`credsStore`). A helper may take
 * long, or wait for somebody, so it is asked in a thread of its own, again when its answer has
 * become old, and who wants the hosts gets what is known. May be used from any thread.
 */
#include "cache/base/names.h"

#include <stdint.h>

struct stores;

enum { STORES_FRESH_MS = 60000, STORES_PATIENCE_MS = 1000 };

struct stores *stores_new(void);

/* Ends helpers that are under way. */
void stores_free(struct stores *stores);

/* Adds the hosts that the helper named last. Before it has ever answered it is waited for, once,
 * for STORES_PATIENCE_MS at most. A helper that fails is a warning in the log. */
int stores_add_hosts(struct stores *stores, const char *helper, struct names *hosts);
