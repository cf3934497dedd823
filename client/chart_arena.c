#include "client/chart_arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 4 << 10, LARGEST_BLOCK = 1 << 20, ALIGNMENT = 8 };

struct chart_arena_block {
	struct chart_arena_block *next;
	size_t size;
};

_Static_assert(sizeof(struct chart_arena_block) % ALIGNMENT == 0, "pieces would not be aligned");

/* Blocks double in size, so that a small chart costs little and a large one few calls. */
static struct chart_arena_block *add_block(struct chart_arena *arena, size_t size)
{
	size_t block_size = arena->total < FIRST_BLOCK ? FIRST_BLOCK : arena->total;
	struct chart_arena_block *block;

	if (block_size > LARGEST_BLOCK)
		block_size = LARGEST_BLOCK;
	if (block_size < size)
		block_size = size;
	if (block_size > arena->limit - arena->total)
		return NULL;
	block = calloc(1, sizeof(*block) + block_size);
	if (!block)
		return NULL;
	block->size = block_size;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->left = block_size;
	arena->total += block_size;
	return block;
}

void *chart_arena_alloc(struct chart_arena *arena, size_t size)
{
	struct chart_arena_block *block = arena->blocks;

	if (size > arena->limit)
		return NULL;
	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	if (size > arena->left) {
		block = add_block(arena, size);
		if (!block)
			return NULL;
	}
	if (!block)
		return NULL;
	arena->left -= size;
	return (char *)(block + 1) + (block->size - arena->left - size);
}

void chart_arena_clear(struct chart_arena *arena)
{
	while (arena->blocks) {
		struct chart_arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
	arena->left = arena->total = 0;
}

struct chart_text chart_arena_copy(struct chart_arena *arena, const char *at, size_t len)
{
	char *copy = chart_arena_alloc(arena, len + 1);

	if (copy && len > 0)
		memcpy(copy, at, len);
	return (struct chart_text){copy, len};
}
