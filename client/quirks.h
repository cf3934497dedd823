#pragma once
/* How the kinds of registries differ from the specification, as data: one row a kind. Pure. */
#include "client/transport.h"

#include <stdbool.h>

struct quirks {
	const char *name;
};

/* The row of a host whose name tells, else the general one. Never NULL. */
const struct quirks *quirks_of_host(const char *host);

/* The row after one more answer of the registry: `known` unless that is the general one and the
 * answer tells more. */
const struct quirks *quirks_of_response(
	const struct quirks *known, const struct response *response);
