#include "client/manifest.h"
#include "cache/base/scope.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct error err = {0};
	scoped(manifest_freep) struct manifest *manifest =
		manifest_parse((const char *)bytes, len, &err);
	size_t total = 0;

	if (!manifest) {
		must_hold(err.code > 0 && err.text[0]);
		return 0;
	}
	for (size_t i = 0; i < manifest->layer_count; i++) {
		total += strlen(manifest->layers[i].media_type);
		total += manifest->layers[i].title ? strlen(manifest->layers[i].title) : 0;
	}
	must_hold(total <= len);
	must_hold((manifest->kind == MANIFEST_CHART) == !!manifest->chart);
	if (manifest->chart)
		must_hold((size_t)(manifest->chart - manifest->layers) < manifest->layer_count);
	if (manifest->provenance)
		must_hold(
			(size_t)(manifest->provenance - manifest->layers) < manifest->layer_count);
	return 0;
}
