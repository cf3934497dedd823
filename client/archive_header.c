#include "client/archive_header.h"

#include <errno.h>
#include <string.h>

struct field {
	size_t at, len;
};

static const struct field NAME = {0, 100}, MODE = {100, 8}, UID = {108, 8}, GID = {116, 8},
			  SIZE = {124, 12}, MTIME = {136, 12}, CHECKSUM = {148, 8},
			  MAJOR = {329, 8}, MINOR = {337, 8}, PREFIX = {345, 155},
			  STAR_PREFIX = {345, 131}, STAR_ATIME = {476, 12}, STAR_CTIME = {488, 12},
			  GNU_ATIME = {345, 12}, GNU_CTIME = {357, 12};

static bool parse_octal(const unsigned char *field, size_t len, int64_t *number)
{
	uint64_t value = 0;

	*number = 0;
	while (len > 0 && (*field == ' ' || *field == 0))
		field++, len--;
	while (len > 0 && (field[len - 1] == ' ' || field[len - 1] == 0))
		len--;
	for (; len > 0 && *field; field++, len--) {
		if (*field < '0' || *field > '7')
			return false;
		value = value << 3 | (uint64_t)(*field - '0');
	}
	*number = (int64_t)value;
	return true;
}

bool archive_header_number(const unsigned char *field, size_t len, int64_t *number)
{
	unsigned char invert = len > 0 && field[0] & 0x40 ? 0xff : 0;
	uint64_t value = 0;

	if (len == 0 || !(field[0] & 0x80))
		return parse_octal(field, len, number);
	*number = 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = field[i] ^ invert;

		if (i == 0)
			byte &= 0x7f;
		if (value >> 56)
			return false;
		value = value << 8 | byte;
	}
	if (value >> 63)
		return false;
	*number = (int64_t)(invert ? ~value : value);
	return true;
}

static bool get_number(const unsigned char *block, struct field field, int64_t *number)
{
	return archive_header_number(block + field.at, field.len, number);
}

static bool is_number(const unsigned char *block, struct field field)
{
	int64_t number;

	return get_number(block, field, &number);
}

/* The sum of the block's bytes, its own field taken as spaces; old programs added signed ones. */
static bool is_checksum_good(const unsigned char *block)
{
	int64_t expected, with_unsigned = 0, with_signed = 0;

	for (size_t i = 0; i < ARCHIVE_BLOCK; i++) {
		bool is_own = i >= CHECKSUM.at && i < CHECKSUM.at + CHECKSUM.len;
		unsigned char byte = is_own ? ' ' : block[i];

		with_unsigned += byte;
		with_signed += (signed char)byte;
	}
	return parse_octal(block + CHECKSUM.at, CHECKSUM.len, &expected) &&
	       (expected == with_unsigned || expected == with_signed);
}

static bool is_ascii(const unsigned char *block, struct field field)
{
	size_t len = strnlen((const char *)block + field.at, field.len);

	for (size_t i = 0; i < len; i++)
		if (block[field.at + i] >= 0x80)
			return false;
	return true;
}

/* Checks what the formats after v7 have more, and tells where the prefix of the name stands. */
static bool parse_later_fields(
	struct archive_header *header, const unsigned char *block, struct field *prefix)
{
	if (!is_number(block, MAJOR) || !is_number(block, MINOR))
		return false;
	if (header->is_gnu) {
		bool is_broken = (block[GNU_ATIME.at] && !is_number(block, GNU_ATIME)) ||
				 (block[GNU_CTIME.at] && !is_number(block, GNU_CTIME));

		/* Go 1.8 wrote prefixes there and called it GNU; its reader still knows */
		if (is_broken && is_ascii(block, PREFIX))
			*prefix = PREFIX;
		return true;
	}
	if (memcmp(block + 508, "tar", 4) == 0) {
		*prefix = STAR_PREFIX;
		return is_number(block, STAR_ATIME) && is_number(block, STAR_CTIME);
	}
	*prefix = PREFIX;
	return true;
}

int archive_header_parse(
	struct archive_header *header, const unsigned char block[ARCHIVE_BLOCK], struct error *err)
{
	bool is_ustar = memcmp(block + 257, "ustar", 6) == 0;
	struct field prefix = {0, 0};
	size_t prefix_len, name_len = strnlen((const char *)block + NAME.at, NAME.len);
	bool good = is_checksum_good(block);

	memset(header, 0, sizeof(*header));
	header->is_gnu = memcmp(block + 257, "ustar  ", 8) == 0;
	header->type = (char)block[156];
	good = good && get_number(block, SIZE, &header->size) &&
	       get_number(block, MODE, &header->mode) && is_number(block, UID) &&
	       is_number(block, GID) && is_number(block, MTIME);
	if (good && (is_ustar || header->is_gnu))
		good = parse_later_fields(header, block, &prefix);
	if (!good)
		return fail(err, EINVAL, "the archive has a malformed tar header");
	prefix_len = strnlen((const char *)block + prefix.at, prefix.len);
	if (prefix_len > 0) {
		memcpy(header->name, block + prefix.at, prefix_len);
		header->name[prefix_len++] = '/';
	}
	memcpy(header->name + prefix_len, block + NAME.at, name_len);
	return 0;
}

bool archive_header_is_bare(char type)
{
	return type >= '1' && type <= '6';
}

