#pragma once
/*
 * Whether and when a question is asked again (remote-system manners: 408, 429 and 5xx, and broken
 * connections; Retry-After by RFC 9110 section 10.2.3). Pure but for the clock.
 */
#include "client/transport.h"

#include <stdbool.h>
#include <stdint.h>

enum { RETRY_MAX = 5, RETRY_AFTER_MAX_MS = 60000 };

/* Whether an answer of that status may become another one by asking again. */
bool retry_is_passing(int status);

/* How many ms to wait before the question is repeated, which was already `repeats` times; negative:
 * not at all. */
int64_t retry_delay_of_answer(const struct response *response, unsigned repeats);

/* The same for a failure. A registry that never answered is not waited for. */
int64_t retry_delay_of_failure(enum failure failure, bool has_answered, unsigned repeats);

/* The value of a Retry-After header as ms from `now` (seconds since 1970), at most
 * RETRY_AFTER_MAX_MS; negative for what is neither seconds nor a date. */
int64_t retry_parse_after(const char *value, int64_t now);
