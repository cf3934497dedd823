#pragma once
/* What a name can mean at each level of the tree, by its letters alone: pure, no request. */
#include "client/reference.h"

#include <stdbool.h>
#include <stddef.h>

/* Names that live in this mount only and never reach a registry, not even as a question (DESIGN
 * 4): they begin with '.', or are X.tgz or X.tgz.prov with a temporary's suffix (digits, ".part",
 * "~", ".XXXXXX"). */
bool layout_is_scratch(const char *name);

/* .chartfs, .chart, .oci: kept for chartfs itself. */
bool layout_is_reserved(const char *name);

bool layout_is_archive(const char *name);    /* *.tgz */
bool layout_is_provenance(const char *name); /* *.prov */

/* Whether the name reads as a version (loosely, as Helm's --version), and thus as a tag. */
bool layout_is_version(const char *name);

/* Whether a directory may have that name for being part of a repository's: a component that is no
 * scratch name, no *.tgz and no *.prov. Others are never asked of a registry and never shown. */
bool layout_is_child(const char *name);

/* Whether a directory of that name may be guessed where a registry cannot tell: a layout_is_child()
 * that is no version. */
bool layout_is_speculative(const char *name);

/* The version that a tag is shown as, or false where it is no version (then it resolves by its
 * exact name, unlisted); and the tag that a name in a chart's directory can mean, or false. */
bool layout_version_of_tag(const char *tag, char version[REFERENCE_TAG_MAX + 1]);
bool layout_tag_of_name(const char *name, char tag[REFERENCE_TAG_MAX + 1]);

/* The splits of NAME-VERSION.tgz[.prov], shortest NAME first; `start` 0 for the first, then the
 * returned value; 0 when there is none (left). Only grammatical names and versions that are strict
 * SemVer, or any tag where `name` is given (a chart's own directory: only that NAME). */
size_t layout_split_alias(const char *text, size_t start, const char *only_name,
	char name[REFERENCE_REPOSITORY_MAX + 1], char version[REFERENCE_TAG_MAX + 1],
	bool *is_provenance);

/* The file's name in a version directory: NAME-VERSION.tgz[.prov]. */
void layout_file_name(
	const char *repository, const char *version, bool is_provenance, char *name, size_t size);

/* The name under which a layer that is no chart is shown: its title, or 12 hex digits (DESIGN 2).
 * `is_taken` tells that an earlier layer has the title already. */
struct layer;
void layout_layer_name(const struct layer *layer, bool is_taken, char *name, size_t size);
