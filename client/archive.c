#include "client/archive.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/archive_gzip.h"
#include "client/archive_header.h"

#include <errno.h>
#include <string.h>

struct archive {
	struct archive_gzip *gzip;
	int64_t left;   /* of the current entry's data */
	size_t padding; /* behind it, up to the next block */
	struct archive_header header;
	struct archive_pax pax; /* of the current entry */
	bool has_pax;
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

int archive_skip(struct archive *archive, struct error *err)
{
	while (archive->left > 0) {
		unsigned char bytes[16 * ARCHIVE_BLOCK];
		ssize_t got = archive_read(archive, bytes, sizeof(bytes), err);

		if (got < 0)
			return (int)got;
	}
	return 0;
}

/* Goes to the end of the current entry: 1, or 0 where the gzip data properly ends in the padding,
 * which counts as the archive's end. */
static int skip_entry(struct archive *archive, struct error *err)
{
	int r = archive_skip(archive, err);

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

static int read_pax(struct archive *archive, struct error *err)
{
	int r = read_special(archive, &archive->pax.text, err);

	if (r == 0)
		r = archive_pax_parse(&archive->pax, err);
	archive->has_pax = true;
	return r;
}

/* Completes the header of a file by what came before it. */
static int finish_header(struct archive *archive, struct archive_entry *entry, struct error *err)
{
	struct archive_header *header = &archive->header;
	const char *name = header->name;
	int64_t size = header->size;

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
	/* Go's FileInfo takes the file type in the mode for true as well as the entry's own */
	*entry = (struct archive_entry){.name = name,
		.size = size,
		.is_directory = header->type == '5' ||
				((uint32_t)header->mode & ~UINT32_C(07777)) == 040000};
	if (begin_data(archive, size, err) < 0)
		return -EINVAL;
	entry->data_size = archive->left;
	return 0;
}

int archive_next(struct archive *archive, struct archive_entry *entry, struct error *err)
{
	int r;

	archive->has_pax = false;
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

ssize_t archive_read(struct archive *archive, void *bytes, size_t len, struct error *err)
{
	if ((uint64_t)archive->left < len)
		len = (size_t)archive->left;
	if (archive_gzip_read(archive->gzip, bytes, len) < len)
		return fail_cut(archive, err);
	archive->left -= (int64_t)len;
	return (ssize_t)len;
}
