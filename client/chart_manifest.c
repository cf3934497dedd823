#include "client/chart_manifest.h"

#include "client/chart_json.h"
#include "client/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OCI(name) "org.opencontainers.image." name

enum { ANNOTATIONS_MAX = 64 << 20 };

static struct chart_text text_of(const char *string)
{
	return (struct chart_text){string, strlen(string)};
}

static int compare(struct chart_text a, struct chart_text b)
{
	int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);

	return order ? order : (a.len > b.len) - (a.len < b.len);
}

/* Whether nothing is left after strings.TrimSpace(). The texts are clean, so that only spaces can
 * be there to trim. */
static bool is_blank(struct chart_text text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.at[i] != ' ')
			return false;
	return true;
}

static int add_maintainer(
	struct buf *authors, const struct chart_maintainer *maintainer, bool is_last)
{
	int r = buf_append(authors, maintainer->name.at, maintainer->name.len);

	if (r == 0 && maintainer->email.len > 0) {
		r = buf_add(authors, " (");
		if (r == 0)
			r = buf_append(authors, maintainer->email.at, maintainer->email.len);
		if (r == 0)
			r = buf_add_char(authors, ')');
	}
	return r == 0 && !is_last ? buf_add(authors, ", ") : r;
}

static int make_authors(
	const struct chart_metadata *metadata, struct chart_arena *arena, struct chart_text *text)
{
	struct buf authors = BUF_INIT(ANNOTATIONS_MAX);
	struct chart_maintainer *const *maintainers = metadata->maintainers.items;
	int r = 0;

	for (size_t i = 0; i < metadata->maintainers.count && r == 0; i++)
		r = add_maintainer(&authors, maintainers[i], i + 1 == metadata->maintainers.count);
	if (r == 0) {
		*text = chart_arena_copy(arena, buf_text(&authors), authors.len);
		r = text->at ? 0 : -EFBIG;
	}
	buf_clear(&authors);
	return r;
}

static int add_pair(struct buf *json, struct chart_text key, struct chart_text value)
{
	int r = json->len > 0 ? buf_add_char(json, ',') : 0;

	if (r == 0)
		r = chart_json_add_text(json, key);
	if (r == 0)
		r = buf_add_char(json, ':');
	return r < 0 ? r : chart_json_add_text(json, value);
}

static int add_annotation(
	struct chart_annotations *annotations, struct chart_text key, struct chart_text value)
{
	int order = compare(key, text_of(OCI("created")));

	if (order == 0)
		annotations->has_created = true;
	return add_pair(order < 0 ? &annotations->before : &annotations->after, key, value);
}

/* Merges the annotations made of the metadata with those of Chart.yaml; both are sorted. Chart.yaml
 * wins, except for the title and the version. */
static int merge(struct chart_annotations *annotations, const struct chart_annotation *own,
	size_t own_count, const struct chart_list *list)
{
	const struct chart_annotation *given = list->items;
	size_t i = 0, j = 0;
	int r = 0;

	while ((i < own_count || j < list->count) && r == 0) {
		int order = i == own_count     ? 1
			    : j == list->count ? -1
					       : compare(own[i].key, given[j].key);

		if (j < list->count && order >= 0 &&
			(compare(given[j].key, text_of(OCI("title"))) == 0 ||
				compare(given[j].key, text_of(OCI("version"))) == 0)) {
			j++;
			continue;
		}
		if (order < 0) {
			if (!is_blank(own[i].value))
				r = add_annotation(annotations, own[i].key, own[i].value);
			i++;
			continue;
		}
		r = add_annotation(annotations, given[j].key, given[j].value);
		j++;
		i += order == 0;
	}
	return r;
}

int chart_annotations_make(struct chart_annotations *annotations,
	const struct chart_metadata *metadata, struct chart_arena *arena, struct error *err)
{
	struct chart_text authors = {"", 0}, source = {"", 0};
	int r = make_authors(metadata, arena, &authors);

	*annotations = (struct chart_annotations){
		.before = BUF_INIT(ANNOTATIONS_MAX), .after = BUF_INIT(ANNOTATIONS_MAX)};
	if (metadata->sources.count > 0)
		source = *chart_list_text(&metadata->sources, 0);
	if (r == 0) {
		const struct chart_annotation own[] = {
			{text_of(OCI("authors")), authors},
			{text_of(OCI("description")), metadata->description},
			{text_of(OCI("source")), source},
			{text_of(OCI("title")), metadata->name},
			{text_of(OCI("url")), metadata->home},
			{text_of(OCI("version")), metadata->version},
		};

		r = merge(annotations, own, sizeof(own) / sizeof(*own), &metadata->annotations);
	}
	if (r < 0) {
		chart_annotations_clear(annotations);
		return fail(err, EFBIG, "the chart's annotations take too much memory");
	}
	return 0;
}

