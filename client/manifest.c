#include "client/manifest.h"
#include "cache/base/scope.h"
#include "client/json.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define TITLE   "org.opencontainers.image.title"
#define CREATED "org.opencontainers.image.created"

void manifest_free(struct manifest *manifest)
{
	free(manifest);
}

void manifest_freep(struct manifest **manifest)
{
	manifest_free(*manifest);
	*manifest = NULL;
}

/* Reads exactly `digits` digits at `*at` and the character behind them, if that is not 0. */
static bool read_field(const char **at, int digits, char behind, int *number)
{
	*number = 0;
	for (; digits > 0; digits--, ++*at) {
		if (**at < '0' || **at > '9')
			return false;
		*number = *number * 10 + (**at - '0');
	}
	return !behind || *(*at)++ == behind;
}

/* "Z" or "+HH:MM", in seconds. */
static bool read_offset(const char *at, int *offset)
{
	int hours, minutes, sign = *at == '-' ? -1 : 1;

	*offset = 0;
	if (*at == 'Z' || *at == 'z')
		return !at[1];
	if (*at != '+' && *at != '-')
		return false;
	at++;
	if (!read_field(&at, 2, ':', &hours) || !read_field(&at, 2, '\0', &minutes) || *at)
		return false;
	*offset = sign * (hours * 3600 + minutes * 60);
	return hours < 24 && minutes < 60;
}

/* A moment in RFC 3339 form, in seconds since 1970; 0 for any other text. */
static int64_t parse_time(const char *text)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	struct tm tm = {0};
	int year, month, offset, leap;

	if (!text || !read_field(&text, 4, '-', &year) || !read_field(&text, 2, '-', &month) ||
		!read_field(&text, 2, '\0', &tm.tm_mday) || (*text != 'T' && *text != 't'))
		return 0;
	text++;
	if (!read_field(&text, 2, ':', &tm.tm_hour) || !read_field(&text, 2, ':', &tm.tm_min) ||
		!read_field(&text, 2, '\0', &tm.tm_sec))
		return 0;
	if (*text == '.') {
		size_t digits = strspn(++text, "0123456789");

		if (digits == 0)
			return 0;
		text += digits;
	}
	leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	if (!read_offset(text, &offset) || month < 1 || month > 12 || tm.tm_mday < 1 ||
		tm.tm_mday > days[month - 1] + (month == 2 && leap) || tm.tm_hour > 23 ||
		tm.tm_min > 59 || tm.tm_sec > 59)
		return 0;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	return (int64_t)timegm(&tm) - offset;
}

/* The texts of a manifest, copied one behind the other into the end of its block. */
struct texts {
	char *at;
};

static const char *add_text(struct texts *texts, const char *text)
{
	char *copy = texts->at;
	size_t size = strlen(text) + 1;

	memcpy(copy, text, size);
	texts->at += size;
	return copy;
}

static const char *title_of(const cJSON *layer)
{
	return json_text(json_member(layer, "annotations"), TITLE);
}

static const char *type_of(const cJSON *layer)
{
	const char *type = json_text(layer, "mediaType");

	return type ? type : "";
}

static size_t texts_size(const cJSON *layer)
{
	const char *title = title_of(layer);

	return strlen(type_of(layer)) + 1 + (title ? strlen(title) + 1 : 0);
}

static int read_layer(
	struct layer *layer, const cJSON *from, struct texts *texts, struct error *err)
{
	const char *digest = json_text(from, "digest");
	const char *title = title_of(from);
	int64_t size;

	if (!digest || !digest_parse(&layer->digest, digest, strlen(digest)))
		return fail(err, EIO, "malformed manifest: a layer without a sha256 digest");
	if (!json_number(from, "size", &size) || size < 0)
		return fail(err, EIO, "malformed manifest: a layer without a size");
	layer->size = (uint64_t)size;
	layer->media_type = add_text(texts, type_of(from));
	layer->title = title ? add_text(texts, title) : NULL;
	return 0;
}

