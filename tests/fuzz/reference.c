#include "client/reference.h"
#include "cache/base/error.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/semver.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_names(const char *text)
{
	char tag[REFERENCE_TAG_MAX + 1], version[REFERENCE_TAG_MAX + 1];

	if (reference_is_sure_host(text))
		must_hold(reference_is_host(text));
	if (reference_is_component(text))
		must_hold(reference_is_repository(text));
	if (reference_is_repository(text))
		must_hold(reference_is_component(reference_last_component(text)));
	reference_is_loopback(text);
	must_hold(reference_version_of_tag(text, version) == reference_is_tag(text));
	if (reference_is_tag(text))
		must_hold(reference_tag_of_version(version, tag) && strcmp(tag, text) == 0);
	if (reference_tag_of_version(text, tag))
		must_hold(reference_version_of_tag(tag, version) && strcmp(version, text) == 0);
}

static void check_source(const char *text)
{
	char host[REFERENCE_HOST_MAX + 1], path[REFERENCE_REPOSITORY_MAX + 1];
	struct error err = {0};

	if (reference_parse_source(text, host, path, &err) < 0) {
		must_hold(err.code > 0 && err.text[0]);
		return;
	}
	must_hold(!host[0] || reference_is_host(host));
	must_hold(!path[0] || (host[0] && reference_is_repository(path)));
}

static void check_versions(const char *text)
{
	struct semver strict, loose;

	if (semver_parse_strict(text, &strict))
		must_hold(semver_parse_loose(text, &loose) && semver_compare(&strict, &loose) == 0);
	must_hold(semver_compare_text(text, text) == 0);
}

/* Where the input has two lines they are compared as versions too. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	scoped(freep) char *text = must_copy_n((const char *)bytes, len);
	char *second = strchr(text, '\n');

	check_names(text);
	check_source(text);
	check_versions(text);
	if (second) {
		int order;

		*second++ = '\0';
		order = semver_compare_text(text, second);
		must_hold((order < 0) == (semver_compare_text(second, text) > 0));
	}
	return 0;
}
