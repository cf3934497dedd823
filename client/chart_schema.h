#pragma once
/* The fields of the structures of chart_metadata.h: what decodes and encodes them goes by these. */
#include "client/chart_metadata.h"

enum chart_field_kind {
	CHART_FIELD_TEXT,
	CHART_FIELD_BOOL,
	CHART_FIELD_TIME, /* only checked, never kept */
	CHART_FIELD_TEXTS,
	CHART_FIELD_VALUES,  /* anything */
	CHART_FIELD_STRUCTS, /* pointers to structures of field->schema */
	CHART_FIELD_MAP,     /* text to text */
};

struct chart_field {
	const char *name;
	enum chart_field_kind kind;
	bool is_always; /* written even when it is empty */
	size_t offset;
	const struct chart_schema *schema;
};

struct chart_schema {
	const char *what; /* for messages */
	size_t size;
	const struct chart_field *fields; /* in the order of the config; the last has no name */
};

extern const struct chart_schema chart_schema_metadata, chart_schema_lock;
