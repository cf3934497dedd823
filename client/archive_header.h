#pragma once
/* The header blocks of a tar archive and the records that extend them; pure. See archive.h. */
#include "cache/base/buf.h"
#include "cache/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ARCHIVE_BLOCK = 512, ARCHIVE_SPECIAL_MAX = 1 << 20 };

struct archive_header {
	char name[257]; /* prefix, '/' and name */
	int64_t size;
	int64_t mode;
	char type;
	bool is_gnu;
};

/* EINVAL where the block is no header. */
int archive_header_parse(
	struct archive_header *header, const unsigned char block[ARCHIVE_BLOCK], struct error *err);

/* A number of a header's field: octal text or big-endian binary. */
bool archive_header_number(const unsigned char *field, size_t len, int64_t *number);

/* Whether entries of this type never have data, whatever their size says. */
bool archive_header_is_bare(char type);

enum archive_pax_key {
	PAX_PATH,
	PAX_SIZE,
	PAX_UID,
	PAX_GID,
	PAX_ATIME,
	PAX_MTIME,
	PAX_CTIME,
	PAX_SPARSE_MAJOR,
	PAX_SPARSE_MINOR,
	PAX_SPARSE_MAP,
	PAX_SPARSE_NAME,
	PAX_SPARSE_SIZE,
	PAX_SPARSE_REAL_SIZE,
	PAX_SPARSE_COUNT,
	PAX_KEYS,
};

/* The records of a pax header: the texts that we know ("" where absent, NULL never), all within
 * one block of memory. */
struct archive_pax {
	const char *value[PAX_KEYS];
	struct buf text;
	struct buf map; /* pairs given as single records, joined by commas */
};

#define ARCHIVE_PAX_INIT                                                                           \
	{                                                                                          \
		.text = BUF_INIT(ARCHIVE_SPECIAL_MAX), .map = BUF_INIT(ARCHIVE_SPECIAL_MAX)        \
	}

/* Parses the records in pax->text, which is changed. EINVAL where they are malformed. */
int archive_pax_parse(struct archive_pax *pax, struct error *err);
/* Whether all numbers and times in it are well-formed, and the size where there is one. */
bool archive_pax_apply(const struct archive_pax *pax, int64_t *size);
void archive_pax_clear(struct archive_pax *pax);

/* A decimal number with a sign or without; false for anything else and on overflow. */
bool archive_pax_number(const char *text, int64_t *number);
