#include "fs/layout.h"

#include "client/manifest.h"
#include "client/semver.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const char archive_suffix[] = ".tgz";
static const char provenance_suffix[] = ".prov";

static bool ends_with(const char *text, const char *suffix)
{
	size_t len = strlen(text), suffix_len = strlen(suffix);

	return len >= suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

/* What programs put behind a final name while they write: helm's digits, ".part", '~' of editors,
 * mkstemp's dot and six characters. */
static bool is_temporary_suffix(const char *text)
{
	static const char digits[] = "0123456789";
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (*text && text[strspn(text, digits)] == '\0')
		return true;
	if (strcmp(text, ".part") == 0 || strcmp(text, "~") == 0)
		return true;
	return *text == '.' && strlen(text) == 7 && strspn(text + 1, letters) == 6;
}

bool layout_is_scratch(const char *name)
{
	const char *at = name;

	if (*name == '.')
		return true;
	while ((at = strstr(at, archive_suffix))) {
		at += strlen(archive_suffix);
		if (is_temporary_suffix(at))
			return true;
		if (strncmp(at, provenance_suffix, strlen(provenance_suffix)) == 0 &&
			is_temporary_suffix(at + strlen(provenance_suffix)))
			return true;
	}
	return false;
}

bool layout_is_reserved(const char *name)
{
	return strcmp(name, ".chartfs") == 0 || strcmp(name, ".chart") == 0 ||
	       strcmp(name, ".oci") == 0;
}

bool layout_is_archive(const char *name)
{
	return ends_with(name, archive_suffix);
}

bool layout_is_provenance(const char *name)
{
	return ends_with(name, provenance_suffix);
}

bool layout_is_version(const char *name)
{
	char tag[REFERENCE_TAG_MAX + 1];
	struct semver version;

	return semver_parse_loose(name, &version) && reference_tag_of_version(name, tag);
}

bool layout_is_child(const char *name)
{
	return reference_is_component(name) && !layout_is_scratch(name) &&
	       !layout_is_archive(name) && !layout_is_provenance(name);
}

bool layout_is_speculative(const char *name)
{
	char version[REFERENCE_TAG_MAX + 1];

	/* Neither a version nor the tag that stores one. */
	return layout_is_child(name) && !layout_is_version(name) &&
	       !layout_version_of_tag(name, version);
}

bool layout_version_of_tag(const char *tag, char version[REFERENCE_TAG_MAX + 1])
{
	return reference_version_of_tag(tag, version) && layout_is_version(version);
}

bool layout_tag_of_name(const char *name, char tag[REFERENCE_TAG_MAX + 1])
{
	char version[REFERENCE_TAG_MAX + 1];

	if (layout_is_version(name))
		return reference_tag_of_version(name, tag);
	/* A tag that is a version resolves as that version alone ("1.0.0_a" only as "1.0.0+a"). */
	if (!reference_is_tag(name) || layout_version_of_tag(name, version))
		return false;
	memcpy(tag, name, strlen(name) + 1);
	return true;
}

/* Whether `version` may stand in an alias: strict SemVer, or any tag of a chart that is known. */
static bool is_alias_version(const char *version, bool is_any_tag)
{
	char tag[REFERENCE_TAG_MAX + 1];
	struct semver parsed;

	if (is_any_tag)
		return layout_tag_of_name(version, tag);
	return semver_parse_strict(version, &parsed) && reference_tag_of_version(version, tag);
}

size_t layout_split_alias(const char *text, size_t start, const char *only_name,
	char name[REFERENCE_REPOSITORY_MAX + 1], char version[REFERENCE_TAG_MAX + 1],
	bool *is_provenance)
{
	char stem[NAME_MAX + 1];
	size_t len = strnlen(text, NAME_MAX + 1), at = start;

	if (len > NAME_MAX || layout_is_scratch(text))
		return 0;
	memcpy(stem, text, len + 1);
	*is_provenance = layout_is_provenance(stem);
	if (*is_provenance)
		stem[len -= strlen(provenance_suffix)] = '\0';
	if (!layout_is_archive(stem))
		return 0;
	stem[len -= strlen(archive_suffix)] = '\0';

	for (; at < len; at++) {
		if (stem[at] != '-' || len - at - 1 > REFERENCE_TAG_MAX)
			continue;
		memcpy(name, stem, at);
		name[at] = '\0';
		memcpy(version, stem + at + 1, len - at);
		if (only_name ? strcmp(name, only_name) != 0 : !layout_is_child(name))
			continue;
		if (is_alias_version(version, only_name))
			return at + 1;
	}
	return 0;
}

void layout_file_name(
	const char *repository, const char *version, bool is_provenance, char *name, size_t size)
{
	snprintf(name, size, "%s-%s%s%s", reference_last_component(repository), version,
		archive_suffix, is_provenance ? provenance_suffix : "");
}

static bool is_good_title(const char *title)
{
	if (!title || !*title || *title == '.' || strlen(title) > NAME_MAX)
		return false;
	for (const unsigned char *c = (const unsigned char *)title; *c; c++)
		if (*c < 0x20 || *c == 0x7f || *c == '/')
			return false;
	return true;
}

void layout_layer_name(const struct layer *layer, bool is_taken, char *name, size_t size)
{
	char text[DIGEST_TEXT_SIZE];

	if (!is_taken && is_good_title(layer->title)) {
		snprintf(name, size, "%s", layer->title);
		return;
	}
	digest_print(&layer->digest, text);
	snprintf(name, size, "%.12s", strchr(text, ':') + 1);
}
