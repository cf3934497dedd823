#pragma once
/* A hash table from texts to pointers. It copies its keys and owns none of its values. No lock. */
#include <stddef.h>
#include <stdint.h>

struct map_entry {
	struct map_entry *next;
	void *value;
	uint64_t hash;
	char key[];
};

struct map {
	struct map_entry **slots; /* NULL while empty; a power of two of them */
	size_t slot_count;
	size_t count;
};

/* The value, or NULL. */
void *map_get(const struct map *map, const char *key);

/* Sets the value (not NULL) and returns the one it replaces, or NULL. */
void *map_put(struct map *map, const char *key, void *value);

/* Removes the key and returns its value, or NULL. */
void *map_remove(struct map *map, const char *key);

/* Forgets all keys. `release` (or NULL) is called on each value. */
void map_clear(struct map *map, void (*release)(void *value));

/* Walks all entries in no order: map_next(map, NULL) is the first, NULL the end. The entry last
 * returned may not be removed before the next call. */
struct map_entry *map_next(const struct map *map, const struct map_entry *entry);

#define map_for_each(entry, map)                                                                   \
	for (struct map_entry *entry = map_next((map), NULL); entry; entry = map_next((map), entry))

/* FNV-1a, 64 bits: stable over runs and machines (inode numbers are made of it). */
uint64_t map_hash(const char *text);
