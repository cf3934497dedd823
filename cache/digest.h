#pragma once
/* SHA-256 digests as values. Their text form ("sha256:" and 64 hex digits) is for the edges only.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_TEXT_SIZE = 72 }; /* the text form with its NUL */

struct digest {
	uint8_t bytes[32];
};

/* Parses exactly "sha256:" and 64 lower-case hex digits (OCI image spec, descriptor). */
bool digest_parse(struct digest *digest, const char *text, size_t len);
void digest_print(const struct digest *digest, char text[DIGEST_TEXT_SIZE]);
bool digest_equal(const struct digest *a, const struct digest *b);
struct digest digest_of(const void *bytes, size_t len);

/* A digest over bytes that come in pieces. hasher_end() gives it and leaves the hasher fresh. */
struct hasher;
struct hasher *hasher_new(void);
void hasher_add(struct hasher *hasher, const void *bytes, size_t len);
struct digest hasher_end(struct hasher *hasher);
void hasher_free(struct hasher *hasher);
void hasher_freep(struct hasher **hasher);

/* The digest of a whole file, read by pread from its beginning. -errno on a failed read. */
int digest_of_file(int fd, struct digest *digest, uint64_t *size);
