/* Helm's Metadata.Validate(): cleans the strings, then refuses what cannot be installed. */
#include "client/chart_metadata.h"
#include "client/chart_unicode.h"
#include "client/semver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct chart_text *chart_list_text(const struct chart_list *list, size_t i)
{
	return (const struct chart_text *)list->items + i;
}

/* White space becomes a space, what does not print is dropped. */
static int clean(struct chart_arena *arena, struct chart_text *text)
{
	char *cleaned = chart_arena_alloc(arena, text->len + 1);
	size_t len = 0, step;

	if (!cleaned)
		return -EFBIG;
	for (size_t i = 0; i < text->len; i += step) {
		uint32_t c = chart_unicode_next(text->at + i, text->len - i, &step);

		if (chart_unicode_is_space(c)) {
			cleaned[len++] = ' ';
		} else if (chart_unicode_is_print(c)) {
			memcpy(cleaned + len, text->at + i, step);
			len += step;
		}
	}
	*text = (struct chart_text){cleaned, len};
	return 0;
}

static int clean_list(struct chart_arena *arena, const struct chart_list *list)
{
	struct chart_text *texts = list->items;

	for (size_t i = 0; i < list->count; i++)
		if (clean(arena, &texts[i]) < 0)
			return -EFBIG;
	return 0;
}

static int clean_texts(struct chart_arena *arena, struct chart_text *const texts[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (clean(arena, texts[i]) < 0)
			return -EFBIG;
	return 0;
}

static int clean_metadata(struct chart_metadata *metadata, struct chart_arena *arena)
{
	struct chart_text *const texts[] = {&metadata->name, &metadata->description,
		&metadata->home, &metadata->icon, &metadata->condition, &metadata->tags,
		&metadata->app_version, &metadata->kube_version};

	if (clean_texts(arena, texts, sizeof(texts) / sizeof(*texts)) < 0 ||
		clean_list(arena, &metadata->sources) < 0 ||
		clean_list(arena, &metadata->keywords) < 0)
		return -EFBIG;
	return 0;
}

/* Whether a text without NULs; only then it may be taken for a C string. */
static bool is_string(const struct chart_text *text)
{
	return text->len > 0 && strlen(text->at) == text->len;
}

static bool is_one_of(const struct chart_text *text, const char *a, const char *b)
{
	return is_string(text) && (strcmp(text->at, a) == 0 || strcmp(text->at, b) == 0);
}

static int check_identity(const struct chart_metadata *metadata, struct error *err)
{
	struct semver version;

	if (metadata->api_version.len == 0)
		return fail(err, EINVAL, "Chart.yaml has no apiVersion");
	if (metadata->name.len == 0)
		return fail(err, EINVAL, "Chart.yaml has no name");
	if (is_one_of(&metadata->name, ".", "..") || strchr(metadata->name.at, '/'))
		return fail(err, EINVAL, "the name \"%s\" in Chart.yaml is not valid",
			metadata->name.at);
	if (metadata->version.len == 0)
		return fail(err, EINVAL, "Chart.yaml has no version");
	if (!is_string(&metadata->version) || !semver_parse_loose(metadata->version.at, &version))
		return fail(err, EINVAL, "the version \"%s\" in Chart.yaml is no semantic version",
			metadata->version.at);
	if (metadata->type.len > 0 && !is_one_of(&metadata->type, "application", "library"))
		return fail(err, EINVAL,
			"the type in Chart.yaml is \"%s\", not \"application\" or \"library\"",
			metadata->type.at);
	return 0;
}

static int fail_full(struct error *err)
{
	return fail(err, EFBIG, "the chart's metadata takes too much memory");
}

static int check_maintainers(
	struct chart_metadata *metadata, struct chart_arena *arena, struct error *err)
{
	struct chart_maintainer **maintainers = metadata->maintainers.items;

	for (size_t i = 0; i < metadata->maintainers.count; i++) {
		struct chart_maintainer *one = maintainers[i];

		if (!one)
			return fail(err, EINVAL, "an entry of maintainers in Chart.yaml is empty");
		if (clean_texts(arena,
			    (struct chart_text *const[]){&one->name, &one->email, &one->url},
			    3) < 0)
			return fail_full(err);
	}
	return 0;
}

static bool is_alias(const struct chart_text *alias)
{
	for (size_t i = 0; i < alias->len; i++) {
		char c = alias->at[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    c == '_' || c == '-'))
			return false;
	}
	return true;
}

static int check_dependency(
	struct chart_dependency *one, struct chart_arena *arena, struct error *err)
{
	struct chart_text *const texts[] = {
		&one->name, &one->version, &one->repository, &one->condition};

	if (clean_texts(arena, texts, sizeof(texts) / sizeof(*texts)) < 0 ||
		clean_list(arena, &one->tags) < 0)
		return fail_full(err);
	if (!is_alias(&one->alias))
		return fail(err, EINVAL, "the alias of the dependency \"%s\" is not valid",
			one->name.at);
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct chart_text *x = *(const struct chart_text *const *)a,
				*y = *(const struct chart_text *const *)b;
	size_t least = x->len < y->len ? x->len : y->len;
	int order = least ? memcmp(x->at, y->at, least) : 0;

	return order ? order : (x->len > y->len) - (x->len < y->len);
}

/* A dependency goes by its alias, or by its name; no two may be the same. */
static int check_dependencies(
	struct chart_metadata *metadata, struct chart_arena *arena, struct error *err)
{
	struct chart_dependency **dependencies = metadata->dependencies.items;
	size_t count = metadata->dependencies.count;
	const struct chart_text **names;
	int r;

	if (count == 0)
		return 0;
	names = chart_arena_alloc(arena, count * sizeof(*names));
	if (!names)
		return fail_full(err);
	for (size_t i = 0; i < count; i++) {
		struct chart_dependency *one = dependencies[i];

		if (!one)
			return fail(err, EINVAL, "an entry of dependencies in Chart.yaml is empty");
		r = check_dependency(one, arena, err);
		if (r < 0)
			return r;
		names[i] = one->alias.len ? &one->alias : &one->name;
	}
	qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 1; i < count; i++)
		if (compare_names(&names[i - 1], &names[i]) == 0)
			return fail(err, EINVAL, "two dependencies have the name or alias \"%s\"",
				names[i]->at);
	return 0;
}

int chart_metadata_validate(
	struct chart_metadata *metadata, struct chart_arena *arena, struct error *err)
{
	int r;

	if (clean_metadata(metadata, arena) < 0)
		return fail_full(err);
	r = check_identity(metadata, err);
	if (r == 0)
		r = check_maintainers(metadata, arena, err);
	if (r == 0)
		r = check_dependencies(metadata, arena, err);
	return r;
}
