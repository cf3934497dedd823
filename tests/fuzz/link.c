#include "client/link.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/url.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void resolve(const char *base, const char *reference)
{
	scoped(buf_freep) struct buf target = BUF_INIT(URL_SIZE_MAX);
	scoped(buf_freep) struct buf again = BUF_INIT(URL_SIZE_MAX);
	scoped(buf_freep) struct buf fixed = BUF_INIT(URL_SIZE_MAX);
	struct error err = {0};
	struct url url;

	if (url_resolve(base, reference, &target, &err) < 0) {
		must_hold(err.code > 0 && err.text[0] && target.len == 0);
		return;
	}
	must_hold(url_parse(target.at, &url) && !strchr(target.at, '#'));
	must_hold(url_is_same_origin(target.at, target.at));
	must_hold(url_resolve(base, target.at, &again, &err) == 0);
	must_hold(strcmp(target.at, again.at) == 0);
	if (url_restore_scheme(base, target.at, &fixed) == 0)
		must_hold(url_parse(fixed.at, &url));
}

/* The input is a header; where it has a second line, that is the address it came from. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const uint8_t *line = len ? memchr(bytes, '\n', len) : NULL;
	size_t header = line ? (size_t)(line - bytes) : len;
	scoped(freep) char *base = line ? must_copy_n((const char *)line + 1, len - header - 1)
					: must_copy("https://r.example:8443/v2/a/tags/list?n=2");
	scoped(freep) char *whole = must_copy_n((const char *)bytes, header);
	scoped(buf_freep) struct buf target = BUF_INIT(URL_SIZE_MAX);
	struct error err = {0};
	int r = link_find_next((const char *)bytes, header, &target, &err);

	must_hold(r >= 0 || (err.code > 0 && err.text[0]));
	must_hold(r == 1 || target.len == 0);
	must_hold(target.len <= len);
	if (r == 1)
		resolve(base, buf_text(&target));
	resolve(base, whole);
	return 0;
}
