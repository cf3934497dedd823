#pragma once
/*
 * A set of short texts (tags, repositories), kept in one block of memory: names are appended, then
 * sorted once, bytewise and without repetitions. Unsorted sets must not be searched.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct names {
	char *text; /* the names, each with its NUL, one after the other */
	size_t text_len, text_size;
	uint32_t *at; /* where each begins */
	size_t count, size;
};

/* Appends a name. -ENOMEM, or -EFBIG past 64 MiB of text. */
int names_add(struct names *names, const char *name, size_t len);

/* Sorts bytewise and drops repetitions. */
void names_sort(struct names *names);

/* The i-th name; owned by the set. */
const char *names_get(const struct names *names, size_t i);

/* Whether a sorted set holds the name. */
bool names_has(const struct names *names, const char *name);

/* The index of the first name of a sorted set that is not below `name` (its count if none). */
size_t names_find(const struct names *names, const char *name);

/* Releases what it holds; an empty set remains. */
void names_clear(struct names *names);
void names_clearp(struct names *names); /* for scoped() */