/* Of several layers of one type the last counts, as with Helm (pkg/registry). */
static void note_layer(struct manifest *manifest, const struct layer *layer, const char *type)
{
	if (strcmp(type, MANIFEST_CHART_TYPE) == 0 || strcmp(type, MANIFEST_LEGACY_TYPE) == 0)
		manifest->chart = layer;
	else if (strcmp(type, MANIFEST_PROV_TYPE) == 0)
		manifest->provenance = layer;
}

static struct manifest *read_image(const cJSON *root, const cJSON *layers, struct error *err)
{
	const cJSON *config = json_member(root, "config"), *from;
	size_t count = 0, size = texts_size(config);
	scoped(manifest_freep) struct manifest *manifest = NULL;
	struct texts texts;

	cJSON_ArrayForEach (from, layers) {
		count++;
		size += texts_size(from);
	}
	/* Not must_alloc(): the size comes from the network. */
	manifest = calloc(1, sizeof(*manifest) + count * sizeof(struct layer) + size);
	if (!manifest) {
		fail(err, ENOMEM, "no memory for a manifest of %zu layers", count);
		return NULL;
	}
	manifest->kind = MANIFEST_ARTIFACT;
	manifest->layers = (struct layer *)(manifest + 1);
	texts.at = (char *)(manifest->layers + count);
	if (read_layer(&manifest->config, config, &texts, err) < 0)
		return NULL;
	cJSON_ArrayForEach (from, layers) {
		struct layer *layer = &manifest->layers[manifest->layer_count];

		if (read_layer(layer, from, &texts, err) < 0)
			return NULL;
		note_layer(manifest, layer, type_of(from));
		manifest->layer_count++;
	}
	if (manifest->chart && strcmp(type_of(config), MANIFEST_CONFIG_TYPE) == 0)
		manifest->kind = MANIFEST_CHART;
	else
		manifest->chart = manifest->provenance = NULL;
	return take(manifest);
}

static struct manifest *read_index(struct error *err)
{
	struct manifest *manifest = calloc(1, sizeof(*manifest));

	if (!manifest) {
		fail(err, ENOMEM, "no memory for a manifest");
		return NULL;
	}
	manifest->kind = MANIFEST_INDEX;
	manifest->config.media_type = "";
	return manifest;
}

static struct manifest *read_manifest(const cJSON *root, struct error *err)
{
	const cJSON *layers = json_member(root, "layers");
	bool is_index = cJSON_IsArray(json_member(root, "manifests"));

	if (is_index && cJSON_IsArray(layers)) {
		/* Readers would differ about it (OCI image spec 1.0.2, the reason for its errata).
		 */
		fail(err, EIO, "malformed manifest: it is both an image's and an index");
		return NULL;
	}
	if (is_index)
		return read_index(err);
	if (cJSON_IsArray(layers) || (cJSON_IsNull(layers) && json_member(root, "config")))
		return read_image(root, layers, err);
	if (json_member(root, "fsLayers"))
		fail(err, EIO, "a manifest of Docker's old schema 1, which holds no charts");
	else
		fail(err, EIO, "malformed manifest: it lists neither layers nor manifests");
	return NULL;
}

struct manifest *manifest_parse(const char *bytes, size_t len, struct error *err)
{
	scoped(json_freep) cJSON *root = NULL;
	struct manifest *manifest;

	if (len > MANIFEST_SIZE_MAX) {
		fail(err, EFBIG, "the manifest is larger than %d MiB", MANIFEST_SIZE_MAX >> 20);
		return NULL;
	}
	root = json_parse(bytes, len);
	if (!cJSON_IsObject(root)) {
		fail(err, EIO, "malformed manifest: not a JSON object");
		return NULL;
	}
	manifest = read_manifest(root, err);
	if (!manifest)
		return NULL;
	manifest->digest = digest_of(bytes, len);
	manifest->created = parse_time(json_text(json_member(root, "annotations"), CREATED));
	return manifest;
}
