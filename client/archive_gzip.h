#pragma once
/*
 * The bytes inside a gzip file, one member after the other, with the leniencies and the limits of
 * Go's compress/gzip, because Helm reads charts with it: reserved flags are ignored, names and
 * comments are at most 511 bytes, a member's checksum is looked at only when its end is reached.
 */
#include "cache/base/error.h"

#include <stddef.h>
#include <stdint.h>

struct archive_gzip;

/* Reads from a file by pread, from its beginning, or from memory, which must outlive it. */
struct archive_gzip *archive_gzip_open_fd(int fd);
struct archive_gzip *archive_gzip_open_memory(const void *bytes, size_t len);
void archive_gzip_close(struct archive_gzip *gzip);

/* Reads exactly `len` bytes unless the end or a fault comes first; returns how many. All bytes
 * before a fault are given. */
size_t archive_gzip_read(struct archive_gzip *gzip, void *bytes, size_t len);

/* Why the last read was short: 0 at a proper end, else the error is set: ENODATA where the file
 * ends too early, EINVAL where it is no gzip or broken, another errno where it cannot be read. */
int archive_gzip_fault(const struct archive_gzip *gzip, struct error *err);

/* All bytes given so far. */
uint64_t archive_gzip_total(const struct archive_gzip *gzip);
