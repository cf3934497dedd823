#pragma once
/*
 * The text that libyaml gets. Helm's parser is a port of an older libyaml; where the newer one
 * refuses or drops a character that the older one takes for content, that character is hidden
 * behind one that does not occur in the text, and put back into the scalars; or it is written in
 * another way that both take.
 */
#include "client/chart_arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chart_yaml_source {
	const char *at; /* the given text, or the copy */
	size_t len;
	char *copy;
	char colon[4], mark[4]; /* what stands for ':' and for U+FEFF; "" while none is hidden */
	unsigned mended;        /* characters hidden or written in another way, the marks apart */
	size_t index, offset;   /* a character of the text, counted as libyaml does, and its byte */
};

/* Hides the byte order marks that are not in front. 0 or -ENOMEM. */
int chart_yaml_source_init(struct chart_yaml_source *source, const char *text, size_t len);
void chart_yaml_source_clear(struct chart_yaml_source *source);

/* Hides the colon that is the index-th character: between brackets, in front of another of them,
 * it is content to Helm. False where there is none, or too many were mended. */
bool chart_yaml_source_hide_colon(struct chart_yaml_source *source, size_t index);

/* Takes the backslash away that is the index-th character, if it escapes a single quote. The same
 * for false. */
bool chart_yaml_source_unescape_quote(struct chart_yaml_source *source, size_t index);

/* Escapes the comma or bracket that is the index-th character, for it belongs to a tag. The same
 * for false. */
bool chart_yaml_source_escape_tag(struct chart_yaml_source *source, size_t index);

/* Escapes the first comma or bracket in the tag of the node that begins at a character; false where
 * it has no tag, or none in it. To be asked in the order of the text. */
bool chart_yaml_source_escape_node(struct chart_yaml_source *source, size_t first);

/* Puts the hidden characters back, in place. */
void chart_yaml_source_restore(const struct chart_yaml_source *source, struct chart_text *text);

/* Whether the double-quoted scalar that begins at a character has the escape "\/". To be asked in
 * the order of the text. */
bool chart_yaml_source_has_slash_escape(struct chart_yaml_source *source, size_t first);
