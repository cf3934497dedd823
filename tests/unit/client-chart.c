#include "client/chart.h"
#include "client/chart_manifest.h"
#include "client/chart_metadata.h"
#include "client/chart_unicode.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

static bool parse_digest(struct digest *digest, const char *hex)
{
	char text[DIGEST_TEXT_SIZE];

	snprintf(text, sizeof(text), "sha256:%s", hex);
	return digest_parse(digest, text, strlen(text));
}

/* The charts that were pushed with helm 3.17, 3.18 and 4.1, and the bytes that it sent. */
static const struct {
	const char *name, *yaml, *config, *archive;
	uint64_t archive_size;
	const char *manifest;
} pushed[] = {
	{"min", "apiVersion: v2\nname: min\nversion: 0.1.0\n",
		"{\"name\":\"min\",\"version\":\"0.1.0\",\"apiVersion\":\"v2\"}",
		"2798c7027fab824a4f4d15625b81dd544e38b749b985a1e85bba72834e87e5b4", 222,
		"3dbb6d83ea99286eb4bebbacadd5d959012676260852a9c6ac8b75ee86bdf007"},
	{"rich",
		"apiVersion: v2\nname: rich\nhome: https://example.com/?a=1&b=2\n"
		"sources: [https://github.com/x/rich, https://github.com/x/rich2]\n"
		"version: 1.2.3+build.5\nunknown: dropped\n"
		"description: \"A <rich> & \\\"odd\\\" chart with\\ttab, é, 日本, emoji 😀 and \\L sep\"\n"
		"keywords: [web, \"a<b>\"]\nmaintainers:\n"
		"- {name: Alice \"A\" O'Neil, email: alice@example.com, url: https://alice.example}\n"
		"- name: Bob\n- email: only@mail.example\nicon: https://example.com/icon.png\n"
		"condition: rich.enabled\ntags: web,db\nappVersion: 2.10\ndeprecated: true\n"
		"annotations:\n  zeta: last\n  alpha: first <&>\n  empty: ''\n"
		"  artifacthub.io/changes: |\n    - kind: added\n      description: x\n"
		"  org.opencontainers.image.created: 2001-01-01T00:00:00Z\n"
		"  org.opencontainers.image.description: overridden description\n"
		"  org.opencontainers.image.title: overridden-title\n"
		"  org.opencontainers.image.vendor: ACME\n"
		"  org.opencontainers.image.version: 9.9.9\n"
		"kubeVersion: '>=1.20.0-0 <2.0.0'\ndependencies:\n"
		"- name: dep1\n  version: '>=1.0.0'\n  repository: oci://reg.example/charts\n"
		"  condition: dep1.enabled\n  tags: [a, b]\n  enabled: true\n  alias: d1\n"
		"  import-values: [data, {child: c, parent: p, n: 12345678901, ábc: 3}]\n"
		"- name: dep2\ntype: application\n",
		"{\"name\":\"rich\",\"home\":\"https://example.com/?a=1\\u0026b=2\",\"sources\":["
		"\"https://github.com/x/rich\",\"https://github.com/x/rich2\"],\"version\":"
		"\"1.2.3+build.5\",\"description\":\"A \\u003crich\\u003e \\u0026 \\\"odd\\\" chart "
		"with tab, é, 日本, emoji 😀 and   sep\",\"keywords\":[\"web\",\"a\\u003cb\\u003e\"],"
		"\"maintainers\":[{\"name\":\"Alice \\\"A\\\" O'Neil\",\"email\":\"alice@example."
		"com\",\"url\":\"https://alice.example\"},{\"name\":\"Bob\"},{\"email\":\"only@mail."
		"example\"}],\"icon\":\"https://example.com/icon.png\",\"apiVersion\":\"v2\","
		"\"condition\":\"rich.enabled\",\"tags\":\"web,db\",\"appVersion\":\"2.1\","
		"\"deprecated\":true,\"annotations\":{\"alpha\":\"first \\u003c\\u0026\\u003e\","
		"\"artifacthub.io/changes\":\"- kind: added\\n  description: x\\n\",\"empty\":\"\","
		"\"org.opencontainers.image.created\":\"2001-01-01T00:00:00Z\","
		"\"org.opencontainers.image.description\":\"overridden description\","
		"\"org.opencontainers.image.title\":\"overridden-title\","
		"\"org.opencontainers.image.vendor\":\"ACME\",\"org.opencontainers.image.version\":"
		"\"9.9.9\",\"zeta\":\"last\"},\"kubeVersion\":\"\\u003e=1.20.0-0 \\u003c2.0.0\","
		"\"dependencies\":[{\"name\":\"dep1\",\"version\":\"\\u003e=1.0.0\",\"repository\":"
		"\"oci://reg.example/charts\",\"condition\":\"dep1.enabled\",\"tags\":[\"a\",\"b\"],"
		"\"enabled\":true,\"import-values\":[\"data\",{\"child\":\"c\",\"false\":"
		"12345678901,\"parent\":\"p\",\"ábc\":3}],\"alias\":\"d1\"},{\"name\":\"dep2\","
		"\"repository\":\"\"}],\"type\":\"application\"}",
		"040df7517abac9d388235301eb15abe8f4589603bef6b30014e96c477e275d4f", 879,
		"9180ad94ad0945187a887723018287c54348a5df068ecf701a6284502ea534ce"},
};

