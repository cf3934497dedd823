#include "cache/base/map.h"

#include "cache/base/memory.h"

#include <stdlib.h>
#include <string.h>

uint64_t map_hash(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return hash;
}

static struct map_entry **find(const struct map *map, const char *key, uint64_t hash)
{
	struct map_entry **at = &map->slots[hash & (map->slot_count - 1)];

	while (*at && ((*at)->hash != hash || strcmp((*at)->key, key) != 0))
		at = &(*at)->next;
	return at;
}

static void grow(struct map *map)
{
	struct map bigger = {.slot_count = map->slot_count ? map->slot_count * 2 : 8};

	bigger.slots = must_alloc(bigger.slot_count * sizeof(*bigger.slots));
	for (size_t i = 0; i < map->slot_count; i++) {
		while (map->slots[i]) {
			struct map_entry *entry = map->slots[i];
			struct map_entry **to =
				&bigger.slots[entry->hash & (bigger.slot_count - 1)];

			map->slots[i] = entry->next;
			entry->next = *to;
			*to = entry;
		}
	}
	free(map->slots);
	map->slots = bigger.slots;
	map->slot_count = bigger.slot_count;
}

void *map_get(const struct map *map, const char *key)
{
	struct map_entry *entry = map->count ? *find(map, key, map_hash(key)) : NULL;

	return entry ? entry->value : NULL;
}

void *map_put(struct map *map, const char *key, void *value)
{
	uint64_t hash = map_hash(key);
	struct map_entry **at, *entry;
	size_t len = strlen(key);

	if (map->count >= map->slot_count)
		grow(map);
	at = find(map, key, hash);
	if (*at) {
		void *old = (*at)->value;

		(*at)->value = value;
		return old;
	}
	entry = must_alloc(sizeof(*entry) + len + 1);
	memcpy(entry->key, key, len + 1);
	entry->hash = hash;
	entry->value = value;
	*at = entry;
	map->count++;
	return NULL;
}

void *map_remove(struct map *map, const char *key)
{
	struct map_entry **at, *entry;
	void *value;

	if (!map->count)
		return NULL;
	at = find(map, key, map_hash(key));
	entry = *at;
	if (!entry)
		return NULL;
	*at = entry->next;
	value = entry->value;
	free(entry);
	map->count--;
	return value;
}

void map_clear(struct map *map, void (*release)(void *value))
{
	for (size_t i = 0; i < map->slot_count; i++) {
		while (map->slots[i]) {
			struct map_entry *entry = map->slots[i];

			map->slots[i] = entry->next;
			if (release)
				release(entry->value);
			free(entry);
		}
	}
	free(map->slots);
	*map = (struct map){0};
}

struct map_entry *map_next(const struct map *map, const struct map_entry *entry)
{
	size_t slot = 0;

	if (entry && entry->next)
		return entry->next;
	if (entry)
		slot = (entry->hash & (map->slot_count - 1)) + 1;
	for (; slot < map->slot_count; slot++)
		if (map->slots[slot])
			return map->slots[slot];
	return NULL;
}
