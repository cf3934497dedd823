#include "client/semver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_identifier(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

/* Reads a number at `*at` and steps past it. False for none, or one beyond 64 bits. */
static bool read_number(const char **at, bool may_start_with_zero, uint64_t *number)
{
	const char *from = *at;

	*number = 0;
	for (; is_digit(**at); ++*at)
		if (__builtin_mul_overflow(*number, 10, number) ||
			__builtin_add_overflow(*number, (uint64_t)(**at - '0'), number))
			return false;
	return *at > from && (may_start_with_zero || *from != '0' || *at - from == 1);
}

/* Reads identifiers joined by dots. Those of a prerelease that are numbers may not begin with 0. */
static bool read_identifiers(const char **at, bool is_prerelease)
{
	for (;; ++*at) {
		const char *from = *at;
		bool is_number = true;

		for (; is_identifier(**at); ++*at)
			is_number = is_number && is_digit(**at);
		if (*at == from)
			return false;
		if (is_prerelease && is_number && *from == '0' && *at - from > 1)
			return false;
		if (**at != '.')
			return true;
	}
}

static bool read_suffixes(const char *at, struct semver *version)
{
	if (*at == '-') {
		version->prerelease = ++at;
		if (!read_identifiers(&at, true))
			return false;
		version->prerelease_len = (unsigned)(at - version->prerelease);
	}
	if (*at == '+') {
		version->metadata = ++at;
		if (!read_identifiers(&at, false))
			return false;
		version->metadata_len = (unsigned)(at - version->metadata);
	}
	return !*at;
}

bool semver_parse_strict(const char *text, struct semver *version)
{
	*version = (struct semver){.prerelease = "", .metadata = ""};
	return read_number(&text, false, &version->major) && *text++ == '.' &&
	       read_number(&text, false, &version->minor) && *text++ == '.' &&
	       read_number(&text, false, &version->patch) && read_suffixes(text, version);
}

bool semver_parse_loose(const char *text, struct semver *version)
{
	*version = (struct semver){.prerelease = "", .metadata = ""};
	if (*text == 'v')
		text++;
	if (!read_number(&text, true, &version->major))
		return false;
	if (*text == '.') {
		text++;
		if (!read_number(&text, true, &version->minor))
			return false;
		if (*text == '.') {
			text++;
			if (!read_number(&text, true, &version->patch))
				return false;
		}
	}
	return read_suffixes(text, version);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : compare_numbers(a_len, b_len);
}

/* A number that fits 64 bits; longer ones are texts to Helm's library. */
static bool is_small_number(const char *at, size_t len, uint64_t *number)
{
	const char *end = at;

	return read_number(&end, true, number) && end == at + len;
}

static int compare_identifiers(const char *a, size_t a_len, const char *b, size_t b_len)
{
	uint64_t a_number, b_number;
	bool a_is_number = is_small_number(a, a_len, &a_number);
	bool b_is_number = is_small_number(b, b_len, &b_number);

	if (a_is_number && b_is_number)
		return compare_numbers(a_number, b_number);
	if (a_is_number != b_is_number)
		return a_is_number ? -1 : 1;
	return compare_bytes(a, a_len, b, b_len);
}

static size_t identifier_length(const char *at, const char *end)
{
	const char *dot = memchr(at, '.', (size_t)(end - at));

	return (size_t)((dot ? dot : end) - at);
}

static int compare_prereleases(const char *a, size_t a_size, const char *b, size_t b_size)
{
	const char *a_end = a + a_size, *b_end = b + b_size;

	for (;;) {
		size_t a_len = identifier_length(a, a_end), b_len = identifier_length(b, b_end);
		int order = compare_identifiers(a, a_len, b, b_len);

		if (order)
			return order;
		a += a_len;
		b += b_len;
		if (a == a_end || b == b_end)
			return (a < a_end) - (b < b_end);
		a++;
		b++;
	}
}

int semver_compare(const struct semver *a, const struct semver *b)
{
	int order = compare_numbers(a->major, b->major);

	if (!order)
		order = compare_numbers(a->minor, b->minor);
	if (!order)
		order = compare_numbers(a->patch, b->patch);
	if (order)
		return order;
	if (!a->prerelease_len || !b->prerelease_len)
		return (b->prerelease_len > 0) - (a->prerelease_len > 0);
	return compare_prereleases(
		a->prerelease, a->prerelease_len, b->prerelease, b->prerelease_len);
}

int semver_compare_text(const char *a, const char *b)
{
	struct semver a_version, b_version;
	bool a_is_version = semver_parse_loose(a, &a_version);
	bool b_is_version = semver_parse_loose(b, &b_version);
	int order = 0;

	if (a_is_version != b_is_version)
		return a_is_version ? -1 : 1;
	if (a_is_version)
		order = semver_compare(&a_version, &b_version);
	return order ? order : strcmp(a, b);
}
