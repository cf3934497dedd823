#include "client/archive.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/archive_gzip.h"
#include "client/archive_header.h"
#include "client/archive_sparse.h"

#include <errno.h>
#include <string.h>

struct archive {
	struct archive_gzip *gzip;
	int64_t left;   /* of the current entry's data */
	size_t padding; /* behind it, up to the next block */
	struct archive_header header;
	struct archive_pax pax; /* of the current entry */
	bool has_pax;
	bool is_sparse;
	struct archive_sparse sparse;
	struct buf long_name; /* of the current entry, from a GNU header; empty: none */
	unsigned char block[ARCHIVE_BLOCK];
};

static struct archive *archive_new(struct archive_gzip *gzip)
{
	struct archive *archive = must_alloc(sizeof(*archive));

	*archive = (struct archive){
		.gzip = gzip, .pax = ARCHIVE_PAX_INIT, .long_name = BUF_INIT(ARCHIVE_SPECIAL_MAX)};
	return archive;
}

struct archive *archive_open_fd(int fd)
{
	return archive_new(archive_gzip_open_fd(fd));
}

struct archive *archive_open_memory(const void *bytes, size_t len)
{
	return archive_new(archive_gzip_open_memory(bytes, len));
}

void archive_close(struct archive *archive)
{
	if (!archive)
		return;
	archive_gzip_close(archive->gzip);
	archive_pax_clear(&archive->pax);
	buf_clear(&archive->long_name);
	archive_sparse_clear(&archive->sparse);
	free(archive);
}

void archive_closep(struct archive **archive)
{
	archive_close(*archive);
}

uint64_t archive_unpacked(const struct archive *archive)
{
	return archive_gzip_total(archive->gzip);
}

static int fail_cut(struct archive *archive, struct error *err)
{
	int r = archive_gzip_fault(archive->gzip, err);

	return r < 0 ? r : fail(err, ENODATA, "the tar archive ends too early");
}

/* Reads a block. 1, or 0 where the gzip data properly ends before it. */
static int read_block(struct archive *archive, struct error *err)
{
	size_t got = archive_gzip_read(archive->gzip, archive->block, ARCHIVE_BLOCK);

	if (got == ARCHIVE_BLOCK)
		return 1;
	return got == 0 ? archive_gzip_fault(archive->gzip, err) : fail_cut(archive, err);
}

static bool is_zero(const unsigned char *block)
{
	return block[0] == 0 && memcmp(block, block + 1, ARCHIVE_BLOCK - 1) == 0;
}

/* Forgets what is left of the current entry's data as it stands in the archive. */
static int skip_data(struct archive *archive, struct error *err)
{
	while (archive->left > 0) {
		unsigned char bytes[16 * ARCHIVE_BLOCK];
		size_t piece = sizeof(bytes);

		if ((uint64_t)archive->left < piece)
			piece = (size_t)archive->left;
		if (archive_gzip_read(archive->gzip, bytes, piece) < piece)
			return fail_cut(archive, err);
		archive->left -= (int64_t)piece;
	}
	return 0;
}

/* Goes to the end of the current entry: 1, or 0 where the gzip data properly ends in the padding,
 * which counts as the archive's end. */
static int skip_entry(struct archive *archive, struct error *err)
{
	int r = skip_data(archive, err);

	if (r < 0)
		return r;
	if (archive_gzip_read(archive->gzip, archive->block, archive->padding) < archive->padding)
		return archive_gzip_fault(archive->gzip, err);
	archive->padding = 0;
	return 1;
}

static int begin_data(struct archive *archive, int64_t size, struct error *err)
{
	archive->left = archive_header_is_bare(archive->header.type) ? 0 : size;
	if (archive->left < 0)
		return fail(err, EINVAL, "the archive has an entry of negative size");
	archive->padding = (size_t)(-(uint64_t)archive->left & (ARCHIVE_BLOCK - 1));
	return 0;
}

/* 1, or 0 at the end. */
static int read_header(struct archive *archive, struct error *err)
{
	int r = read_block(archive, err);

	if (r <= 0)
		return r;
	if (is_zero(archive->block)) {
		r = read_block(archive, err);
		if (r <= 0)
			return r;
		if (is_zero(archive->block))
			return 0;
		return fail(err, EINVAL, "the archive has a malformed tar header");
	}
	r = archive_header_parse(&archive->header, archive->block, err);
	if (r < 0)
		return r;
	r = begin_data(archive, archive->header.size, err);
	return r < 0 ? r : 1;
}

