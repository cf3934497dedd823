#define ZLIB_CONST
#include "client/archive_gzip.h"

#include "cache/base/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

enum { INPUT_SIZE = 32 << 10, TEXT_MAX = 511 };
enum { FLAG_HEADER_CRC = 2, FLAG_EXTRA = 4, FLAG_NAME = 8, FLAG_COMMENT = 16 };

enum state { BETWEEN_MEMBERS, IN_MEMBER, ENDED };

struct archive_gzip {
	z_stream inflate; /* next_in and avail_in are the input not yet used, for headers too */
	int fd;           /* -1: all input is in memory */
	off_t at;
	enum state state;
	bool has_member;
	int fault; /* 0 or an errno, once ENDED */
	const char *why;
	uint32_t crc;
	uint32_t size;
	uint64_t total;
	unsigned char input[INPUT_SIZE];
};

static struct archive_gzip *gzip_new(void)
{
	struct archive_gzip *gzip = must_alloc(sizeof(*gzip));

	if (inflateInit2(&gzip->inflate, -MAX_WBITS) != Z_OK)
		abort(); /* want of memory, or a zlib that is not the one we were built with */
	gzip->fd = -1;
	return gzip;
}

struct archive_gzip *archive_gzip_open_fd(int fd)
{
	struct archive_gzip *gzip = gzip_new();

	gzip->fd = fd;
	return gzip;
}

struct archive_gzip *archive_gzip_open_memory(const void *bytes, size_t len)
{
	struct archive_gzip *gzip = gzip_new();

	gzip->inflate.next_in = bytes;
	gzip->inflate.avail_in = (uInt)len;
	return gzip;
}

void archive_gzip_close(struct archive_gzip *gzip)
{
	if (!gzip)
		return;
	inflateEnd(&gzip->inflate);
	free(gzip);
}

static bool end_with(struct archive_gzip *gzip, int fault, const char *why)
{
	gzip->state = ENDED;
	gzip->fault = fault;
	gzip->why = why;
	return false;
}

/* Makes at least one byte of input available; false at the end of the file, which then is only a
 * fault if the caller says so, and when it cannot be read. */
static bool has_input(struct archive_gzip *gzip)
{
	ssize_t got = 0;

	if (gzip->inflate.avail_in > 0)
		return true;
	if (gzip->fd >= 0) {
		do
			got = pread(gzip->fd, gzip->input, sizeof(gzip->input), gzip->at);
		while (got < 0 && errno == EINTR);
	}
	if (got < 0)
		return end_with(gzip, errno, NULL);
	if (got == 0)
		return end_with(gzip, ENODATA, "the gzip data ends too early");
	gzip->at += got;
	gzip->inflate.next_in = gzip->input;
	gzip->inflate.avail_in = (uInt)got;
	return true;
}

static bool take_byte(struct archive_gzip *gzip, unsigned char *byte)
{
	if (!has_input(gzip))
		return false;
	*byte = *gzip->inflate.next_in++;
	gzip->inflate.avail_in--;
	gzip->crc = (uint32_t)crc32(gzip->crc, byte, 1);
	return true;
}

static bool take_number(struct archive_gzip *gzip, int size, uint32_t *number)
{
	*number = 0;
	for (int i = 0; i < size; i++) {
		unsigned char byte;

		if (!take_byte(gzip, &byte))
			return false;
		*number |= (uint32_t)byte << (8 * i);
	}
	return true;
}

static bool skip_text(struct archive_gzip *gzip)
{
	unsigned char byte;

	for (int i = 0; i <= TEXT_MAX; i++) {
		if (!take_byte(gzip, &byte))
			return false;
		if (byte == 0)
			return true;
	}
	return end_with(gzip, EINVAL, "a name in the gzip header is too long");
}