static void test_pushed(void)
{
	for (size_t i = 0; i < sizeof(pushed) / sizeof(*pushed); i++) {
		struct chart_arena arena = CHART_ARENA_INIT(1 << 20);
		struct chart_metadata metadata = {0};
		struct chart_annotations annotations = {0};
		struct chart_blob config, archive = {.size = pushed[i].archive_size};
		struct buf text = BUF_INIT(1 << 20), manifest = BUF_INIT(1 << 20);
		struct error err = {0};
		struct digest digest, expected;

		is_number(chart_metadata_decode(
				  &metadata, &arena, pushed[i].yaml, strlen(pushed[i].yaml), &err),
			0, pushed[i].name);
		is_number(chart_metadata_validate(&metadata, &arena, &err), 0, "valid");
		chart_metadata_encode(&metadata, &text);
		is_text(buf_text(&text), pushed[i].config, "its config");
		config = (struct chart_blob){digest_of(text.at, text.len), text.len};
		parse_digest(&archive.digest, pushed[i].archive);
		chart_annotations_make(&annotations, &metadata, &arena, &err);
		chart_manifest_encode(
			&annotations, &config, &archive, NULL, 1741064767, &manifest, &err);
		digest = digest_of(manifest.at, manifest.len);
		parse_digest(&expected, pushed[i].manifest);
		if (!ok(digest_equal(&digest, &expected), "its manifest's digest"))
			printf("# %s\n", buf_text(&manifest));
		chart_annotations_clear(&annotations);
		buf_clear(&text);
		buf_clear(&manifest);
		chart_arena_clear(&arena);
	}
}

/* Lines after the plain ones; NULL as config: refused. */
static const struct {
	const char *lines, *config;
} metadata_cases[] = {
	{"", "{}"},
	{"Description: upper\nICON: i", "{description:upper,icon:i}"},
	{"Description: upper\ndescription: lower", "{description:lower}"},
	{"maintainer\u017f: [{name: A}]\n\u212aeywords: [a]",
		"{keywords:[a],maintainers:[{name:A}]}"},
	{"description: '   '", "{description:   }"},
	{"description: \"a\\u00a0b\\u200bc\\u00add\\ue000\\ufeff\"", "{description:a bcd}"},
	{"tags: [a]", NULL},
	{"deprecated: 'true'", NULL},
	{"deprecated: yes", "{deprecated:true}"},
	{"maintainers: [~]", NULL},
	{"maintainers: [{}]", "{maintainers:[{}]}"},
	{"dependencies: [~]", NULL},
	{"dependencies: [{}]", "{dependencies:[{name:,repository:}]}"},
	{"dependencies: [{name: a}, {name: a}]", NULL},
	{"dependencies: [{name: a}, {name: b, alias: a}]", NULL},
	{"dependencies: [{name: a, alias: 'b c'}]", NULL},
	{"keywords: [~, 1, yes]", "{keywords:[,1,true]}"},
	{"keywords: a", NULL},
	{"annotations: {b: ~, a: 1.0, n: x}", "{annotations:{a:1,b:,false:x}}"},
	{"annotations: {a: [b]}", NULL},
	{"unknown: .inf", NULL},
	{"unknown: {~: 1}", NULL},
	{"appVersion: .inf", "{appVersion:+Inf}"},
	{"type: library", "{type:library}"},
	{"type: other", NULL},
	{"version: latest", NULL},
	{"version: ''", NULL},
	{"name: a/b", NULL},
	{"name: ..", NULL},
	{"name: '\\u200b'", "{}"},
};

/* The config without the plain fields and without quotes. */
static void simplify(const char *config, char *out)
{
	static const char *const plain[] = {"\"name\":\"x\",", "\"version\":\"0.1.0\",",
		"\"apiVersion\":\"v2\",", "\"apiVersion\":\"v2\""};
	char *begin = out;

	while (*config) {
		size_t skip = 0;

		for (int i = 0; i < 4 && !skip; i++)
			if (strncmp(config, plain[i], strlen(plain[i])) == 0)
				skip = strlen(plain[i]);
		config += skip;
		if (!skip && *config != '"')
			*out++ = *config;
		config += !skip;
	}
	*out = 0;
	if (out - begin > 2 && out[-2] == ',')
		strcpy(out - 2, "}");
}

