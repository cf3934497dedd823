/* What names mean by their letters alone. */
#include "client/manifest.h"
#include "fs/layout.h"
#include "tests/unit/tap.h"

static const struct {
	const char *name;
	bool is_scratch, is_child, is_version, is_speculative;
} names[] = {
	{"app", false, true, false, true},
	{"latest", false, true, false, true},
	{"my-app__x.y", false, true, false, true},
	{"App", false, false, false, false},
	{"HEAD", false, false, false, false},
	{"", false, false, false, false},
	{".git", true, false, false, false},
	{".app-1.0.0.tgz.a8XbQ1", true, false, false, false},
	{"app-1.0.0.tgz", false, false, false, false},
	{"app-1.0.0.tgz.prov", false, false, false, false},
	{"app.prov", false, false, false, false},
	{"app-1.0.0.tgz123", true, false, false, false},
	{"app-1.0.0.tgz.prov1", true, false, false, false},
	{"app-1.0.0.tgz.part", true, false, false, false},
	{"app-1.0.0.tgz~", true, false, false, false},
	{"app-1.0.0.tgz.prov~", true, false, false, false},
	{"app-1.0.0.tgz.aB3dE6", true, false, false, false},
	{"app-1.0.0.tgz.prov.aB3dE6", true, false, false, false},
	{"app-1.0.0.tgz.aB3dE", false, false, false, false},
	{"x.tgz.y.tgz1", true, false, false, false},
	{"app.tgzz", false, true, false, true},
	{"1.0.0", false, true, true, false},
	{"v1.2", false, true, true, false},
	{"2", false, true, true, false},
	{"1.0.0-rc.1", false, true, true, false},
	{"1.0.0+build", false, false, true, false},
	{"1.0.0_build", false, true, false, false},
	{"a b", false, false, false, false},
	{"a/b", false, false, false, false},
};

static void test_names(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *name = names[i].name;

		is_number(layout_is_scratch(name), names[i].is_scratch, name);
		is_number(layout_is_child(name), names[i].is_child, name);
		is_number(layout_is_version(name), names[i].is_version, name);
		is_number(layout_is_speculative(name), names[i].is_speculative, name);
	}
	ok(layout_is_reserved(".oci") && layout_is_reserved(".chart") &&
			layout_is_reserved(".chartfs") && !layout_is_reserved(".git"),
		"reserved names");
}

static const struct {
	const char *tag, *version, *name, *tag_of_name;
} tags[] = {
	{"1.0.0", "1.0.0", "1.0.0", "1.0.0"},
	{"1.0.0_b1", "1.0.0+b1", "1.0.0+b1", "1.0.0_b1"},
	{"1.0.0_b1", "1.0.0+b1", "1.0.0_b1", NULL},
	{"v2", "v2", "v2", "v2"},
	{"latest", NULL, "latest", "latest"},
	{"my_tag", NULL, "my_tag", "my_tag"},
	{"my_tag", NULL, "my+tag", NULL},
	{"Stable", NULL, "Stable", "Stable"},
	{"sha256-aa.sig", NULL, "-x", NULL},
};

static void test_tags(void)
{
	char text[REFERENCE_TAG_MAX + 1];

	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++) {
		bool is_version = layout_version_of_tag(tags[i].tag, text);

		is_text(is_version ? text : NULL, tags[i].version, tags[i].tag);
		is_text(layout_tag_of_name(tags[i].name, text) ? text : NULL, tags[i].tag_of_name,
			tags[i].name);
	}
}

static const struct {
	const char *text, *only_name;
	const char *splits; /* "NAME VERSION;" each */
	bool is_provenance;
} aliases[] = {
	{"app-1.0.0.tgz", NULL, "app 1.0.0;", false},
	{"app-1.0.0.tgz.prov", NULL, "app 1.0.0;", true},
	{"my-app-1.0.0-rc.1.tgz", NULL, "my-app 1.0.0-rc.1;", false},
	{"a-1.0.0-2.0.0.tgz", NULL, "a 1.0.0-2.0.0;a-1.0.0 2.0.0;", false},
	{"app-1.0.tgz", NULL, "", false},
	{"app-v1.0.0.tgz", NULL, "", false},
	{"app-1.0.0+b.tgz", NULL, "app 1.0.0+b;", false},
	{"app-1.0.0_b.tgz", NULL, "", false},
	{"app-01.0.0.tgz", NULL, "", false},
	{"App-1.0.0.tgz", NULL, "", false},
	{"-1.0.0.tgz", NULL, "", false},
	{"app.tgz", NULL, "", false},
	{"app-1.0.0.prov", NULL, "", false},
	{"app-1.0.0.tgz1", NULL, "", false},
	{".app-1.0.0.tgz", NULL, "", false},
	{"my-app-stable.tgz", "my-app", "my-app stable;", false},
	{"my-app-1.0.tgz", "my-app", "my-app 1.0;", false},
	{"my-app-1.0.0.tgz", "my", "my app-1.0.0;", false},
	{"other-1.0.0.tgz", "app", "", false},
	{"app-1.0.0+b.tgz", "app", "app 1.0.0+b;", false},
};

static void test_aliases(void)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++) {
		char name[REFERENCE_REPOSITORY_MAX + 1], version[REFERENCE_TAG_MAX + 1];
		char splits[1024] = "";
		size_t at = 0;
		bool is_provenance = false;

		while ((at = layout_split_alias(aliases[i].text, at, aliases[i].only_name, name,
				version, &is_provenance)))
			snprintf(splits + strlen(splits), sizeof(splits) - strlen(splits), "%s %s;",
				name, version);
		is_text(splits, aliases[i].splits, aliases[i].text);
		if (*splits)
			is_number(is_provenance, aliases[i].is_provenance, aliases[i].text);
	}
}

static void test_file_names(void)
{
	char name[256], long_title[300];
	struct layer layer = {.title = "values.yaml"};
	const char *bad[] = {NULL, "", ".hidden", "..", "a/b", "a\nb", "a\x7f", long_title};

	memset(long_title, 'a', sizeof(long_title) - 1);
	long_title[sizeof(long_title) - 1] = '\0';
	memset(layer.digest.bytes, 0xab, sizeof(layer.digest.bytes));
	layout_file_name("ns/app", "1.0.0+b", false, name, sizeof(name));
	is_text(name, "app-1.0.0+b.tgz", "an archive's name");
	layout_file_name("app", "2.0.0", true, name, sizeof(name));
	is_text(name, "app-2.0.0.tgz.prov", "a provenance file's name");

	layout_layer_name(&layer, false, name, sizeof(name));
	is_text(name, "values.yaml", "a title is shown");
	layout_layer_name(&layer, true, name, sizeof(name));
	is_text(name, "abababababab", "a title that is taken is not");
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		layer.title = bad[i];
		layout_layer_name(&layer, false, name, sizeof(name));
		is_text(name, "abababababab", "a title that is no good name is not shown");
	}
}

int main(void)
{
	test_names();
	test_tags();
	test_aliases();
	test_file_names();
	return done();
}
