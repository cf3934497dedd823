#pragma once
/*
 * The entries of a tar.gz file, read once from front to back with what Go's archive/tar accepts and
 * refuses, because Helm loads charts with it: v7, ustar, pax, star and GNU headers, long names,
 * sparse files; the end is two blocks of zeros or the end of the gzip data between two blocks.
 * What lies behind the two blocks is never read. Memory does not depend on the archive's size.
 */
#include "cache/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct archive;

struct archive_entry {
	const char *name;  /* as it stands in the archive; valid until the next archive_next() */
	int64_t size;      /* as the header has it */
	int64_t data_size; /* of the data that there is: none for links and devices */
	bool is_directory;
	bool is_meta; /* a header for all entries that follow: not a file */
};

/* As archive_gzip_open_...(). */
struct archive *archive_open_fd(int fd);
struct archive *archive_open_memory(const void *bytes, size_t len);
void archive_close(struct archive *archive);
void archive_closep(struct archive **archive);

/* Goes to the next entry: 1, or 0 at the end. ENODATA where the archive is only a beginning, EINVAL
 * where it is malformed. */
int archive_next(struct archive *archive, struct archive_entry *entry, struct error *err);

/* Reads up to `len` bytes of the entry's data; fewer only at its end. Errors as archive_next(). */
ssize_t archive_read(struct archive *archive, void *bytes, size_t len, struct error *err);

/* Reads the rest of the entry's data and forgets it; thus faults in it are told. */
int archive_skip(struct archive *archive, struct error *err);

/* Bytes unpacked so far, headers and all. */
uint64_t archive_unpacked(const struct archive *archive);
