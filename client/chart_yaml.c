/* From nodes to values: go-yaml's decoder for "any type", and its counts. */
#include "client/chart_yaml.h"

#include "client/chart_number.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct decoder {
	struct chart_arena *arena;
	unsigned depth;
	/* go-yaml's measures against texts that grow by their aliases */
	uint64_t decoded, decoded_in_aliases;
	unsigned alias_depth;
};

struct entries { /* of a map being decoded, in the order of the text */
	struct chart_entry *at;
	size_t count, size;
};

static int decode(struct decoder *decoder, struct chart_node *node, struct chart_value *value,
	struct error *err);
static int merge_node(struct decoder *decoder, struct chart_node *node, struct entries *entries,
	struct error *err);

static int fail_full(struct error *err)
{
	return fail(err, EFBIG, "the YAML text takes too much memory");
}

static double allowed_alias_ratio(uint64_t decoded)
{
	const double low = 400000, high = 4000000;

	if ((double)decoded <= low)
		return 0.99;
	if ((double)decoded >= high)
		return 0.10;
	return 0.99 - 0.89 * (((double)decoded - low) / (high - low));
}

static int count_node(struct decoder *decoder, struct error *err)
{
	decoder->decoded++;
	if (decoder->alias_depth > 0)
		decoder->decoded_in_aliases++;
	if (decoder->decoded_in_aliases > 100 && decoder->decoded > 1000 &&
		(double)decoder->decoded_in_aliases / (double)decoder->decoded >
			allowed_alias_ratio(decoder->decoded))
		return fail(err, EINVAL, "the YAML text contains excessive aliasing");
	return 0;
}

static int enter_alias(struct decoder *decoder, struct chart_node *node, struct error *err)
{
	if (node->is_active)
		return fail(
			err, EINVAL, "the YAML anchor \"%s\" contains itself", node->alias.name);
	node->is_active = true;
	decoder->alias_depth++;
	return 0;
}

static void leave_alias(struct decoder *decoder, struct chart_node *node)
{
	decoder->alias_depth--;
	node->is_active = false;
}

static int decode_list(struct decoder *decoder, struct chart_node *node, struct chart_value *value,
	struct error *err)
{
	size_t count = node->children.count, i = 0;
	struct chart_value *values = chart_arena_alloc(decoder->arena, count * sizeof(*values));

	if (!values)
		return fail_full(err);
	for (struct chart_node *child = node->children.first; child; child = child->next) {
		int r = decode(decoder, child, &values[i++], err);

		if (r < 0)
			return r;
	}
	value->kind = CHART_LIST;
	value->list.values = values;
	value->list.count = count;
	return 0;
}

static struct chart_entry *add_entry(struct decoder *decoder, struct entries *entries)
{
	if (entries->count == entries->size) {
		size_t size = entries->size ? entries->size * 2 : 4;
		struct chart_entry *at = chart_arena_alloc(decoder->arena, size * sizeof(*at));

		if (!at)
			return NULL;
		if (entries->count > 0)
			memcpy(at, entries->at, entries->count * sizeof(*at));
		entries->at = at;
		entries->size = size;
	}
	return &entries->at[entries->count++];
}

/* The text that a key of any type becomes in JSON. */
static int set_key(struct decoder *decoder, struct chart_entry *entry,
	const struct chart_value *key, struct error *err)
{
	char number[CHART_NUMBER_SIZE];

	switch (key->kind) {
	case CHART_STRING:
		entry->key = key->text;
		return 0;
	case CHART_LIST:
	case CHART_MAP:
		return fail(err, EINVAL, "a list or map is the key of a map in the YAML text");
	case CHART_FLOAT:
		chart_number_print_key(key->real, number);
		break;
	case CHART_NULL:
	case CHART_UINT:
		entry->is_key_bad = true;
		/* fall through */
	default:
		chart_number_print(key, number);
	}
	entry->key = chart_arena_copy(decoder->arena, number, strlen(number));
	return entry->key.at ? 0 : fail_full(err);
}

static bool is_merge(const struct chart_node *key)
{
	return key->kind == CHART_NODE_SCALAR && key->text.len == 2 &&
	       memcmp(key->text.at, "<<", 2) == 0 &&
	       (key->is_plain || (key->tag && strcmp(key->tag, "tag:yaml.org,2002:merge") == 0));
}

static int fail_merge(struct error *err)
{
	return fail(err, EINVAL, "a YAML merge key needs a map or a list of maps");
}

static const struct chart_node *merge_target(const struct chart_node *node)
{
	return node->kind == CHART_NODE_ALIAS ? node->alias.target : node;
}

/* In a list the maps that come first count more, so that they are merged last. */
static int merge_list(struct decoder *decoder, struct chart_node *list, struct entries *entries,
	struct error *err)
{
	size_t count = list->children.count;
	struct chart_node **items = chart_arena_alloc(
		decoder->arena, (count ? count : 1) * sizeof(struct chart_node *));
	size_t i = 0;

