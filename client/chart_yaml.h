#pragma once
/*
 * YAML as Helm reads it (sigs.k8s.io/yaml over go-yaml v2, which is YAML 1.1 with limits): the
 * first document of a text becomes a tree of what JSON knows. Aliases and merge keys are resolved,
 * the last of several equal keys wins, unknown tags make strings.
 */
#include "cache/base/error.h"
#include "client/chart_arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CHART_YAML_DEPTH_MAX = 1000 };

enum chart_kind {
	CHART_NULL,
	CHART_BOOL,
	CHART_INT,
	CHART_UINT, /* beyond INT64_MAX */
	CHART_FLOAT,
	CHART_STRING,
	CHART_LIST,
	CHART_MAP,
};

struct chart_value {
	enum chart_kind kind;
	union {
		bool boolean;
		int64_t integer;
		uint64_t natural;
		double real;
		struct chart_text text;
		struct {
			const struct chart_value *values;
			size_t count;
		} list;
		struct {
			const struct chart_entry *entries; /* sorted bytewise by key */
			size_t count;
		} map;
	};
};

struct chart_entry {
	struct chart_text key;
	struct chart_value value;
	bool is_key_bad; /* a key that JSON cannot have: null or beyond INT64_MAX */
};

/* Parses the first document (an empty text is null) into the arena. EINVAL, with the reason, for
 * what Helm's parser refuses and for nesting deeper than CHART_YAML_DEPTH_MAX; EFBIG where the
 * arena is too small. Not-a-numbers and bad keys are left to the caller: Helm minds them only
 * where they are not converted to strings. */
int chart_yaml_parse(struct chart_arena *arena, const char *text, size_t len,
	struct chart_value *value, struct error *err);

/* Whether the value and all below it can be written as JSON; EINVAL with the reason. */
int chart_yaml_check(const struct chart_value *value, struct error *err);

/* The inside of the parser, for chart_yaml_*.c only: the nodes of a document. */
enum chart_node_kind { CHART_NODE_SCALAR, CHART_NODE_LIST, CHART_NODE_MAP, CHART_NODE_ALIAS };

struct chart_node {
	enum chart_node_kind kind;
	bool is_plain;  /* a scalar whose type is told by its text */
	bool is_active; /* an alias being resolved */
	uint32_t line;
	const char *tag;         /* NULL: none */
	struct chart_node *next; /* of the same parent; in a map key, value, key, value */
	union {
		struct chart_text text; /* of a scalar */
		struct {
			struct chart_node *first;
			size_t count;
		} children;
		struct {
			const char *name;
			struct chart_node *target;
		} alias;
	};
};

/* The nodes of the first document; *root is NULL for none. */
int chart_yaml_nodes(struct chart_arena *arena, const char *text, size_t len,
	struct chart_node **root, struct error *err);

/* The value of a scalar node. */
int chart_yaml_scalar(struct chart_arena *arena, const struct chart_node *node,
	struct chart_value *value, struct error *err);
