#include "client/chart_schema.h"

#include <stddef.h>

#define FIELD(structure, member, key, its_kind)                                                    \
	{                                                                                          \
		.name = (key), .kind = CHART_FIELD_##its_kind,                                     \
		.offset = offsetof(struct structure, member)                                       \
	}

static const struct chart_field maintainer_fields[] = {
	FIELD(chart_maintainer, name, "name", TEXT),
	FIELD(chart_maintainer, email, "email", TEXT),
	FIELD(chart_maintainer, url, "url", TEXT),
	{0},
};

static const struct chart_schema maintainer = {
	"a maintainer", sizeof(struct chart_maintainer), maintainer_fields};

static const struct chart_field dependency_fields[] = {
	{.name = "name",
		.kind = CHART_FIELD_TEXT,
		.is_always = true,
		.offset = offsetof(struct chart_dependency, name)},
	FIELD(chart_dependency, version, "version", TEXT),
	{.name = "repository",
		.kind = CHART_FIELD_TEXT,
		.is_always = true,
		.offset = offsetof(struct chart_dependency, repository)},
	FIELD(chart_dependency, condition, "condition", TEXT),
	FIELD(chart_dependency, tags, "tags", TEXTS),
	FIELD(chart_dependency, enabled, "enabled", BOOL),
	FIELD(chart_dependency, import_values, "import-values", VALUES),
	FIELD(chart_dependency, alias, "alias", TEXT),
	{0},
};

static const struct chart_schema dependency = {
	"a dependency", sizeof(struct chart_dependency), dependency_fields};

static const struct chart_field metadata_fields[] = {
	FIELD(chart_metadata, name, "name", TEXT),
	FIELD(chart_metadata, home, "home", TEXT),
	FIELD(chart_metadata, sources, "sources", TEXTS),
	FIELD(chart_metadata, version, "version", TEXT),
	FIELD(chart_metadata, description, "description", TEXT),
	FIELD(chart_metadata, keywords, "keywords", TEXTS),
	{.name = "maintainers",
		.kind = CHART_FIELD_STRUCTS,
		.offset = offsetof(struct chart_metadata, maintainers),
		.schema = &maintainer},
	FIELD(chart_metadata, icon, "icon", TEXT),
	FIELD(chart_metadata, api_version, "apiVersion", TEXT),
	FIELD(chart_metadata, condition, "condition", TEXT),
	FIELD(chart_metadata, tags, "tags", TEXT),
	FIELD(chart_metadata, app_version, "appVersion", TEXT),
	FIELD(chart_metadata, deprecated, "deprecated", BOOL),
	FIELD(chart_metadata, annotations, "annotations", MAP),
	FIELD(chart_metadata, kube_version, "kubeVersion", TEXT),
	{.name = "dependencies",
		.kind = CHART_FIELD_STRUCTS,
		.offset = offsetof(struct chart_metadata, dependencies),
		.schema = &dependency},
	FIELD(chart_metadata, type, "type", TEXT),
	{0},
};

const struct chart_schema chart_schema_metadata = {
	"the chart", sizeof(struct chart_metadata), metadata_fields};

struct lock {
	struct chart_text digest;
	struct chart_list dependencies;
};

static const struct chart_field lock_fields[] = {
	{.name = "generated", .kind = CHART_FIELD_TIME},
	FIELD(lock, digest, "digest", TEXT),
	{.name = "dependencies",
		.kind = CHART_FIELD_STRUCTS,
		.offset = offsetof(struct lock, dependencies),
		.schema = &dependency},
	{0},
};

const struct chart_schema chart_schema_lock = {"the lock", sizeof(struct lock), lock_fields};
