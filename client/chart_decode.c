/* From YAML values into the structures of Helm, as encoding/json decodes into existing ones. */
#include "client/chart_number.h"
#include "client/chart_schema.h"
#include "client/chart_time.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LOCK_MEMORY_MAX = 256 << 20 };

static int decode_struct(struct chart_arena *arena, const struct chart_schema *schema, void *at,
	const struct chart_value *value, struct error *err);

static int fail_full(struct error *err)
{
	return fail(err, EFBIG, "the chart's metadata takes too much memory");
}

static int fail_type(const char *field, const char *wanted, struct error *err)
{
	return fail(err, EINVAL, "\"%s\" must be %s", field, wanted);
}

/* Go's EqualFold for names in ASCII: two letters beyond it fold to k and s. */
static bool is_folded_name(const char *name, const struct chart_text *key)
{
	const char *at = key->at, *end = key->at + key->len;

	for (; *name && at < end; name++) {
		char c = *at++;

		if (end - at >= 1 && c == '\xc5' && *at == '\xbf') {
			c = 's'; /* U+017F */
			at++;
		} else if (end - at >= 2 && memcmp(at - 1, "\xe2\x84\xaa", 3) == 0) {
			c = 'k'; /* U+212A */
			at += 2;
		}
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (c != (*name >= 'A' && *name <= 'Z' ? *name - 'A' + 'a' : *name))
			return false;
	}
	return !*name && at == end;
}

static const struct chart_field *find_field(
	const struct chart_schema *schema, const struct chart_text *key)
{
	for (const struct chart_field *field = schema->fields; field->name; field++)
		if (is_folded_name(field->name, key))
			return field;
	return NULL;
}

static int decode_text(struct chart_arena *arena, const char *field, struct chart_text *text,
	const struct chart_value *value, struct error *err)
{
	char number[CHART_NUMBER_SIZE];

	switch (value->kind) {
	case CHART_NULL:
		return 0;
	case CHART_STRING:
		*text = value->text;
		return 0;
	case CHART_LIST:
	case CHART_MAP:
		return fail_type(field, "a string", err);
	default:
		chart_number_print(value, number);
		*text = chart_arena_copy(arena, number, strlen(number));
		return text->at ? 0 : fail_full(err);
	}
}

static int decode_time(const char *field, const struct chart_value *value, struct error *err)
{
	if (value->kind == CHART_NULL ||
		(value->kind == CHART_STRING && chart_time_is_rfc3339(value->text.at) &&
			strlen(value->text.at) == value->text.len))
		return 0;
	return fail_type(field, "a time as in RFC 3339", err);
}

static size_t item_size(enum chart_field_kind kind)
{
	switch (kind) {
	case CHART_FIELD_TEXTS:
		return sizeof(struct chart_text);
	case CHART_FIELD_VALUES:
		return sizeof(struct chart_value);
	case CHART_FIELD_MAP:
		return sizeof(struct chart_annotation);
	default:
		return sizeof(void *);
	}
}

static int make_room(struct chart_arena *arena, struct chart_list *list, size_t count, size_t size)
{
	size_t room = list->room ? list->room : 4;
	void *items;

	if (count <= list->room)
		return 0;
	while (room < count)
		room *= 2;
	items = chart_arena_alloc(arena, room * size);
	if (!items)
		return -EFBIG;
	if (list->used > 0)
		memcpy(items, list->items, list->used * size);
	list->items = items;
	list->room = room;
	return 0;
}

static int decode_item(struct chart_arena *arena, const struct chart_field *field, void *item,
	const struct chart_value *value, struct error *err)
{
	void **pointer = item;

	if (field->kind == CHART_FIELD_TEXTS)
		return decode_text(arena, field->name, item, value, err);
	if (field->kind == CHART_FIELD_VALUES) {
		*(struct chart_value *)item = *value;
		return chart_yaml_check(value, err);
	}
	if (value->kind == CHART_NULL) {
		*pointer = NULL;
		return 0;
	}
	if (!*pointer)
		*pointer = chart_arena_alloc(arena, field->schema->size);
	if (!*pointer)
		return fail_full(err);
	return decode_struct(arena, field->schema, *pointer, value, err);
}

static int decode_list(struct chart_arena *arena, const struct chart_field *field,
	struct chart_list *list, const struct chart_value *value, struct error *err)
{
	size_t size = item_size(field->kind), count = value->list.count;