/* Reads the data of a header that extends the next one. */
static int read_special(struct archive *archive, struct buf *text, struct error *err)
{
	buf_clear(text);
	if (archive->left > ARCHIVE_SPECIAL_MAX)
		return fail(err, EINVAL, "the archive has a header of more than 1 MiB");
	for (;;) {
		unsigned char bytes[ARCHIVE_BLOCK];
		ssize_t got = archive_read(archive, bytes, sizeof(bytes), err);

		if (got <= 0)
			return (int)got;
		if (buf_append(text, bytes, (size_t)got) < 0)
			return fail(err, ENOMEM, "no memory for a header of the archive");
	}
}

static int fail_sparse(struct error *err)
{
	return fail(err, EINVAL, "the archive has a malformed sparse file");
}

static int read_pax(struct archive *archive, struct error *err)
{
	int r = read_special(archive, &archive->pax.text, err);

	if (r == 0)
		r = archive_pax_parse(&archive->pax, err);
	archive->has_pax = true;
	return r;
}

/* GNU's own format has up to four extents in the header, more in blocks behind it, and the real
 * size. */
static int read_old_sparse(struct archive *archive, int64_t *size, struct error *err)
{
	const unsigned char *at = archive->block + 386;
	size_t most = 4, total = 97;

	if (!archive->header.is_gnu || !archive_header_number(archive->block + 483, 12, size))
		return fail_sparse(err);
	while (total < ARCHIVE_SPECIAL_MAX) {
		for (size_t i = 0; i < most && at[24 * i]; i++) {
			int64_t offset, length;

			if (!archive_header_number(at + 24 * i, 12, &offset) ||
				!archive_header_number(at + 24 * i + 12, 12, &length) ||
				archive_sparse_add(&archive->sparse, offset, length) < 0)
				return fail_sparse(err);
		}
		if (!at[24 * most])
			return 0;
		if (archive_gzip_read(archive->gzip, archive->block, ARCHIVE_BLOCK) < ARCHIVE_BLOCK)
			return fail_cut(archive, err);
		at = archive->block;
		most = 21;
		total += ARCHIVE_BLOCK;
	}
	return fail_sparse(err);
}

static size_t count_lines(const unsigned char *block)
{
	size_t count = 0;

	for (size_t i = 0; i < ARCHIVE_BLOCK; i++)
		count += block[i] == '\n';
	return count;
}

/* The pax format 1.0 has the map in front of the data: a count, then offsets and lengths, each a
 * line, in as many blocks as that takes. */
static int read_sparse_lines(struct archive *archive, struct error *err)
{
	scoped(buf_freep) struct buf text = BUF_INIT(ARCHIVE_SPECIAL_MAX);
	size_t lines = 0, needed = 1;

	while (lines < needed) {
		unsigned char block[ARCHIVE_BLOCK];
		ssize_t got = archive_read(archive, block, sizeof(block), err);
		int64_t count;

		if (got < 0)
			return (int)got;
		if (got < ARCHIVE_BLOCK || buf_append(&text, block, sizeof(block)) < 0)
			return fail_sparse(err);
		lines += count_lines(block);
		if (needed == 1 && lines > 0) {
			count = strtoll(buf_text(&text), NULL, 10);
			if (count < 0 || count > ARCHIVE_SPECIAL_MAX)
				return fail_sparse(err);
			needed += 2 * (size_t)count;
		}
	}
	return archive_sparse_add_lines(&archive->sparse, text.at) < 0 ? fail_sparse(err) : 0;
}

/* 1 where the pax records tell of a sparse file, 0 where not. */
static int read_pax_sparse(
	struct archive *archive, const char **name, int64_t *size, struct error *err)
{
	const char *const *value = archive->pax.value;
	const char *major, *minor, *real_size;
	bool is_0, is_1;
	int r;

	if (!archive->has_pax)
		return 0;
	major = value[PAX_SPARSE_MAJOR];
	minor = value[PAX_SPARSE_MINOR];
	is_0 = strcmp(major, "0") == 0 && (strcmp(minor, "0") == 0 || strcmp(minor, "1") == 0);
	is_1 = strcmp(major, "1") == 0 && strcmp(minor, "0") == 0;
	if (!is_0 && !is_1 && (*major || *minor || !*value[PAX_SPARSE_MAP]))
		return 0;
	if (*value[PAX_SPARSE_NAME])
		*name = value[PAX_SPARSE_NAME];
	real_size = value[*value[PAX_SPARSE_SIZE] ? PAX_SPARSE_SIZE : PAX_SPARSE_REAL_SIZE];
	if (*real_size && !archive_pax_number(real_size, size))
		return fail_sparse(err);
	if (is_1) {
		r = read_sparse_lines(archive, err);
		return r < 0 ? r : 1;
	}
	if (archive_sparse_add_text(
		    &archive->sparse, value[PAX_SPARSE_MAP], value[PAX_SPARSE_COUNT]) < 0)
		return fail_sparse(err);
	return 1;
}

