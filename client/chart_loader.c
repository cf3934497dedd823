#include "client/chart_loader.h"

#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/chart_path.h"
#include "client/chart_values.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
	FILE_MAX = 5 << 20,    /* Helm's MaxDecompressedFileSize */
	TOTAL_MAX = 100 << 20, /* Helm's MaxDecompressedChartSize, reached by no archive */
	PATH_LIMIT = 2 << 20,
	/* Ours, where Helm has none: charts within charts, and all that they unpack to. */
	NESTING_MAX = 20,
};
static const uint64_t UNPACKED_MAX = UINT64_C(2) << 30;

/* What all charts of one load share. */
struct load {
	struct chart_arena *arena;
	uint64_t unpacked; /* by the archives that are read to their end */
	unsigned nesting;
};

/* requirements.yaml is decoded after every Chart.yaml, wherever it stands. */
struct requirements {
	struct requirements *next;
	struct chart_text text;
};

struct chart_loader {
	struct load *load;
	struct chart_metadata *metadata;
	bool has_metadata;
	struct requirements *requirements, **requirements_end;
	struct map charts; /* of struct chart_loader, by directory or file in charts/ */
	unsigned nesting;
	bool is_archive; /* only the mark of an archive in charts/, which is loaded already */
};

/* A file as it comes out of the archive. */
struct incoming {
	struct archive *archive;
	const char *name; /* in the archive */
	bool is_read;
};

static int add_file(
	struct chart_loader *loader, const char *path, struct incoming *file, struct error *err);

static int fail_full(struct error *err)
{
	return fail(err, EFBIG, "the chart's metadata takes too much memory");
}

static struct chart_loader *loader_new(struct load *load, unsigned nesting)
{
	struct chart_loader *loader = chart_arena_alloc(load->arena, sizeof(*loader));

	if (!loader)
		return NULL;
	loader->load = load;
	loader->nesting = nesting;
	loader->requirements_end = &loader->requirements;
	loader->metadata = chart_arena_alloc(load->arena, sizeof(*loader->metadata));
	return loader->metadata ? loader : NULL;
}

/* The map is all that a loader has outside of the arena. */
static void loader_clear(void *loader)
{
	map_clear(&((struct chart_loader *)loader)->charts, loader_clear);
}

static void loader_clearp(struct chart_loader **loader)
{
	if (*loader)
		loader_clear(*loader);
}

/* Reads a whole file, without a byte order mark. */
static int read_file(struct incoming *file, struct buf *text, struct error *err)
{
	static const char mark[] = "\xef\xbb\xbf";
	scoped(freep) char *piece = must_alloc(32 << 10);
	ssize_t got;

	file->is_read = true;
	while ((got = archive_read(file->archive, piece, 32 << 10, err)) > 0)
		if (buf_append(text, piece, (size_t)got) < 0)
			return fail(err, ENOMEM, "no memory for a file of %d MiB", FILE_MAX >> 20);
	if (got < 0)
		return (int)got;
	if (text->len >= 3 && memcmp(text->at, mark, 3) == 0) {
		text->len -= 3;
		memmove(text->at, text->at + 3, text->len + 1);
	}
	return 0;
}

static int add_metadata(struct chart_loader *loader, const struct buf *text, struct error *err)
{
	int r = chart_metadata_decode(
		loader->metadata, loader->load->arena, buf_text(text), text->len, err);

	if (r < 0)
		return fail_within(err, "Chart.yaml");
	loader->has_metadata = true;
	if (loader->metadata->api_version.len == 0)
		loader->metadata->api_version = (struct chart_text){"v1", 2};
	return 0;
}

static int add_requirements(struct chart_loader *loader, const struct buf *text, struct error *err)
{
	struct requirements *one = chart_arena_alloc(loader->load->arena, sizeof(*one));

	if (!one)
		return fail_full(err);
	one->text = chart_arena_copy(loader->load->arena, buf_text(text), text->len);
	if (!one->text.at)
		return fail_full(err);
	*loader->requirements_end = one;
	loader->requirements_end = &one->next;
	return 0;
}

