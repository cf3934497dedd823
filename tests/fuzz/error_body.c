#include "client/error_body.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct error_body body;

	error_body_read((const char *)bytes, len, &body);
	must_hold(strnlen(body.code, sizeof(body.code)) < sizeof(body.code));
	must_hold(strnlen(body.message, sizeof(body.message)) < sizeof(body.message));
	for (const char *at = body.code; *at; at++)
		must_hold(*at > ' ' && *at < 0x7f);
	for (const char *at = body.message; *at; at++)
		must_hold((unsigned char)*at >= ' ' && *at != 0x7f);
	must_hold(body.message[0] != ' ');
	return 0;
}
