/* Replies of token servers. */
#include "tests/fuzz/fuzz.h"

#include "cache/base/scope.h"
#include "client/token.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	scoped(token_wipep) struct token token = {0};
	struct error err;

	if (token_parse((const char *)bytes, len, &token, &err) < 0)
		return 0;
	/* What stands in a header must not end it. */
	must_hold(token.text && !strpbrk(token.text, "\r\n "));
	must_hold(token.expires_s > 0 && token.expires_s <= TOKEN_LONGEST_S);
	return 0;
}