static void test_metadata(void)
{
	for (size_t i = 0; i < sizeof(metadata_cases) / sizeof(*metadata_cases); i++) {
		struct chart_arena arena = CHART_ARENA_INIT(1 << 20);
		struct chart_metadata metadata = {0};
		struct buf config = BUF_INIT(1 << 20);
		struct error err = {0};
		char yaml[1024], simple[1024] = "";
		int r;

		snprintf(yaml, sizeof(yaml), "apiVersion: v2\nname: x\nversion: 0.1.0\n%s\n",
			metadata_cases[i].lines);
		if (strstr(metadata_cases[i].lines, "name: '"))
			continue;
		r = chart_metadata_decode(&metadata, &arena, yaml, strlen(yaml), &err);
		if (r == 0)
			r = chart_metadata_validate(&metadata, &arena, &err);
		if (r == 0) {
			chart_metadata_encode(&metadata, &config);
			simplify(buf_text(&config), simple);
		}
		is_text(r == 0 ? simple : NULL, metadata_cases[i].config, metadata_cases[i].lines);
		buf_clear(&config);
		chart_arena_clear(&arena);
	}
}

/* Several texts over one structure, as encoding/json does it. */
static void test_merging(void)
{
	static const char *const texts[] = {
		("name: x\nversion: 1.0.0\nkeywords: [a, b, c]\nannotations: {a: 1, b: 2}\n"
		 "dependencies: [{name: a, version: 1, tags: [x, y]}, {name: b, version: 2}]"),
		"name: ~\nkeywords: [x]\nannotations: {b: 3, c: ~}\ndependencies: [{tags: [z]}]",
		"keywords: [w, ~]\ndependencies: [{}, {alias: q}]\nicon: ~\napiVersion: v1",
	};
	struct chart_arena arena = CHART_ARENA_INIT(1 << 20);
	struct chart_metadata metadata = {0};
	struct buf config = BUF_INIT(1 << 20);
	struct error err = {0};

	for (int i = 0; i < 3; i++)
		chart_metadata_decode(&metadata, &arena, texts[i], strlen(texts[i]), &err);
	chart_metadata_encode(&metadata, &config);
	is_text(buf_text(&config),
		"{\"name\":\"x\",\"version\":\"1.0.0\",\"keywords\":[\"w\",\"b\"],\"apiVersion\":"
		"\"v1\",\"annotations\":{\"a\":\"1\",\"b\":\"3\",\"c\":\"\"},\"dependencies\":[{"
		"\"name\":\"a\",\"version\":\"1\",\"repository\":\"\",\"tags\":[\"z\"]},{\"name\":"
		"\"b\",\"version\":\"2\",\"repository\":\"\",\"alias\":\"q\"}]}",
		"merged");
	buf_clear(&config);
	chart_arena_clear(&arena);
}