/* The files that are more than content. Returns 1 for any other. */
static int add_known_file(
	struct chart_loader *loader, const char *path, struct incoming *file, struct error *err)
{
	static const char *const known[] = {"Chart.yaml", "requirements.yaml", "values.yaml",
		"Chart.lock", "requirements.lock"};
	scoped(buf_freep) struct buf text = BUF_INIT(FILE_MAX);
	size_t which = 0, count = sizeof(known) / sizeof(*known);
	int r;

	while (which < count && strcmp(path, known[which]) != 0)
		which++;
	if (which == count)
		return 1;
	r = read_file(file, &text, err);
	if (r < 0)
		return r;
	if (which == 0)
		return add_metadata(loader, &text, err);
	if (which == 1)
		return add_requirements(loader, &text, err);
	if (which == 2)
		r = chart_values_check(buf_text(&text), text.len, err);
	else
		r = chart_metadata_check_lock(buf_text(&text), text.len, err);
	/* requirements.lock makes Helm believe that there is metadata; it is then refused */
	return r < 0 ? fail_within(err, "%s", path) : 0;
}

static int load_archive(struct load *load, struct archive *archive,
	struct chart_metadata **metadata, struct error *err);

/* An archive in charts/ is loaded on the spot; only whether it can be is of interest. */
static int load_inner_archive(
	struct chart_loader *loader, const char *path, struct incoming *file, struct error *err)
{
	scoped(buf_freep) struct buf bytes = BUF_INIT(FILE_MAX);
	scoped(archive_closep) struct archive *inner = NULL;
	struct load *load = loader->load;
	struct chart_metadata *metadata;
	unsigned nesting = load->nesting;
	int r = read_file(file, &bytes, err);

	if (r < 0)
		return r;
	inner = archive_open_memory(buf_text(&bytes), bytes.len);
	load->nesting = loader->nesting;
	r = load_archive(load, inner, &metadata, err);
	load->nesting = nesting;
	if (r < 0) {
		/* it is complete as far as the outer archive is concerned */
		if (r == -ENODATA)
			err->code = EINVAL;
		return fail_within(err, "the chart in charts/%.200s", path);
	}
	return 0;
}

/* A file in charts/: of an archive there, of a chart's directory there, or of no interest. */
static int add_inner_file(
	struct chart_loader *loader, const char *path, struct incoming *file, struct error *err)
{
	size_t len = strcspn(path, "/");
	scoped(freep) char *name = NULL;
	struct chart_loader *inner;
	bool is_archive;

	if (*path == '_' || *path == '.')
		return 0;
	name = must_copy_n(path, len);
	inner = map_get(&loader->charts, name);
	is_archive = len > 4 && strcmp(name + len - 4, ".tgz") == 0;
	if (inner && is_archive)
		return 0; /* the first file by that name counts */
	if (!inner) {
		inner = loader_new(loader->load, loader->nesting + 1);
		if (!inner)
			return fail_full(err);
		inner->is_archive = is_archive;
		map_put(&loader->charts, name, inner);
	}
	if (inner->nesting > NESTING_MAX)
		return fail(
			err, EFBIG, "charts within charts are nested deeper than %d", NESTING_MAX);
	if (is_archive && path[len])
		return fail(err, EINVAL, "charts/%.200s is a directory", name);
	if (is_archive)
		return load_inner_archive(inner, path, file, err);
	return path[len] ? add_file(inner, path + len + 1, file, err) : 0;
}

/* filepath.Ext(path) == ".prov" */
static bool is_provenance(const char *path)
{
	size_t len = strlen(path);

	return len >= 5 && strcmp(path + len - 5, ".prov") == 0;
}

static int add_file(
	struct chart_loader *loader, const char *path, struct incoming *file, struct error *err)
{
	int r = add_known_file(loader, path, file, err);