/* Looks whether the entry is a sparse file; if so, its name and size may be others. */
static int begin_sparse(
	struct archive *archive, const char **name, int64_t *size, struct error *err)
{
	int r;

	if (archive->header.type == 'S')
		r = read_old_sparse(archive, size, err);
	else
		r = read_pax_sparse(archive, name, size, err);
	if (r < 0 || (r == 0 && archive->header.type != 'S'))
		return r;
	if (archive_header_is_bare(archive->header.type) ||
		archive_sparse_begin(&archive->sparse, *size) < 0)
		return fail_sparse(err);
	archive->is_sparse = true;
	return 0;
}

/* Completes the header of a file by what came before it. */
static int finish_header(struct archive *archive, struct archive_entry *entry, struct error *err)
{
	struct archive_header *header = &archive->header;
	const char *name = header->name;
	int64_t size = header->size;
	int r;

	if (archive->has_pax) {
		if (!archive_pax_apply(&archive->pax, &size))
			return fail(err, EINVAL, "the archive has a malformed pax header");
		if (*archive->pax.value[PAX_PATH])
			name = archive->pax.value[PAX_PATH];
	}
	if (*buf_text(&archive->long_name))
		name = buf_text(&archive->long_name);
	if (header->type == 0)
		header->type = *name && name[strlen(name) - 1] == '/' ? '5' : '0';
	r = begin_data(archive, size, err);
	if (r == 0)
		r = begin_sparse(archive, &name, &size, err);
	if (r < 0)
		return r;
	/* Go's FileInfo takes the file type in the mode for true as well as the entry's own */
	*entry = (struct archive_entry){.name = name,
		.size = size,
		.data_size = archive->is_sparse ? size : archive->left,
		.is_directory = header->type == '5' ||
				((uint32_t)header->mode & ~UINT32_C(07777)) == 040000};
	return 0;
}

int archive_next(struct archive *archive, struct archive_entry *entry, struct error *err)
{
	int r;

	archive->has_pax = archive->is_sparse = false;
	archive_sparse_clear(&archive->sparse);
	buf_clear(&archive->long_name);
	for (;;) {
		r = skip_entry(archive, err);
		if (r > 0)
			r = read_header(archive, err);
		if (r <= 0)
			return r;
		switch (archive->header.type) {
		case 'x':
			r = read_pax(archive, err);
			break;
		case 'g':
			r = read_pax(archive, err);
			*entry = (struct archive_entry){
				.name = archive->header.name, .is_meta = true};
			return r < 0 ? r : 1;
		case 'L':
			r = read_special(archive, &archive->long_name, err);
			break;
		case 'K': {
			scoped(buf_freep) struct buf ignored = BUF_INIT(ARCHIVE_SPECIAL_MAX);

			r = read_special(archive, &ignored, err);
			break;
		}
		default:
			r = finish_header(archive, entry, err);
			return r < 0 ? r : 1;
		}
		if (r < 0)
			return r;
	}
}

static ssize_t read_data(struct archive *archive, void *bytes, size_t len, struct error *err)
{
	if ((uint64_t)archive->left < len)
		len = (size_t)archive->left;
	if (archive_gzip_read(archive->gzip, bytes, len) < len)
		return fail_cut(archive, err);
	archive->left -= (int64_t)len;
	return (ssize_t)len;
}

static ssize_t read_sparse(struct archive *archive, char *bytes, size_t len, struct error *err)
{
	size_t got = 0;

	while (got < len) {
		bool is_data;
		size_t step = archive_sparse_step(&archive->sparse, len - got, &is_data);

		if (step == 0)
			break;
		if (!is_data) {
			memset(bytes + got, 0, step);
		} else {
			ssize_t r = read_data(archive, bytes + got, step, err);

			if (r < 0)
				return r;
			if ((size_t)r < step)
				return fail_sparse(err);
		}
		got += step;
	}
	if (archive->sparse.at == archive->sparse.size && archive->left > 0)
		return fail_sparse(err);
	return (ssize_t)got;
}

ssize_t archive_read(struct archive *archive, void *bytes, size_t len, struct error *err)
{
	return archive->is_sparse ? read_sparse(archive, bytes, len, err)
				  : read_data(archive, bytes, len, err);
}

int archive_skip(struct archive *archive, struct error *err)
{
	char bytes[16 * ARCHIVE_BLOCK];
	ssize_t got;

	do
		got = archive_read(archive, bytes, sizeof(bytes), err);
	while (got > 0);
	return (int)got;
}