bool archive_pax_number(const char *text, int64_t *number)
{
	bool is_negative = *text == '-';
	uint64_t value = 0, most = (uint64_t)INT64_MAX + is_negative;

	if (*text == '-' || *text == '+')
		text++;
	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned digit = (unsigned char)*text - '0';

		if (digit > 9 || value > (most - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*number = (int64_t)(is_negative ? -value : value);
	return true;
}

/* Seconds with a fraction; the text is changed and put back. */
static bool is_pax_time(const char *text)
{
	const char *point = strchr(text, '.');
	size_t len = point ? (size_t)(point - text) : strlen(text);
	char seconds[32];
	int64_t number;

	if (len >= sizeof(seconds))
		return false;
	memcpy(seconds, text, len);
	seconds[len] = 0;
	if (!archive_pax_number(seconds, &number))
		return false;
	return !point || point[1 + strspn(point + 1, "0123456789")] == 0;
}

bool archive_pax_apply(const struct archive_pax *pax, int64_t *size)
{
	int64_t number;

	for (enum archive_pax_key key = PAX_UID; key <= PAX_CTIME; key++) {
		const char *value = pax->value[key];

		if (!*value)
			continue;
		if (key <= PAX_GID ? !archive_pax_number(value, &number) : !is_pax_time(value))
			return false;
	}
	return !*pax->value[PAX_SIZE] || archive_pax_number(pax->value[PAX_SIZE], size);
}

/* Numbers of sparse entries may come one by one, offset and length in turn (GNU's format 0.0). */
static int add_to_map(struct archive_pax *pax, bool is_offset, const char *value, size_t *count)
{
	if ((*count % 2 == 0) != is_offset || strchr(value, ','))
		return -EINVAL;
	if ((*count)++ > 0 && buf_add_char(&pax->map, ',') < 0)
		return -EFBIG;
	return buf_add(&pax->map, value);
}

static int keep_record(struct archive_pax *pax, const char *key, const char *value,
	size_t value_len, size_t *count)
{
	static const char *const keys[PAX_KEYS] = {
		[PAX_PATH] = "path",
		[PAX_SIZE] = "size",
		[PAX_UID] = "uid",
		[PAX_GID] = "gid",
		[PAX_ATIME] = "atime",
		[PAX_MTIME] = "mtime",
		[PAX_CTIME] = "ctime",
		[PAX_SPARSE_MAJOR] = "GNU.sparse.major",
		[PAX_SPARSE_MINOR] = "GNU.sparse.minor",
		[PAX_SPARSE_MAP] = "GNU.sparse.map",
		[PAX_SPARSE_NAME] = "GNU.sparse.name",
		[PAX_SPARSE_SIZE] = "GNU.sparse.size",
		[PAX_SPARSE_REAL_SIZE] = "GNU.sparse.realsize",
		[PAX_SPARSE_COUNT] = "GNU.sparse.numblocks",
	};
	bool has_nul = strlen(value) < value_len;

	if (has_nul && (strcmp(key, "path") == 0 || strcmp(key, "linkpath") == 0 ||
			       strcmp(key, "uname") == 0 || strcmp(key, "gname") == 0))
		return -EINVAL;
	if (strcmp(key, "GNU.sparse.offset") == 0)
		return add_to_map(pax, true, value, count);
	if (strcmp(key, "GNU.sparse.numbytes") == 0)
		return add_to_map(pax, false, value, count);
	for (int i = 0; i < PAX_KEYS; i++)
		if (strcmp(key, keys[i]) == 0) {
			/* a number with a NUL in it is none */
			pax->value[i] = has_nul && i != PAX_SPARSE_NAME ? "?" : value;
			return 0;
		}
	return 0;
}

/* One record: "LENGTH KEY=VALUE\n", the length in decimal and of the whole record. Returns the
 * length, or -EINVAL. */
static ssize_t parse_record(struct archive_pax *pax, char *at, size_t left, size_t *count)
{
	char *space = memchr(at, ' ', left), *equals;
	int64_t len;

	if (!space)
		return -EINVAL;
	*space = 0;
	if (strlen(at) != (size_t)(space - at) || !archive_pax_number(at, &len) || len < 5 ||
		(uint64_t)len > left || len <= space + 1 - at || at[len - 1] != '\n')
		return -EINVAL;
	at[len - 1] = 0;
	equals = memchr(space + 1, '=', (size_t)(at + len - 1 - (space + 1)));
	if (!equals || equals == space + 1)
		return -EINVAL;
	*equals = 0;
	if (strlen(space + 1) != (size_t)(equals - (space + 1)))
		return -EINVAL;
	if (keep_record(pax, space + 1, equals + 1, (size_t)(at + len - 1 - (equals + 1)), count) <
		0)
		return -EINVAL;
	return (ssize_t)len;
}

int archive_pax_parse(struct archive_pax *pax, struct error *err)
{
	size_t count = 0;

	for (int i = 0; i < PAX_KEYS; i++)
		pax->value[i] = "";
	buf_clear(&pax->map);
	for (size_t at = 0; at < pax->text.len;) {
		ssize_t len = parse_record(pax, pax->text.at + at, pax->text.len - at, &count);

		if (len < 0)
			return fail(err, EINVAL, "the archive has a malformed pax header");
		at += (size_t)len;
	}
	if (count > 0)
		pax->value[PAX_SPARSE_MAP] = buf_text(&pax->map);
	return 0;
}

void archive_pax_clear(struct archive_pax *pax)
{
	buf_clear(&pax->text);
	buf_clear(&pax->map);
}
