/* The events of libyaml as nodes of one document. */
#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/chart_yaml.h"
#include "client/chart_yaml_source.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

struct level {
	struct chart_node *node;
	struct chart_node **end; /* where the next child is to be linked */
	bool was_in_flow;
};

struct nodes {
	struct chart_arena *arena;
	struct chart_node *root;
	struct map anchors; /* of struct chart_node, by name; the last of a name counts */
	struct level levels[CHART_YAML_DEPTH_MAX];
	size_t depth;
	bool is_in_flow; /* the innermost collection is written in brackets */
	struct chart_yaml_source *source;
};

static int fail_full(struct error *err)
{
	return fail(err, EFBIG, "the YAML text takes too much memory");
}

/* libyaml's marks begin at 0; a missing one is 0 too, as in the messages of Helm. */
static int fail_syntax(const yaml_parser_t *parser, struct error *err)
{
	const char *problem = parser->problem ? parser->problem : "it cannot be read";

	if (parser->error == YAML_MEMORY_ERROR)
		return fail(err, ENOMEM, "no memory to parse YAML");
	if (parser->error == YAML_READER_ERROR)
		return fail(err, EINVAL, "malformed YAML at byte %zu: %s", parser->problem_offset,
			problem);
	return fail(err, EINVAL, "malformed YAML at line %zu: %s", parser->problem_mark.line + 1,
		problem);
}

static struct chart_node *new_node(
	struct nodes *nodes, enum chart_node_kind kind, const yaml_event_t *event, const void *tag)
{
	struct chart_node *node = chart_arena_alloc(nodes->arena, sizeof(*node));

	if (!node)
		return NULL;
	node->kind = kind;
	node->line = (uint32_t)event->start_mark.line + 1;
	if (tag && *(const char *)tag) {
		node->tag = chart_arena_copy(nodes->arena, tag, strlen(tag)).at;
		if (!node->tag)
			return NULL;
	}
	return node;
}

static void set_anchor(struct nodes *nodes, const void *name, struct chart_node *node)
{
	if (name)
		map_put(&nodes->anchors, name, node);
}

static void link_node(struct nodes *nodes, struct chart_node *node)
{
	struct level *level = &nodes->levels[nodes->depth ? nodes->depth - 1 : 0];

	if (nodes->depth == 0) {
		nodes->root = node;
		return;
	}
	*level->end = node;
	level->end = &node->next;
	level->node->children.count++;
}

static int enter(struct nodes *nodes, struct chart_node *node, bool is_in_flow, struct error *err)
{
	if (nodes->depth == CHART_YAML_DEPTH_MAX)
		return fail(err, EINVAL, "the YAML text is nested deeper than %d levels",
			CHART_YAML_DEPTH_MAX);
	nodes->levels[nodes->depth++] =
		(struct level){node, &node->children.first, nodes->is_in_flow};
	nodes->is_in_flow = is_in_flow;
	return 0;
}

/* What libyaml 0.2 takes and Helm's parser, which is older, does not. */
static int check_scalar(struct nodes *nodes, const yaml_event_t *event, struct error *err)
{
	yaml_scalar_style_t style = event->data.scalar.style;

	if (style == YAML_PLAIN_SCALAR_STYLE && nodes->is_in_flow &&
		memchr(event->data.scalar.value, '?', event->data.scalar.length))
		return fail(err, EINVAL,
			"malformed YAML at line %zu: a \"?\" between brackets must be quoted",
			event->start_mark.line + 1);
	if (style == YAML_DOUBLE_QUOTED_SCALAR_STYLE &&
		chart_yaml_source_has_slash_escape(nodes->source, event->start_mark.index))
		return fail(err, EINVAL, "malformed YAML at line %zu: \"\\/\" is no escape",
			event->start_mark.line + 1);
	return 0;
}

static int check_version(const yaml_event_t *event, struct error *err)
{
	const yaml_version_directive_t *version = event->data.document_start.version_directive;

	if (version && (version->major != 1 || version->minor != 1))
		return fail(err, EINVAL, "the YAML text is of version %d.%d, only 1.1 is known",
			version->major, version->minor);
	return 0;
}

static int add_scalar(struct nodes *nodes, const yaml_event_t *event, struct error *err)
{
	struct chart_node *node = new_node(nodes, CHART_NODE_SCALAR, event, event->data.scalar.tag);
	int r = check_scalar(nodes, event, err);

	if (r < 0)
		return r;
	if (!node)
		return fail_full(err);
	node->is_plain = event->data.scalar.plain_implicit;
	node->text = chart_arena_copy(
		nodes->arena, (const char *)event->data.scalar.value, event->data.scalar.length);
	if (!node->text.at)
		return fail_full(err);
	chart_yaml_source_restore(nodes->source, &node->text);
	link_node(nodes, node);
	set_anchor(nodes, event->data.scalar.anchor, node);
	return 0;
}