static bool skip_options(struct archive_gzip *gzip, unsigned flags)
{
	uint32_t number, crc;
	unsigned char byte;

	if (flags & FLAG_EXTRA) {
		if (!take_number(gzip, 2, &number))
			return false;
		while (number-- > 0)
			if (!take_byte(gzip, &byte))
				return false;
	}
	if (flags & FLAG_NAME && !skip_text(gzip))
		return false;
	if (flags & FLAG_COMMENT && !skip_text(gzip))
		return false;
	if (flags & FLAG_HEADER_CRC) {
		crc = gzip->crc & 0xffff;
		if (!take_number(gzip, 2, &number))
			return false;
		if (number != crc)
			return end_with(gzip, EINVAL, "the checksum of the gzip header is wrong");
	}
	return true;
}

/* RFC 1952, 2.3. A file may end where a member could begin, but not before the first. */
static bool begin_member(struct archive_gzip *gzip)
{
	static const unsigned char magic[3] = {0x1f, 0x8b, 8};
	unsigned char header[10];

	gzip->crc = (uint32_t)crc32(0, NULL, 0);
	for (size_t i = 0; i < sizeof(header); i++) {
		if (!take_byte(gzip, &header[i])) {
			if (i == 0 && gzip->has_member && gzip->fault == ENODATA)
				gzip->fault = 0;
			return false;
		}
		if (i < sizeof(magic) && header[i] != magic[i])
			return end_with(gzip, EINVAL,
				gzip->has_member ? "there is something else behind the gzip data"
						 : "it is no gzip file");
	}
	if (!skip_options(gzip, header[3]))
		return false;
	inflateReset(&gzip->inflate);
	gzip->crc = (uint32_t)crc32(0, NULL, 0);
	gzip->size = 0;
	gzip->has_member = true;
	gzip->state = IN_MEMBER;
	return true;
}

static bool end_member(struct archive_gzip *gzip)
{
	uint32_t crc = gzip->crc, crc_expected, size_expected;

	gzip->state = BETWEEN_MEMBERS;
	if (!take_number(gzip, 4, &crc_expected) || !take_number(gzip, 4, &size_expected))
		return false;
	if (crc != crc_expected || gzip->size != size_expected)
		return end_with(gzip, EINVAL, "the gzip data does not match its checksum");
	return true;
}

/* Inflates into `bytes` until it is full, the member ends or something is wrong. */
static size_t read_member(struct archive_gzip *gzip, unsigned char *bytes, size_t len)
{
	z_stream *inflater = &gzip->inflate;
	size_t got;
	int r;

	if (!has_input(gzip))
		return 0;
	inflater->next_out = bytes;
	inflater->avail_out = (uInt)len;
	r = inflate(inflater, Z_NO_FLUSH);
	got = len - inflater->avail_out;
	gzip->crc = (uint32_t)crc32(gzip->crc, bytes, (uInt)got);
	gzip->size += (uint32_t)got;
	if (r == Z_STREAM_END)
		end_member(gzip);
	else if (r == Z_MEM_ERROR)
		end_with(gzip, ENOMEM, NULL);
	else if (r != Z_OK && r != Z_BUF_ERROR)
		end_with(gzip, EINVAL, "the gzip data is broken");
	return got;
}

size_t archive_gzip_read(struct archive_gzip *gzip, void *bytes, size_t len)
{
	size_t got = 0;

	while (got < len && gzip->state != ENDED) {
		size_t piece = len - got < 1U << 30 ? len - got : 1U << 30;

		if (gzip->state == BETWEEN_MEMBERS && !begin_member(gzip))
			break;
		got += read_member(gzip, (unsigned char *)bytes + got, piece);
	}
	gzip->total += got;
	return got;
}

int archive_gzip_fault(const struct archive_gzip *gzip, struct error *err)
{
	if (gzip->fault == 0)
		return 0;
	if (gzip->why)
		return fail(err, gzip->fault, "%s", gzip->why);
	errno = gzip->fault;
	return fail_errno(err, "cannot read the archive");
}

uint64_t archive_gzip_total(const struct archive_gzip *gzip)
{
	return gzip->total;
}
