#pragma once
/* The parts of a sparse file that an archive holds; all else of it is zeros. Pure. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive_extent {
	int64_t offset, length;
};

struct archive_sparse {
	struct archive_extent *extents;
	size_t count, room;
	size_t next;      /* the extent at the position, or the first behind it */
	int64_t at, size; /* of the whole file */
};

/* Each returns 0, or -EINVAL where Go's archive/tar refuses the map. */
int archive_sparse_add(struct archive_sparse *sparse, int64_t offset, int64_t length);
/* `count` pairs of numbers, all parted by commas; or the count and the pairs, a line each, in a
 * text that is changed. */
int archive_sparse_add_text(struct archive_sparse *sparse, const char *text, const char *count);
int archive_sparse_add_lines(struct archive_sparse *sparse, char *text);
/* After the last extent: `size` is the whole file's. */
int archive_sparse_begin(struct archive_sparse *sparse, int64_t size);

/* How many of the next `len` bytes lie in one extent (*is_data) or in one hole; 0 at the end. The
 * position moves behind them. */
size_t archive_sparse_step(struct archive_sparse *sparse, size_t len, bool *is_data);

void archive_sparse_clear(struct archive_sparse *sparse);
