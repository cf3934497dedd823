#include "cache/digest.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"

#include <openssl/evp.h>
#include <string.h>

static const char prefix[] = "sha256:";

enum { PREFIX_LEN = sizeof(prefix) - 1, HEX_LEN = 64, PIECE = 16384 };

struct hasher {
	EVP_MD_CTX *context;
};

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool digest_parse(struct digest *digest, const char *text, size_t len)
{
	struct digest parsed;

	if (len != PREFIX_LEN + HEX_LEN || memcmp(text, prefix, PREFIX_LEN) != 0)
		return false;
	text += PREFIX_LEN;
	for (size_t i = 0; i < sizeof(parsed.bytes); i++) {
		int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		parsed.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*digest = parsed;
	return true;
}

void digest_print(const struct digest *digest, char text[DIGEST_TEXT_SIZE])
{
	static const char hex[] = "0123456789abcdef";

	memcpy(text, prefix, PREFIX_LEN);
	text += PREFIX_LEN;
	for (size_t i = 0; i < sizeof(digest->bytes); i++) {
		*text++ = hex[digest->bytes[i] >> 4];
		*text++ = hex[digest->bytes[i] & 15];
	}
	*text = '\0';
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* SHA-256 is part of every provider that OpenSSL loads by itself: where it cannot be had, nothing
 * in this program works, as with want of memory. */
static void must(int done)
{
	if (done != 1)
		abort();
}

struct digest digest_of(const void *bytes, size_t len)
{
	struct digest digest;

	must(EVP_Digest(bytes, len, digest.bytes, NULL, EVP_sha256(), NULL));
	return digest;
}

struct hasher *hasher_new(void)
{
	struct hasher *hasher = must_alloc(sizeof(*hasher));

	hasher->context = EVP_MD_CTX_new();
	must(hasher->context != NULL);
	must(EVP_DigestInit_ex(hasher->context, EVP_sha256(), NULL));
	return hasher;
}

void hasher_add(struct hasher *hasher, const void *bytes, size_t len)
{
	must(EVP_DigestUpdate(hasher->context, bytes, len));
}

struct digest hasher_end(struct hasher *hasher)
{
	struct digest digest;

	must(EVP_DigestFinal_ex(hasher->context, digest.bytes, NULL));
	must(EVP_DigestInit_ex(hasher->context, NULL, NULL));
	return digest;
}

void hasher_free(struct hasher *hasher)
{
	if (!hasher)
		return;
	EVP_MD_CTX_free(hasher->context);
	free(hasher);
}

void hasher_freep(struct hasher **hasher)
{
	int saved = errno;

	hasher_free(*hasher);
	errno = saved;
}

int digest_of_file(int fd, struct digest *digest, uint64_t *size)
{
	scoped(hasher_freep) struct hasher *hasher = hasher_new();
	uint64_t at = 0;
	char piece[PIECE];

	for (;;) {
		ssize_t got = pread(fd, piece, sizeof(piece), (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		hasher_add(hasher, piece, (size_t)got);
		at += (uint64_t)got;
	}
	*digest = hasher_end(hasher);
	*size = at;
	return 0;
}