	if (r <= 0)
		return r;
	if (strncmp(path, "charts/", 7) == 0 && !is_provenance(path))
		return add_inner_file(loader, path + 7, file, err);
	return 0;
}

/* After the last file. */
static int finish(struct chart_loader *loader, struct error *err)
{
	struct chart_arena *arena = loader->load->arena;
	int r;

	for (struct requirements *one = loader->requirements; one; one = one->next) {
		r = chart_metadata_decode(
			loader->metadata, arena, one->text.at, one->text.len, err);
		if (r < 0)
			return fail_within(err, "requirements.yaml");
		loader->has_metadata = true;
	}
	if (!loader->has_metadata)
		return fail(err, EINVAL, "there is no Chart.yaml");
	r = chart_metadata_validate(loader->metadata, arena, err);
	if (r < 0)
		return r;
	map_for_each (entry, &loader->charts) {
		struct chart_loader *inner = entry->value;

		if (inner->is_archive)
			continue;
		r = finish(inner, err);
		if (r < 0)
			return fail_within(err, "the chart in charts/%.200s", entry->key);
	}
	return 0;
}

/* Checks an entry against Helm's limits; *left is what the archive may still hold. */
static int check_size(const struct archive_entry *entry, int64_t *left, struct error *err)
{
	if (entry->size > *left || entry->size > FILE_MAX)
		return fail(err, EFBIG,
			"\"%.200s\" has %" PRId64 " bytes: Helm's limits are %d MiB for a file and "
			"%d MiB for a chart",
			entry->name, entry->size, FILE_MAX >> 20, TOTAL_MAX >> 20);
	if (entry->size > entry->data_size)
		return fail(err, EINVAL, "\"%.200s\" is a link or device with a size", entry->name);
	*left -= entry->data_size;
	if (*left <= 0)
		return fail(
			err, EFBIG, "the chart's files are larger than %d MiB", TOTAL_MAX >> 20);
	return 0;
}

static int add_entry(struct chart_loader *loader, struct archive *archive,
	const struct archive_entry *entry, int64_t *left, struct error *err)
{
	scoped(buf_freep) struct buf path = BUF_INIT(PATH_LIMIT);
	struct incoming file = {.archive = archive, .name = entry->name};
	int r = chart_path_from_name(entry->name, &path, err);

	if (r == 0)
		r = check_size(entry, left, err);
	if (r == 0)
		r = add_file(loader, buf_text(&path), &file, err);
	if (r == 0 && !file.is_read)
		r = archive_skip(archive, err);
	return r;
}

static int check_total(const struct load *load, const struct archive *archive, struct error *err)
{
	if (load->unpacked + archive_unpacked(archive) > UNPACKED_MAX)
		return fail(err, EFBIG, "the chart unpacks to more than %" PRIu64 " GiB",
			UNPACKED_MAX >> 30);
	return 0;
}

static int load_archive(struct load *load, struct archive *archive,
	struct chart_metadata **metadata, struct error *err)
{
	scoped(loader_clearp) struct chart_loader *loader = loader_new(load, load->nesting);
	struct archive_entry entry;
	int64_t left = TOTAL_MAX;
	bool has_file = false;
	int r;

	if (!loader)
		return fail_full(err);
	while ((r = archive_next(archive, &entry, err)) > 0) {
		if (entry.is_directory || entry.is_meta)
			continue;
		has_file = true;
		r = add_entry(loader, archive, &entry, &left, err);
		if (r == 0)
			r = check_total(load, archive, err);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return r;
	load->unpacked += archive_unpacked(archive);
	if (!has_file)
		return fail(err, EINVAL, "the archive has no files");
	*metadata = loader->metadata;
	return finish(loader, err);
}

int chart_loader_load(struct archive *archive, struct chart_arena *arena,
	struct chart_metadata *metadata, struct error *err)
{
	struct load load = {.arena = arena};
	struct chart_metadata *loaded = NULL;
	int r = load_archive(&load, archive, &loaded, err);

	if (r == 0 && loaded)
		*metadata = *loaded;
	return r;
}
