#include "cache/base/buf.h"
#include "cache/base/scope.h"
#include "client/manifest.h"
#include "tests/unit/tap.h"

#include <errno.h>

#define HEX      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde"
#define SHA(c)   "\"sha256:" HEX #c "\""
#define OF(c, n) "\"digest\":" SHA(c) ",\"size\":" #n
#define CONFIG   "\"config\":{\"mediaType\":\"" MANIFEST_CONFIG_TYPE "\"," OF(0, 10) "}"
#define CHART    "{\"mediaType\":\"" MANIFEST_CHART_TYPE "\"," OF(1, 11) "}"
#define LEGACY   "{\"mediaType\":\"" MANIFEST_LEGACY_TYPE "\"," OF(2, 12) "}"
#define PROV     "{\"mediaType\":\"" MANIFEST_PROV_TYPE "\"," OF(3, 13) "}"
#define LAYER    "{\"mediaType\":\"text/plain\"," OF(4, 14) "}"
#define DOCKER_CONFIG                                                                              \
	"\"config\":{\"mediaType\":\"application/vnd.docker.container.image.v1+json\"," OF(        \
		5, 15) "}"

static struct manifest *parse(const char *text, struct error *err)
{
	*err = (struct error){0};
	return manifest_parse(text, strlen(text), err);
}