	if (!items)
		return fail_full(err);
	for (struct chart_node *child = list->children.first; child; child = child->next)
		items[i++] = child;
	while (i-- > 0) {
		int r;

		if (merge_target(items[i])->kind != CHART_NODE_MAP)
			return fail_merge(err);
		r = merge_node(decoder, items[i], entries, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_entries(
	struct decoder *decoder, struct chart_node *map, struct entries *entries, struct error *err)
{
	for (struct chart_node *key = map->children.first; key; key = key->next->next) {
		struct chart_value key_value = {0}, value = {0};
		struct chart_entry *entry;
		int r;

		if (is_merge(key)) {
			if (key->next->kind == CHART_NODE_LIST)
				r = merge_list(decoder, key->next, entries, err);
			else if (merge_target(key->next)->kind == CHART_NODE_MAP)
				r = merge_node(decoder, key->next, entries, err);
			else
				r = fail_merge(err);
			if (r < 0)
				return r;
			continue;
		}
		r = decode(decoder, key, &key_value, err);
		if (r < 0)
			return r;
		entry = add_entry(decoder, entries);
		if (!entry)
			return fail_full(err);
		r = set_key(decoder, entry, &key_value, err);
		if (r == 0)
			r = decode(decoder, key->next, &value, err);
		if (r < 0)
			return r;
		entry->value = value;
	}
	return 0;
}

/* Adds the entries of a map, or of the map that an alias means. */
static int merge_node(struct decoder *decoder, struct chart_node *node, struct entries *entries,
	struct error *err)
{
	int r = count_node(decoder, err);

	if (r < 0)
		return r;
	if (++decoder->depth > CHART_YAML_DEPTH_MAX)
		return fail(err, EINVAL, "the YAML text is nested too deeply");
	if (node->kind == CHART_NODE_ALIAS) {
		r = enter_alias(decoder, node, err);
		if (r < 0)
			return r;
		r = merge_node(decoder, node->alias.target, entries, err);
		leave_alias(decoder, node);
	} else {
		r = add_entries(decoder, node, entries, err);
	}
	decoder->depth--;
	return r;
}

static int compare_text(const struct chart_text *a, const struct chart_text *b)
{
	int order = memcmp(a->at, b->at, a->len < b->len ? a->len : b->len);

	return order ? order : (a->len > b->len) - (a->len < b->len);
}

static int compare_entries(const void *a, const void *b)
{
	const struct chart_entry *const *x = a, *const *y = b;
	int order = compare_text(&(*x)->key, &(*y)->key);

	/* equal keys stay in the order of the text */
	return order ? order : (*x > *y) - (*x < *y);
}

/* Sorts by key and keeps the last of equal ones. A bad key is equal to none that is good. */
static int finish_map(
	struct decoder *decoder, const struct entries *entries, struct chart_value *value)
{
	size_t room = entries->count ? entries->count : 1, kept = 0;
	struct chart_entry *sorted = chart_arena_alloc(decoder->arena, room * sizeof(*sorted));
	struct chart_entry **order = calloc(room, sizeof(*order));

	if (!sorted || !order) {
		free(order);
		return -EFBIG;
	}
	for (size_t i = 0; i < entries->count; i++)
		order[i] = &entries->at[i];
	qsort(order, entries->count, sizeof(struct chart_entry *), compare_entries);
	for (size_t i = 0; i < entries->count; i++) {
		bool is_last = i + 1 == entries->count ||
			       compare_text(&order[i]->key, &order[i + 1]->key) != 0;

		if (is_last || order[i]->is_key_bad)
			sorted[kept++] = *order[i];
	}
	free(order);
	value->kind = CHART_MAP;
	value->map.entries = sorted;
	value->map.count = kept;
	return 0;
}

static int decode_map(struct decoder *decoder, struct chart_node *node, struct chart_value *value,
	struct error *err)
{
	struct entries entries = {0};
	int r = add_entries(decoder, node, &entries, err);

	if (r < 0)
		return r;
	return finish_map(decoder, &entries, value) < 0 ? fail_full(err) : 0;
}

static int decode(struct decoder *decoder, struct chart_node *node, struct chart_value *value,
	struct error *err)
{
	int r = count_node(decoder, err);

	if (r < 0)
		return r;
	if (++decoder->depth > CHART_YAML_DEPTH_MAX)
		return fail(err, EINVAL, "the YAML text is nested too deeply");
	switch (node->kind) {
	case CHART_NODE_SCALAR:
		r = chart_yaml_scalar(decoder->arena, node, value, err);
		break;
	case CHART_NODE_LIST:
		r = decode_list(decoder, node, value, err);
		break;
	case CHART_NODE_MAP:
		r = decode_map(decoder, node, value, err);
		break;
	case CHART_NODE_ALIAS:
		r = enter_alias(decoder, node, err);
		if (r == 0) {
			r = decode(decoder, node->alias.target, value, err);
			leave_alias(decoder, node);
		}
		break;
	}
	decoder->depth--;
	return r;
}

int chart_yaml_parse(struct chart_arena *arena, const char *text, size_t len,
	struct chart_value *value, struct error *err)
{
	struct decoder decoder = {.arena = arena, .decoded = 1};
	struct chart_node *root = NULL;
	int r = chart_yaml_nodes(arena, text, len, &root, err);

	*value = (struct chart_value){.kind = CHART_NULL};
	if (r < 0 || !root)
		return r;
	return decode(&decoder, root, value, err);
}

int chart_yaml_check(const struct chart_value *value, struct error *err)
{
	int r = 0;

	if (value->kind == CHART_FLOAT && !isfinite(value->real))
		return fail(err, EINVAL, "JSON has no number for a YAML infinity or not-a-number");
	if (value->kind == CHART_LIST)
		for (size_t i = 0; i < value->list.count && r == 0; i++)
			r = chart_yaml_check(&value->list.values[i], err);
	if (value->kind == CHART_MAP)
		for (size_t i = 0; i < value->map.count && r == 0; i++) {
			const struct chart_entry *entry = &value->map.entries[i];

			if (entry->is_key_bad)
				return fail(err, EINVAL,
					"a YAML map has the key \"%s\", which is not "
					"possible in JSON",
					entry->key.at);
			r = chart_yaml_check(&entry->value, err);
		}
	return r;
}
