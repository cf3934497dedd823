#include "cache/base/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_LIMIT = 64 << 20 };

static int grow(void **at, size_t *size, size_t need, size_t unit)
{
	size_t more = *size ? *size : 16;
	void *moved;

	if (need <= *size)
		return 0;
	while (more < need)
		more *= 2;
	moved = realloc(*at, more * unit);
	if (!moved)
		return -ENOMEM;
	*at = moved;
	*size = more;
	return 0;
}

int names_add(struct names *names, const char *name, size_t len)
{
	if (len >= TEXT_LIMIT || names->text_len + len + 1 > TEXT_LIMIT)
		return -EFBIG;
	if (grow((void **)&names->text, &names->text_size, names->text_len + len + 1, 1) < 0 ||
		grow((void **)&names->at, &names->size, names->count + 1, sizeof(*names->at)) < 0)
		return -ENOMEM;
	names->at[names->count++] = (uint32_t)names->text_len;
	memcpy(names->text + names->text_len, name, len);
	names->text[names->text_len + len] = '\0';
	names->text_len += len + 1;
	return 0;
}

static int compare(const void *a, const void *b, void *text)
{
	return strcmp((char *)text + *(const uint32_t *)a, (char *)text + *(const uint32_t *)b);
}

void names_sort(struct names *names)
{
	size_t kept = 0;

	if (!names->count)
		return;
	qsort_r(names->at, names->count, sizeof(*names->at), compare, names->text);
	for (size_t i = 1; i < names->count; i++)
		if (strcmp(names->text + names->at[kept], names->text + names->at[i]) != 0)
			names->at[++kept] = names->at[i];
	names->count = kept + 1;
}

const char *names_get(const struct names *names, size_t i)
{
	return names->text + names->at[i];
}

size_t names_find(const struct names *names, const char *name)
{
	size_t low = 0, high = names->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(names_get(names, middle), name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool names_has(const struct names *names, const char *name)
{
	size_t i = names_find(names, name);

	return i < names->count && strcmp(names_get(names, i), name) == 0;
}

void names_clear(struct names *names)
{
	free(names->text);
	free(names->at);
	*names = (struct names){0};
}

void names_clearp(struct names *names)
{
	int saved = errno;

	names_clear(names);
	errno = saved;
}