static void test_kinds(void)
{
	static const struct {
		const char *text;
		enum manifest_kind kind;
		int chart, provenance; /* the index of that layer, or -1 */
		size_t layer_count;
	} cases[] = {
		{"{\"schemaVersion\":2," CONFIG ",\"layers\":[" CHART "]}", MANIFEST_CHART, 0, -1,
			1},
		{"{\"schemaVersion\":2,\"mediaType\":\"" MANIFEST_TYPE "\"," CONFIG
		 ",\"layers\":[" CHART "," PROV "],\"annotations\":{}}",
			MANIFEST_CHART, 0, 1, 2},
		{"{" CONFIG ",\"layers\":[" PROV "," LAYER "," CHART "]}", MANIFEST_CHART, 2, 0, 3},
		{"{" CONFIG ",\"layers\":[" LEGACY "]}", MANIFEST_CHART, 0, -1, 1},
		{"{" CONFIG ",\"layers\":[" CHART "," LEGACY "]}", MANIFEST_CHART, 1, -1, 2},
		{"{" CONFIG ",\"layers\":[" LAYER "]}", MANIFEST_ARTIFACT, -1, -1, 1},
		{"{" CONFIG ",\"layers\":[" PROV "]}", MANIFEST_ARTIFACT, -1, -1, 1},
		{"{" DOCKER_CONFIG ",\"layers\":[" CHART "]}", MANIFEST_ARTIFACT, -1, -1, 1},
		{"{" DOCKER_CONFIG ",\"layers\":[]}", MANIFEST_ARTIFACT, -1, -1, 0},
		{"{" CONFIG ",\"layers\":null}", MANIFEST_ARTIFACT, -1, -1, 0},
		{"{\"schemaVersion\":2,\"manifests\":[{" OF(1, 1) "}]}", MANIFEST_INDEX, -1, -1, 0},
		{"{\"manifests\":[]}", MANIFEST_INDEX, -1, -1, 0},
		{"{\"manifests\":[],\"layers\":null}", MANIFEST_INDEX, -1, -1, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err;
		scoped(manifest_freep) struct manifest *manifest = parse(cases[i].text, &err);
		struct digest digest = digest_of(cases[i].text, strlen(cases[i].text));

		if (!ok(manifest, "parsed: %s (%s)", cases[i].text, err.text))
			continue;
		is_number(manifest->kind, cases[i].kind, "its kind");
		is_number((long long)manifest->layer_count, (long long)cases[i].layer_count,
			"layers");
		ok(manifest->chart ==
				(cases[i].chart < 0 ? NULL : &manifest->layers[cases[i].chart]),
			"its chart");
		ok(manifest->provenance ==
				(cases[i].provenance < 0 ? NULL
							 : &manifest->layers[cases[i].provenance]),
			"its provenance");
		ok(digest_equal(&manifest->digest, &digest), "its digest");
	}
}

static void test_refused(void)
{
	static const char *const cases[] = {
		"",
		"null",
		"[]",
		"\"\"",
		"7",
		"{",
		"{}",
		"{} x",
		"{\"layers\":[]}",
		"{\"layers\":{}}",
		"{\"layers\":null}",
		"{" CONFIG "}",
		"{" CONFIG ",\"layers\":{}}",
		"{" CONFIG ",\"layers\":[null]}",
		"{" CONFIG ",\"layers\":[{}]}",
		"{" CONFIG ",\"layers\":[[]]}",
		"{" CONFIG ",\"layers\":[" CHART "],\"manifests\":[]}",
		"{\"config\":null,\"layers\":[]}",
		"{\"config\":{},\"layers\":[]}",
		"{\"config\":7,\"layers\":[" CHART "]}",
		"{\"Config\":{" OF(1, 1) "},\"layers\":[]}",
		"{\"manifests\":{}}",
		"{\"schemaVersion\":1,\"fsLayers\":[],\"history\":[]}",
		"{" CONFIG ",\"layers\":[{\"digest\":\"sha256:00\",\"size\":1}]}",
		"{" CONFIG ",\"layers\":[{\"digest\":\"sha512:" HEX "0\",\"size\":1}]}",
		"{" CONFIG ",\"layers\":[{\"digest\":\"sha256:" HEX "A\",\"size\":1}]}",
		"{" CONFIG ",\"layers\":[{\"digest\":7,\"size\":1}]}",
		"{" CONFIG ",\"layers\":[{\"digest\":" SHA(1) "}]}",
		"{" CONFIG ",\"layers\":[{\"digest\":" SHA(1) ",\"size\":-1}]}",
		"{" CONFIG ",\"layers\":[{\"digest\":" SHA(1) ",\"size\":1.5}]}",
		"{" CONFIG ",\"layers\":[{\"digest\":" SHA(1) ",\"size\":1e300}]}",
		"{" CONFIG ",\"layers\":[{\"digest\":" SHA(1) ",\"size\":\"1\"}]}",
		"{" CONFIG ",\"layers\":[{\"digest\":" SHA(1) ",\"size\":null}]}",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct error err;
		scoped(manifest_freep) struct manifest *manifest = parse(cases[i], &err);

		ok(!manifest && err.code == EIO && err.text[0], "refused: %s (%s)", cases[i],
			err.text);
	}
}

static void test_layers(void)
{
	static const char text[] =
		"{" CONFIG ",\"layers\":["
		"{\"mediaType\":\"a/b\"," OF(a,
			0) ",\"annotations\":{"
			   "\"org.opencontainers.image.title\":\"t\xc3\xa4 x.txt\"}},"
			   "{" OF(b,
				   9007199254740992) ",\"annotations\":{\"title\":\"no\"}},"
						     "{\"mediaType\":7," OF(c,
							     1) ",\"annotations\":{"
								"\"org.opencontainers.image.title\":\"\"}},"
								"{\"size\":1," OF(d,
									7) ",\"annotations\":null}]}";
	static const struct {
		const char *media_type, *title;
		char digit;
		uint64_t size;
	} expected[] = {
		{"a/b", "t\xc3\xa4 x.txt", 'a', 0}, {"", NULL, 'b', 9007199254740992},
		{"", "", 'c', 1}, {"", NULL, 'd', 7}, /* of two sizes the last, as Go has it */
	};
	struct error err;
	scoped(manifest_freep) struct manifest *manifest = parse(text, &err);

	if (!ok(manifest && manifest->layer_count == 4, "four layers (%s)", err.text))
		return;
	is_text(manifest->config.media_type, MANIFEST_CONFIG_TYPE, "the config's type");
	is_number((long long)manifest->config.size, 10, "the config's size");
	for (size_t i = 0; i < 4; i++) {
		const struct layer *layer = &manifest->layers[i];
		char digest[DIGEST_TEXT_SIZE];

		digest_print(&layer->digest, digest);
		is_text(layer->media_type, expected[i].media_type, "media type");
		is_text(layer->title, expected[i].title, "title");
		ok(layer->size == expected[i].size, "size");
		is_number(digest[70], expected[i].digit, "digest");
	}
}

static void test_created(void)
{
	static const struct {
		const char *text;
		long long time;
	} cases[] = {
		{"1970-01-01T00:00:01Z", 1},
		{"2024-02-29T12:34:56Z", 1709210096},
		{"2024-02-29t12:34:56z", 1709210096},
		{"2024-02-29T12:34:56.789Z", 1709210096},
		{"2024-02-29T21:34:56+09:00", 1709210096},
		{"2024-02-29T07:04:56.5-05:30", 1709210096},
		{"2024-02-29T12:34:56-00:00", 1709210096},
		{"1969-12-31T23:59:59Z", -1},
		{"0001-01-01T00:00:00Z", -62135596800},
		{"9999-12-31T23:59:59Z", 253402300799},
		{"2000-02-29T00:00:00Z", 951782400},
		{"2023-02-29T00:00:00Z", 0},
		{"1900-02-29T00:00:00Z", 0},
		{"2024-13-01T00:00:00Z", 0},
		{"2024-00-01T00:00:00Z", 0},
		{"2024-01-00T00:00:00Z", 0},
		{"2024-04-31T00:00:00Z", 0},
		{"2024-01-01T24:00:00Z", 0},
		{"2024-01-01T00:60:00Z", 0},
		{"2024-01-01T00:00:60Z", 0},
		{"2024-01-01T00:00:00", 0},
		{"2024-01-01T00:00:00.Z", 0},
		{"2024-01-01T00:00:00+0900", 0},
		{"2024-01-01T00:00:00+24:00", 0},
		{"2024-01-01T00:00:00Zx", 0},
		{"2024-01-01T00:00:00+09:00x", 0},
		{"2024-01-01 00:00:00Z", 0},
		{"2024-1-01T00:00:00Z", 0},
		{"2024-01-01", 0},
		{"-2024-01-01T00:00:00Z", 0},
		{"", 0},
		{"now", 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scoped(manifest_freep) struct manifest *manifest = NULL;
		struct error err;
		char text[1000];

		snprintf(text, sizeof(text),
			"{%s,\"layers\":[],\"annotations\":{\"org.opencontainers.image.created\":\"%s\"}}",
			CONFIG, cases[i].text);
		manifest = parse(text, &err);
		if (ok(manifest, "parsed"))
			is_number(manifest->created, cases[i].time, cases[i].text);
	}
}

static void test_bounds(void)
{
	static char text[MANIFEST_SIZE_MAX + 2];
	struct error err = {0};
	scoped(manifest_freep) struct manifest *largest = NULL;
	size_t len;

	memset(text, ' ', sizeof(text) - 1);
	ok(!manifest_parse(text, MANIFEST_SIZE_MAX + 1, &err) && err.code == EFBIG, "too large");
	len = (size_t)snprintf(text, 500, "{%s,\"layers\":[]}", CONFIG);
	text[len] = ' ';
	largest = manifest_parse(text, MANIFEST_SIZE_MAX, &err);
	ok(largest, "the largest");
	memset(text, '[', 100000);
	ok(!manifest_parse(text, 100000, &err) && err.code == EIO, "too deep");
	ok(!manifest_parse("{}\0", 3, &err) && err.code == EIO, "a NUL behind it");
}

static void test_many_layers(void)
{
	enum { COUNT = 10000 };
	scoped(buf_freep) struct buf text = BUF_INIT(MANIFEST_SIZE_MAX);
	scoped(manifest_freep) struct manifest *manifest = NULL;
	struct error err = {0};

	buf_add(&text, "{" CONFIG ",\"layers\":[" CHART);
	for (int i = 1; i < COUNT; i++)
		buf_add(&text, "," LAYER);
	buf_add(&text, "]}");
	manifest = manifest_parse(text.at, text.len, &err);
	ok(manifest && manifest->layer_count == COUNT && manifest->chart == manifest->layers,
		"ten thousand layers");
}

int main(void)
{
	test_kinds();
	test_refused();
	test_layers();
	test_created();
	test_bounds();
	test_many_layers();
	return done();
}