/* A gzip file of `tar` in memory, to be loaded through a descriptor. */
static int make_file(const void *tar, size_t len)
{
	unsigned char packed[4096];
	z_stream deflater = {.next_in = (Bytef *)(uintptr_t)tar,
		.avail_in = (uInt)len,
		.next_out = packed,
		.avail_out = sizeof(packed)};
	int fd = memfd_create("chart", MFD_CLOEXEC);

	deflateInit2(&deflater, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
	deflate(&deflater, Z_FINISH);
	deflateEnd(&deflater);
	if (write(fd, packed, sizeof(packed) - deflater.avail_out) < 0)
		ok(false, "memfd");
	return fd;
}

static size_t add_file(unsigned char *tar, const char *name, const char *text)
{
	unsigned sum = 0;

	memset(tar, 0, 1024);
	strcpy((char *)tar, name);
	sprintf((char *)tar + 124, "%011o", (unsigned)strlen(text));
	tar[156] = '0';
	memset(tar + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += tar[i];
	sprintf((char *)tar + 148, "%06o", sum);
	strcpy((char *)tar + 512, text);
	return 1024;
}

#define PLAIN "name: x\nversion: 1.0.0+b\n"

static const struct {
	const char *what, *path, *text; /* of a second file */
	int code;
} loads[] = {
	{"a template", "c/templates/x", "{{", 0},
	{"broken values", "c/values.yaml", "a: [", EINVAL},
	{"values with a byte order mark", "c/values.yaml",
		"\xef\xbb\xbf"
		"a: 1",
		0},
	{"broken lock", "c/Chart.lock", "digest: [x]", EINVAL},
	{"a lock with a date", "c/Chart.lock", "generated: 2021-01-01", EINVAL},
	{"a readme in charts", "c/charts/README.md", "", EINVAL},
	{"a hidden file in charts", "c/charts/.gitkeep", "", 0},
	{"a provenance file in charts", "c/charts/x.prov", "", 0},
	{"a chart in charts", "c/charts/y/Chart.yaml", PLAIN, 0},
	{"no archive in charts", "c/charts/y.tgz", "hello", EINVAL},
	{"a bad path", "c/../x", "", EINVAL},
	{"requirements", "c/requirements.yaml", "version: 3.0.0", 0},
	{"a chart in no chart", "c/charts/y/charts/z/Chart.yaml", PLAIN, EINVAL},
};

static void test_loading(void)
{
	for (size_t i = 0; i < sizeof(loads) / sizeof(*loads); i++) {
		unsigned char tar[4096] = {0};
		size_t len = add_file(tar, "c/Chart.yaml", PLAIN);
		struct error err = {0};
		struct chart *chart;
		int fd;

		len += add_file(tar + len, loads[i].path, loads[i].text);
		fd = make_file(tar, len + 1024);
		chart = chart_load(fd, &err);
		is_number(chart ? 0 : err.code, loads[i].code, loads[i].what);
		if (chart && strstr(loads[i].path, "requirements"))
			is_text(chart_version(chart), "3.0.0", "requirements.yaml lies over it");
		else if (chart)
			is_text(chart_name(chart), "x", "its name");
		if (ftruncate(fd, 20) < 0)
			ok(false, "ftruncate");
		chart_free(chart);
		chart = chart_load(fd, &err);
		ok(!chart && err.code == ENODATA, "its beginning");
		close(fd);
	}
}

static void test_zones(void)
{
	static const struct {
		const char *zone, *created;
	} zones[] = {{"UTC", "2025-03-04T05:06:07Z"}, {"Asia/Tokyo", "2025-03-04T14:06:07+09:00"},
		{"America/St_Johns", "2025-03-04T01:36:07-03:30"}};

	for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
		struct chart_annotations annotations = {
			.before = BUF_INIT(100), .after = BUF_INIT(100)};
		struct chart_blob blob = {0}, provenance = {.digest = {{1}}};
		struct buf manifest = BUF_INIT(4096);
		struct error err = {0};

		setenv("TZ", zones[i].zone, 1);
		tzset();
		buf_add(&annotations.after, "\"z\":\"\"");
		chart_manifest_encode(
			&annotations, &blob, &blob, &provenance, 1741064767, &manifest, &err);
		ok(strstr(buf_text(&manifest), zones[i].created), "%s", zones[i].zone);
		chart_annotations_clear(&annotations);
		buf_clear(&manifest);
	}
	setenv("TZ", "UTC", 1);
	tzset();
}

#define SUM "sha256:465cb5d1a3395968b92c7edad060ada49838642a6342c20db09b3d39540a6136"

static const struct {
	const char *text;
	bool good;
} provenances[] = {
	{"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nname: x\n\n...\nfiles:\n  x.tgz: " SUM
	 "\n-----BEGIN PGP SIGNATURE-----\n",
		true},
	{"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA512\r\n\r\nname: x\r\n\r\n...\r\nfiles:"
	 "\r\n  x.tgz: " SUM "\r\n-----BEGIN PGP SIGNATURE-----\r\n",
		true},
	{"-----BEGIN PGP SIGNED MESSAGE-----\n\nname: x\n...\nfiles:\n  x.tgz: sha256:0\n"
	 "-----BEGIN PGP SIGNATURE-----\n",
		false},
	{"-----BEGIN PGP SIGNED MESSAGE-----\n\nname: " SUM
	 "\n...\nfiles: {}\n-----BEGIN PGP SIGNATURE-----\n",
		false},
	{"files:\n  x.tgz: " SUM "\n", false},
	{"", false},
};

static void test_provenance(void)
{
	struct digest digest;

	digest_parse(&digest, SUM, strlen(SUM));
	for (size_t i = 0; i < sizeof(provenances) / sizeof(*provenances); i++) {
		struct error err = {0};
		int r = chart_check_provenance(
			provenances[i].text, strlen(provenances[i].text), &digest, &err);

		is_number(r, provenances[i].good ? 0 : -EINVAL, "a provenance file");
	}
}

int main(void)
{
	setenv("TZ", "UTC", 1);
	tzset();
	test_pushed();
	test_metadata();
	test_merging();
	test_loading();
	test_zones();
	test_provenance();
	ok(chart_unicode_is_print(0xfffd) && !chart_unicode_is_print(0xe000) &&
			!chart_unicode_is_print(0x378) && chart_unicode_is_print(0x1f600),
		"what prints");
	return done();
}
