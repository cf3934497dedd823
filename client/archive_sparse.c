#include "client/archive_sparse.h"

#include "client/archive_header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EXTENTS_MAX = 1 << 20 };

int archive_sparse_add(struct archive_sparse *sparse, int64_t offset, int64_t length)
{
	if (sparse->count == EXTENTS_MAX)
		return -EINVAL;
	if (sparse->count == sparse->room) {
		size_t room = sparse->room ? 2 * sparse->room : 8;
		void *extents = reallocarray(sparse->extents, room, sizeof(*sparse->extents));

		if (!extents)
			return -ENOMEM;
		sparse->extents = extents;
		sparse->room = room;
	}
	sparse->extents[sparse->count++] = (struct archive_extent){offset, length};
	return 0;
}

/* Cuts the next number off a text. */
static bool take_number(char **text, char separator, int64_t *number)
{
	char *end;

	if (!*text)
		return false;
	end = strchr(*text, separator);
	if (end)
		*end = 0;
	if (!archive_pax_number(*text, number))
		return false;
	*text = end ? end + 1 : NULL;
	return true;
}

static int add_pairs(struct archive_sparse *sparse, char **text, char separator, int64_t count)
{
	for (int64_t i = 0; i < count; i++) {
		int64_t offset, length;
		int r;

		if (!take_number(text, separator, &offset) ||
			!take_number(text, separator, &length))
			return -EINVAL;
		r = archive_sparse_add(sparse, offset, length);
		if (r < 0)
			return r;
	}
	return 0;
}

int archive_sparse_add_text(struct archive_sparse *sparse, const char *text, const char *count)
{
	char *copy = strdup(text), *at = *text ? copy : NULL;
	int64_t number;
	int r;

	if (!copy)
		return -ENOMEM;
	if (archive_pax_number(count, &number) && number >= 0)
		r = add_pairs(sparse, &at, ',', number);
	else
		r = -EINVAL;
	free(copy);
	return r == 0 && at ? -EINVAL : r;
}

int archive_sparse_add_lines(struct archive_sparse *sparse, char *text)
{
	int64_t count;

	if (!take_number(&text, '\n', &count) || count < 0)
		return -EINVAL;
	return add_pairs(sparse, &text, '\n', count);
}

int archive_sparse_begin(struct archive_sparse *sparse, int64_t size)
{
	int64_t end = 0;

	if (size < 0)
		return -EINVAL;
	for (size_t i = 0; i < sparse->count; i++) {
		const struct archive_extent *extent = &sparse->extents[i];

		if (extent->offset < end || extent->length < 0 ||
			extent->offset > INT64_MAX - extent->length)
			return -EINVAL;
		end = extent->offset + extent->length;
		if (end > size)
			return -EINVAL;
	}
	sparse->size = size;
	return 0;
}

size_t archive_sparse_step(struct archive_sparse *sparse, size_t len, bool *is_data)
{
	const struct archive_extent *extent;
	int64_t end = sparse->size, step;

	while (sparse->next < sparse->count) {
		extent = &sparse->extents[sparse->next];
		if (sparse->at < extent->offset + extent->length)
			break;
		sparse->next++;
	}
	*is_data = false;
	if (sparse->next < sparse->count) {
		extent = &sparse->extents[sparse->next];
		*is_data = sparse->at >= extent->offset;
		end = *is_data ? extent->offset + extent->length : extent->offset;
	}
	step = end - sparse->at;
	if ((uint64_t)step > len)
		step = (int64_t)len;
	sparse->at += step;
	return (size_t)step;
}

void archive_sparse_clear(struct archive_sparse *sparse)
{
	free(sparse->extents);
	*sparse = (struct archive_sparse){0};
}
