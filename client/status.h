#pragma once
/* The one place where an HTTP status becomes an errno (DESIGN 5), and a sentence. Pure. */
#include "cache/base/error.h"
#include "client/quirks.h"
#include "client/transport.h"

/* What was being done: a status may mean another thing for a write than for a read. */
enum status_of { STATUS_OF_READ, STATUS_OF_PUSH, STATUS_OF_DELETION };

/* The errno of a status that is not 2xx; EIO for those that nobody expects. */
int status_errno(enum status_of of, int status);

/* Fills the error from an answer that is no success and returns -errno: the registry's own words,
 * and what to do. `host` is whom it came from, `repository` what it was about ("" for none). */
int status_fail(struct error *err, enum status_of of, const struct response *response,
	const struct quirks *quirks, const char *host, const char *repository);