void chart_annotations_clear(struct chart_annotations *annotations)
{
	buf_clear(&annotations->before);
	buf_clear(&annotations->after);
}

/* RFC 3339 in the local time zone, as time.Time's Format: UTC is "Z", seconds of an offset are
 * cut off. */
static void print_time(time_t mtime, char text[64])
{
	struct tm local;
	long minutes;
	int len;

	if (!localtime_r(&mtime, &local)) {
		mtime = 0;
		gmtime_r(&mtime, &local);
	}
	minutes = local.tm_gmtoff / 60;
	len = snprintf(text, 64, "%04d-%02d-%02dT%02d:%02d:%02d", local.tm_year + 1900,
		local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
	if (local.tm_gmtoff == 0)
		snprintf(text + len, (size_t)(64 - len), "Z");
	else
		snprintf(text + len, (size_t)(64 - len), "%c%02ld:%02ld", minutes < 0 ? '-' : '+',
			labs(minutes) / 60, labs(minutes) % 60);
}

static int add_descriptor(struct buf *manifest, const char *type, const struct chart_blob *blob)
{
	char digest[DIGEST_TEXT_SIZE];

	digest_print(&blob->digest, digest);
	return buf_printf(manifest, "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%" PRIu64 "}",
		type, digest, blob->size);
}

/* Layers are sorted by their digests. */
static int add_layers(
	struct buf *manifest, const struct chart_blob *archive, const struct chart_blob *provenance)
{
	bool is_first = provenance && memcmp(provenance->digest.bytes, archive->digest.bytes,
					      sizeof(archive->digest.bytes)) < 0;
	int r = 0;

	if (is_first) {
		r = add_descriptor(manifest, MANIFEST_PROV_TYPE, provenance);
		if (r == 0)
			r = buf_add_char(manifest, ',');
	}
	if (r == 0)
		r = add_descriptor(manifest, MANIFEST_CHART_TYPE, archive);
	if (r == 0 && provenance && !is_first) {
		r = buf_add_char(manifest, ',');
		if (r == 0)
			r = add_descriptor(manifest, MANIFEST_PROV_TYPE, provenance);
	}
	return r;
}

static int add_annotations(
	struct buf *manifest, const struct chart_annotations *annotations, time_t mtime)
{
	char created[64];
	int r = buf_append(manifest, annotations->before.at, annotations->before.len);

	if (r == 0 && !annotations->has_created) {
		print_time(mtime, created);
		r = buf_printf(manifest, "%s\"" OCI("created") "\":\"%s\"",
			annotations->before.len ? "," : "", created);
	}
	/* the title is always there, behind the time of creation */
	if (r == 0 && (annotations->before.len > 0 || !annotations->has_created))
		r = buf_add_char(manifest, ',');
	return r < 0 ? r : buf_append(manifest, annotations->after.at, annotations->after.len);
}

int chart_manifest_encode(const struct chart_annotations *annotations,
	const struct chart_blob *config, const struct chart_blob *archive,
	const struct chart_blob *provenance, time_t mtime, struct buf *manifest, struct error *err)
{
	int r = buf_add(manifest, "{\"schemaVersion\":2,\"config\":");

	if (r == 0)
		r = add_descriptor(manifest, MANIFEST_CONFIG_TYPE, config);
	if (r == 0)
		r = buf_add(manifest, ",\"layers\":[");
	if (r == 0)
		r = add_layers(manifest, archive, provenance);
	if (r == 0)
		r = buf_add(manifest, "],\"annotations\":{");
	if (r == 0)
		r = add_annotations(manifest, annotations, mtime);
	if (r == 0)
		r = buf_add(manifest, "}}");
	if (r < 0)
		return fail(err, -r, "the chart's manifest takes too much memory");
	return 0;
}
