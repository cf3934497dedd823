#pragma once
/*
 * Helm's chart.Metadata (pkg/chart/v2/metadata.go): what Chart.yaml says, after requirements.yaml
 * was laid over it. Several texts decode over the same structure as Go's encoding/json does it:
 * lists are overwritten element by element, maps are added to, null leaves a string as it was.
 */
#include "cache/base/buf.h"
#include "client/chart_yaml.h"

struct chart_list {
	void *items;
	size_t count;
	size_t used; /* items past the count are still there, and are decoded over when it grows */
	size_t room;
};

struct chart_maintainer {
	struct chart_text name, email, url;
};

struct chart_dependency {
	struct chart_text name, version, repository, condition, alias;
	struct chart_list tags;          /* of struct chart_text */
	struct chart_list import_values; /* of struct chart_value */
	bool enabled;
};

struct chart_annotation {
	struct chart_text key, value;
};

struct chart_metadata {
	struct chart_text name, home, version, description, icon, api_version, condition, tags,
		app_version, kube_version, type;
	struct chart_list sources, keywords; /* of struct chart_text */
	struct chart_list maintainers;       /* of struct chart_maintainer *, which may be NULL */
	struct chart_list dependencies;      /* of struct chart_dependency *, which may be NULL */
	struct chart_list annotations;       /* of struct chart_annotation, sorted by key */
	bool deprecated;
};

/* Decodes a YAML text over the metadata; all of it lives in the arena. EINVAL, with the reason,
 * where Helm could not. */
int chart_metadata_decode(struct chart_metadata *metadata, struct chart_arena *arena,
	const char *text, size_t len, struct error *err);

/* Whether a text can be Chart.lock or requirements.lock. */
int chart_metadata_check_lock(const char *text, size_t len, struct error *err);

/* Cleans the strings and checks the whole, as Helm's Validate(): EINVAL with the reason. */
int chart_metadata_validate(
	struct chart_metadata *metadata, struct chart_arena *arena, struct error *err);

/* Appends the config blob. 0, or what buf_append() returned. */
int chart_metadata_encode(const struct chart_metadata *metadata, struct buf *config);

/* The i-th text of a list of texts. */
const struct chart_text *chart_list_text(const struct chart_list *list, size_t i);
