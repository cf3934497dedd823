#pragma once
/*
 * Small allocations of a size that we choose: want of memory for these ends the program, which
 * loses nothing (what a user wrote lies on disk). Anything whose size comes from the network or
 * from an archive goes through struct buf instead.
 */
#include <stddef.h>

void *must_alloc(size_t size) __attribute__((malloc, returns_nonnull)); /* zeroed */
char *must_copy(const char *text) __attribute__((malloc, returns_nonnull, nonnull));
char *must_copy_n(const char *text, size_t len) __attribute__((malloc, returns_nonnull));
char *must_print(const char *format, ...)
	__attribute__((format(printf, 1, 2), malloc, returns_nonnull));
