#include "client/archive.h"
#include "client/chart_path.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <zlib.h>

/* One gzip member of the bytes. */
static size_t squeeze(const void *bytes, size_t len, unsigned char *out, size_t size)
{
	z_stream deflater = {0};

	deflateInit2(&deflater, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
	deflater.next_in = (Bytef *)(uintptr_t)bytes;
	deflater.avail_in = (uInt)len;
	deflater.next_out = out;
	deflater.avail_out = (uInt)size;
	deflate(&deflater, Z_FINISH);
	deflateEnd(&deflater);
	return size - deflater.avail_out;
}

static size_t add_header(unsigned char *block, const char *name, unsigned size, char type)
{
	unsigned sum = 0;

	memset(block, 0, 512);
	strcpy((char *)block, name);
	strcpy((char *)block + 100, "0000644");
	strcpy((char *)block + 108, "0000000");
	strcpy((char *)block + 116, "0000000");
	sprintf((char *)block + 124, "%011o", size);
	strcpy((char *)block + 136, "00000000000");
	block[156] = (unsigned char)type;
	memcpy(block + 257,
		"ustar\0"
		"00",
		8);
	memset(block + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += block[i];
	sprintf((char *)block + 148, "%06o", sum);
	return 512;
}

static size_t add_file(unsigned char *tar, const char *name, const char *text)
{
	size_t len = add_header(tar, name, (unsigned)strlen(text), '0');

	memset(tar + len, 0, 512);
	strcpy((char *)tar + len, text);
	return len + 512;
}

static unsigned char tar[16 << 10], packed[16 << 10];

/* Lists "name=text;" of all entries; the result of the last archive_next(). */
static int list(const void *bytes, size_t len, char *out, size_t size)
{
	struct archive *archive = archive_open_memory(bytes, len);
	struct archive_entry entry;
	struct error err = {0};
	int r;

	*out = 0;
	while ((r = archive_next(archive, &entry, &err)) > 0) {
		size_t at = strlen(out);
		char text[64] = "";
		ssize_t got = archive_read(archive, text, sizeof(text) - 1, &err);

		if (got < 0) {
			r = (int)got;
			break;
		}
		snprintf(out + at, size - at, "%s%s=%s;", entry.name, entry.is_directory ? "/" : "",
			text);
	}
	archive_close(archive);
	return r;
}

static size_t make_tar(void)
{
	size_t len = add_file(tar, "c/Chart.yaml", "one");

	len += add_header(tar + len, "c/d", 0, '5');
	len += add_header(tar + len, "pax", 15, 'x');
	memset(tar + len, 0, 512);
	strcpy((char *)tar + len, "15 path=c/long\n");
	len += 512;
	len += add_file(tar + len, "short", "two");
	return len;
}

static void test_entries(void)
{
	size_t len = make_tar(), packed_len;
	char out[256];

	packed_len = squeeze(tar, len, packed, sizeof(packed));
	is_number(list(packed, packed_len, out, sizeof(out)), 0, "the end of the gzip data is one");
	is_text(out, "c/Chart.yaml=one;c/d/=;c/long=two;", "entries");
	memset(tar + len, 0, 1024);
	memset(tar + len + 1024, 'x', 512);
	packed_len = squeeze(tar, len + 1536, packed, sizeof(packed));
	is_number(list(packed, packed_len, out, sizeof(out)), 0, "two blocks of zeros are one");
	packed[packed_len - 5] ^= 1;
	is_number(
		list(packed, packed_len, out, sizeof(out)), 0, "a checksum behind it is not read");
	is_number(list(packed, packed_len - 8, out, sizeof(out)), 0, "nor missed");
	packed_len = squeeze(tar, 600, packed, sizeof(packed));
	packed_len +=
		squeeze(tar + 600, len + 424, packed + packed_len, sizeof(packed) - packed_len);
	is_number(list(packed, packed_len, out, sizeof(out)), 0, "two members");
	is_text(out, "c/Chart.yaml=one;c/d/=;c/long=two;", "entries of two members");
}

static void test_beginnings(void)
{
	size_t len = make_tar(), packed_len = squeeze(tar, len, packed, sizeof(packed));
	unsigned wrong = 0;
	char out[256];

	for (size_t i = 0; i < packed_len; i++)
		wrong += list(packed, i, out, sizeof(out)) != -ENODATA;
	is_number(wrong, 0, "every beginning is told from what is no archive");
	is_number(list("hello", 5, out, sizeof(out)), -EINVAL, "no gzip");
	is_number(list("\x1f\x8b\x07", 3, out, sizeof(out)), -EINVAL, "an unknown method");
	packed[packed_len - 5] ^= 1;
	is_number(list(packed, packed_len, out, sizeof(out)), -EINVAL, "a wrong checksum");
	tar[1024 + 150] ^= 1;
	packed_len = squeeze(tar, len, packed, sizeof(packed));
	is_number(list(packed, packed_len, out, sizeof(out)), -EINVAL, "a wrong header");
}

static const struct {
	const char *name, *path; /* NULL: refused */
} paths[] = {
	{"c/Chart.yaml", "Chart.yaml"},
	{"./Chart.yaml", "Chart.yaml"},
	{"./c/Chart.yaml", "c/Chart.yaml"},
	{"/Chart.yaml", "Chart.yaml"},
	{"c//x", NULL},
	{"c/./x//y/.", "x/y"},
	{"c/a/../b", "b"},
	{"c/a/../../b", NULL},
	{"c/..", NULL},
	{"c/..foo", NULL},
	{"c/a/..foo", "a/..foo"},
	{"c/...", NULL},
	{"c", NULL},
	{"c/", NULL},
	{"c/x:/y", NULL},
	{"c/xy:/z", "xy:/z"},
	{"c/x:", "x:"},
	{"c\\a\\b", "a/b"},
	{"c\\a\\..\\b", "b"},
	{"c/a\\b", "b"},
	{"c\\\\a", NULL},
	{"c\\/a", NULL},
	{"Chart.yaml/x", NULL},
	{"Chart.yaml", NULL},
	{"", NULL},
};

static void test_paths(void)
{
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		struct buf path = BUF_INIT(1024);
		struct error err = {0};
		int r = chart_path_from_name(paths[i].name, &path, &err);

		is_text(r == 0 ? buf_text(&path) : NULL, paths[i].path, paths[i].name);
		buf_clear(&path);
	}
}

int main(void)
{
	test_entries();
	test_beginnings();
	test_paths();
	return done();
}
