/* The config blob: the metadata as encoding/json writes it. */
#include "client/chart_json.h"
#include "client/chart_schema.h"

static int add_struct(struct buf *buf, const struct chart_schema *schema, const void *at);

static bool is_empty(const struct chart_field *field, const void *at)
{
	if (field->kind == CHART_FIELD_TEXT)
		return ((const struct chart_text *)at)->len == 0;
	if (field->kind == CHART_FIELD_BOOL)
		return !*(const bool *)at;
	return ((const struct chart_list *)at)->count == 0;
}

static int add_item(
	struct buf *buf, const struct chart_field *field, const struct chart_list *list, size_t i)
{
	if (field->kind == CHART_FIELD_TEXTS)
		return chart_json_add_text(buf, *chart_list_text(list, i));
	if (field->kind == CHART_FIELD_VALUES)
		return chart_json_add_value(buf, (const struct chart_value *)list->items + i);
	return add_struct(buf, field->schema, ((const void *const *)list->items)[i]);
}

static int add_list(struct buf *buf, const struct chart_field *field, const struct chart_list *list)
{
	int r = buf_add_char(buf, '[');

	for (size_t i = 0; i < list->count && r == 0; i++) {
		if (i > 0)
			r = buf_add_char(buf, ',');
		if (r == 0)
			r = add_item(buf, field, list, i);
	}
	return r < 0 ? r : buf_add_char(buf, ']');
}

static int add_map(struct buf *buf, const struct chart_list *list)
{
	const struct chart_annotation *items = list->items;
	int r = buf_add_char(buf, '{');

	for (size_t i = 0; i < list->count && r == 0; i++) {
		if (i > 0)
			r = buf_add_char(buf, ',');
		if (r == 0)
			r = chart_json_add_text(buf, items[i].key);
		if (r == 0)
			r = buf_add_char(buf, ':');
		if (r == 0)
			r = chart_json_add_text(buf, items[i].value);
	}
	return r < 0 ? r : buf_add_char(buf, '}');
}

static int add_field(struct buf *buf, const struct chart_field *field, const void *at)
{
	switch (field->kind) {
	case CHART_FIELD_TEXT:
		return chart_json_add_text(buf, *(const struct chart_text *)at);
	case CHART_FIELD_BOOL:
		return buf_add(buf, "true"); /* false is empty */
	case CHART_FIELD_MAP:
		return add_map(buf, at);
	default:
		return add_list(buf, field, at);
	}
}

static int add_struct(struct buf *buf, const struct chart_schema *schema, const void *at)
{
	const char *separator = "";
	int r = buf_add_char(buf, '{');

	for (const struct chart_field *field = schema->fields; field->name && r == 0; field++) {
		const void *member = (const char *)at + field->offset;

		if (is_empty(field, member) && !field->is_always)
			continue;
		r = buf_add(buf, separator);
		if (r == 0)
			r = chart_json_add_string(buf, field->name);
		if (r == 0)
			r = buf_add_char(buf, ':');
		if (r == 0)
			r = add_field(buf, field, member);
		separator = ",";
	}
	return r < 0 ? r : buf_add_char(buf, '}');
}

int chart_metadata_encode(const struct chart_metadata *metadata, struct buf *config)
{
	return add_struct(config, &chart_schema_metadata, metadata);
}
