#pragma once
/*
 * Memory for what is parsed out of one chart: many small pieces, released together. The total is
 * limited, because the sizes come from whoever made the chart.
 */
#include <stddef.h>

struct chart_arena {
	struct chart_arena_block *blocks;
	size_t left; /* of the newest block */
	size_t total, limit;
};

#define CHART_ARENA_INIT(most)                                                                     \
	{                                                                                          \
		.limit = (most)                                                                    \
	}

/* Zeroed memory, aligned for any type; NULL past the limit or where there is none. */
void *chart_arena_alloc(struct chart_arena *arena, size_t size);
void chart_arena_clear(struct chart_arena *arena);

/* A text of known length; it may hold NULs, and a NUL stands behind it. */
struct chart_text {
	const char *at;
	size_t len;
};

/* A copy in the arena; its `at` is NULL where there is no memory. */
struct chart_text chart_arena_copy(struct chart_arena *arena, const char *at, size_t len);
