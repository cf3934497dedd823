#include "client/challenge.h"
#include "cache/base/scope.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

static void check_text(const char *text, size_t most)
{
	if (!text)
		return;
	must_hold(strlen(text) <= most);
	for (; *text; text++)
		must_hold(((unsigned char)*text >= ' ' || *text == '\t') && *text != 0x7f);
}

/* Each line is one header's value. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	scoped(challenge_clear) struct challenge challenge = {0};
	const char *at = (const char *)bytes, *end = at + len;

	while (at < end) {
		const char *line = memchr(at, '\n', (size_t)(end - at));
		enum challenge_scheme before = challenge.scheme;

		if (!line)
			line = end;
		challenge_add(&challenge, at, (size_t)(line - at));
		must_hold(before == CHALLENGE_NONE || challenge.scheme != CHALLENGE_NONE);
		at = line < end ? line + 1 : end;
	}
	check_text(challenge.realm, len);
	check_text(challenge.service, len);
	check_text(challenge.scope, len);
	check_text(challenge.error, len);
	if (challenge.scheme == CHALLENGE_NONE)
		must_hold(!challenge.realm && !challenge.service && !challenge.scope);
	return 0;
}
