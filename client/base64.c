#include "client/base64.h"

#include <errno.h>
#include <stdint.h>

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Up to four digits into the bytes they hold. */
static int decode_group(const char *text, size_t len, struct buf *bytes)
{
	uint32_t group = 0;
	size_t size = len * 6 / 8;
	char out[3];

	for (size_t i = 0; i < 4; i++) {
		int value = i < len ? value_of(text[i]) : 0;

		if (value < 0)
			return -EINVAL;
		group = group << 6 | (uint32_t)value;
	}
	if (size == 0 || (group & ((1U << (24 - 8 * size)) - 1)) != 0)
		return -EINVAL;
	for (size_t i = 0; i < size; i++)
		out[i] = (char)(group >> (16 - 8 * i) & 0xff);
	return buf_append(bytes, out, size);
}

int base64_decode(const char *text, size_t len, struct buf *bytes)
{
	size_t padding = 0;

	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	if (padding > 0 && len % 4 != 0)
		return -EINVAL;
	len -= padding;
	for (size_t i = 0; i < len; i += 4) {
		int r = decode_group(text + i, len - i < 4 ? len - i : 4, bytes);

		if (r < 0)
			return r;
	}
	return 0;
}

int base64_encode(const void *bytes, size_t len, struct buf *text)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i += 3) {
		size_t size = len - i < 3 ? len - i : 3;
		uint32_t group = (uint32_t)at[i] << 16 | (size > 1 ? (uint32_t)at[i + 1] << 8 : 0) |
				 (size > 2 ? at[i + 2] : 0);
		char out[4] = {'=', '=', '=', '='};
		int r;

		for (size_t k = 0; k <= size; k++)
			out[k] = digits[group >> (18 - 6 * k) & 63];
		r = buf_append(text, out, sizeof(out));
		if (r < 0)
			return r;
	}
	return 0;
}