	if (value->kind == CHART_NULL || (value->kind == CHART_LIST && count == 0)) {
		*list = (struct chart_list){0};
		return 0;
	}
	if (value->kind != CHART_LIST)
		return fail_type(field->name, "a list", err);
	if (make_room(arena, list, count, size) < 0)
		return fail_full(err);
	for (size_t i = 0; i < count; i++) {
		int r = decode_item(
			arena, field, (char *)list->items + i * size, &value->list.values[i], err);

		if (r < 0)
			return r;
	}
	list->count = count;
	if (list->used < count)
		list->used = count;
	return 0;
}

static int compare_keys(const void *a, const void *b)
{
	const struct chart_annotation *x = a, *y = b;
	size_t least = x->key.len < y->key.len ? x->key.len : y->key.len;
	int order = memcmp(x->key.at, y->key.at, least);

	return order ? order : (x->key.len > y->key.len) - (x->key.len < y->key.len);
}

static int decode_map(struct chart_arena *arena, const struct chart_field *field,
	struct chart_list *list, const struct chart_value *value, struct error *err)
{
	size_t size = sizeof(struct chart_annotation), old_count = list->count;
	struct chart_annotation *items;

	if (value->kind == CHART_NULL) {
		*list = (struct chart_list){0};
		return 0;
	}
	if (value->kind != CHART_MAP)
		return fail_type(field->name, "a map", err);
	if (make_room(arena, list, old_count + value->map.count, size) < 0)
		return fail_full(err);
	items = list->items;
	for (size_t i = 0; i < value->map.count; i++) {
		const struct chart_entry *entry = &value->map.entries[i];
		struct chart_annotation new = {entry->key, {"", 0}}, *old;
		int r = decode_text(arena, field->name, &new.value, &entry->value, err);

		if (r == 0 && entry->is_key_bad)
			r = fail_type(field->name, "a map with strings as keys", err);
		if (r < 0)
			return r;
		old = old_count ? bsearch(&new, items, old_count, size, compare_keys) : NULL;
		if (old)
			*old = new;
		else
			items[list->count++] = new;
	}
	list->used = list->count;
	if (list->count > 0)
		qsort(items, list->count, size, compare_keys);
	return 0;
}

static int decode_field(struct chart_arena *arena, const struct chart_field *field, void *at,
	const struct chart_value *value, struct error *err)
{
	switch (field->kind) {
	case CHART_FIELD_TEXT:
		return decode_text(arena, field->name, at, value, err);
	case CHART_FIELD_BOOL:
		if (value->kind == CHART_BOOL)
			*(bool *)at = value->boolean;
		else if (value->kind != CHART_NULL)
			return fail_type(field->name, "true or false", err);
		return 0;
	case CHART_FIELD_TIME:
		return decode_time(field->name, value, err);
	case CHART_FIELD_MAP:
		return decode_map(arena, field, at, value, err);
	default:
		return decode_list(arena, field, at, value, err);
	}
}

/* Entries come sorted, as they would in the JSON between Helm's two decoders, so that of two
 * spellings of one field the last in that order counts. */
static int decode_struct(struct chart_arena *arena, const struct chart_schema *schema, void *at,
	const struct chart_value *value, struct error *err)
{
	if (value->kind != CHART_MAP)
		return fail(err, EINVAL, "%s must be a map", schema->what);
	for (size_t i = 0; i < value->map.count; i++) {
		const struct chart_entry *entry = &value->map.entries[i];
		const struct chart_field *field = find_field(schema, &entry->key);
		int r;

		if (entry->is_key_bad)
			return fail(err, EINVAL, "%s has a key that is no string", schema->what);
		if (field)
			r = decode_field(
				arena, field, (char *)at + field->offset, &entry->value, err);
		else
			r = chart_yaml_check(&entry->value, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int decode_yaml(struct chart_arena *arena, const struct chart_schema *schema, void *at,
	const char *text, size_t len, struct error *err)
{
	struct chart_value value;
	int r = chart_yaml_parse(arena, text, len, &value, err);

	if (r < 0 || value.kind == CHART_NULL)
		return r;
	return decode_struct(arena, schema, at, &value, err);
}

int chart_metadata_decode(struct chart_metadata *metadata, struct chart_arena *arena,
	const char *text, size_t len, struct error *err)
{
	return decode_yaml(arena, &chart_schema_metadata, metadata, text, len, err);
}

int chart_metadata_check_lock(const char *text, size_t len, struct error *err)
{
	struct chart_arena arena = CHART_ARENA_INIT(LOCK_MEMORY_MAX);
	void *lock = chart_arena_alloc(&arena, chart_schema_lock.size);
	int r = lock ? decode_yaml(&arena, &chart_schema_lock, lock, text, len, err)
		     : fail_full(err);

	chart_arena_clear(&arena);
	return r;
}