static int add_alias(struct nodes *nodes, const yaml_event_t *event, struct error *err)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct chart_node *node = new_node(nodes, CHART_NODE_ALIAS, event, NULL);

	if (!node)
		return fail_full(err);
	node->alias.target = map_get(&nodes->anchors, name);
	if (!node->alias.target)
		return fail(err, EINVAL, "the YAML text refers to the unknown anchor \"%s\"", name);
	node->alias.name = chart_arena_copy(nodes->arena, name, strlen(name)).at;
	if (!node->alias.name)
		return fail_full(err);
	link_node(nodes, node);
	return 0;
}

static int add_collection(struct nodes *nodes, const yaml_event_t *event, struct error *err)
{
	bool is_list = event->type == YAML_SEQUENCE_START_EVENT;
	const void *tag = is_list ? event->data.sequence_start.tag : event->data.mapping_start.tag;
	const void *anchor =
		is_list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor;
	bool is_in_flow = is_list ? event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
				  : event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
	struct chart_node *node =
		new_node(nodes, is_list ? CHART_NODE_LIST : CHART_NODE_MAP, event, tag);

	if (!node)
		return fail_full(err);
	link_node(nodes, node);
	set_anchor(nodes, anchor, node);
	return enter(nodes, node, is_in_flow, err);
}

/* 1 at the end of the first document, or of the text. */
static int add_event(struct nodes *nodes, const yaml_event_t *event, struct error *err)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return add_scalar(nodes, event, err);
	case YAML_ALIAS_EVENT:
		return add_alias(nodes, event, err);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return add_collection(nodes, event, err);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		if (nodes->depth)
			nodes->is_in_flow = nodes->levels[--nodes->depth].was_in_flow;
		return 0;
	case YAML_DOCUMENT_START_EVENT:
		return check_version(event, err);
	case YAML_DOCUMENT_END_EVENT:
	case YAML_STREAM_END_EVENT:
		return 1;
	default:
		return 0;
	}
}

struct input {
	const char *at;
	size_t left;
	const yaml_parser_t *parser;
};

/* Feeds libyaml as slowly as Helm's parser reads, so that a fault behind the first document is
 * seen exactly where it would see it. */
static int feed(void *data, unsigned char *buffer, size_t size, size_t *got)
{
	enum { RAW_BUFFER = 512 };
	struct input *input = data;
	size_t held = (size_t)(input->parser->raw_buffer.last - input->parser->raw_buffer.start);
	size_t most = held < RAW_BUFFER ? RAW_BUFFER - held : 1;

	if (size > most)
		size = most;
	if (size > input->left)
		size = input->left;
	memcpy(buffer, input->at, size);
	input->at += size;
	input->left -= size;
	*got = size;
	return 1;
}

/* Mends the source where libyaml stumbled over what Helm's parser takes; false where that is not
 * why it did. */
static bool mend(struct chart_yaml_source *source, const yaml_parser_t *parser)
{
	static const struct {
		const char *problem;
		bool (*mend)(struct chart_yaml_source *source, size_t index);
	} mends[] = {
		{"found unexpected ':'", chart_yaml_source_hide_colon},
		{"found unknown escape character", chart_yaml_source_unescape_quote},
		{"did not find expected whitespace or line break", chart_yaml_source_escape_tag},
		{"did not find expected tag URI", chart_yaml_source_escape_tag},
	};

	for (size_t i = 0; parser->problem && i < sizeof(mends) / sizeof(*mends); i++)
		if (strcmp(parser->problem, mends[i].problem) == 0)
			return mends[i].mend(source, parser->problem_mark.index);
	return false;
}

/* 0, or -EAGAIN where the source was mended and is to be parsed again. */
static int parse(struct nodes *nodes, struct error *err)
{
	scoped(yaml_parser_delete) yaml_parser_t parser;
	struct input input = {nodes->source->at, nodes->source->len, &parser};
	int r = 0;

	if (!yaml_parser_initialize(&parser))
		return fail(err, ENOMEM, "no memory to parse YAML");
	yaml_parser_set_input(&parser, feed, &input);
	while (r == 0) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event))
			return mend(nodes->source, &parser) ? -EAGAIN : fail_syntax(&parser, err);
		if (nodes->is_in_flow &&
			chart_yaml_source_escape_node(nodes->source, event.start_mark.index))
			r = -EAGAIN;
		else
			r = add_event(nodes, &event, err);
		yaml_event_delete(&event);
	}
	return r < 0 ? r : 0;
}

int chart_yaml_nodes(struct chart_arena *arena, const char *text, size_t len,
	struct chart_node **root, struct error *err)
{
	scoped(freep) struct nodes *nodes = must_alloc(sizeof(*nodes));
	scoped(chart_yaml_source_clear) struct chart_yaml_source source = {0};
	int r = chart_yaml_source_init(&source, len ? text : "\n", len ? len : 1);

	if (r < 0)
		return fail(err, -r, "no memory to parse YAML");
	do {
		*nodes = (struct nodes){.arena = arena, .source = &source};
		r = parse(nodes, err);
		map_clear(&nodes->anchors, NULL);
	} while (r == -EAGAIN);
	*root = nodes->root;
	return r;
}
