#include "client/retry.h"

#include <string.h>
#include <time.h>

enum { FIRST_MS = 250, LONGEST_MS = 2000 };

bool retry_is_passing(int status)
{
	return status == 408 || status == 429 ||
	       (status >= 500 && status != 501 && status != 505 && status != 507);
}

static int64_t backoff_ms(unsigned repeats)
{
	int64_t delay_ms = FIRST_MS;

	while (repeats-- > 0 && delay_ms < LONGEST_MS)
		delay_ms *= 2;
	return delay_ms;
}

int64_t retry_parse_after(const char *value, int64_t now)
{
	int64_t seconds = 0;
	struct tm date = {0};

	if (strspn(value, "0123456789") == strlen(value) && *value) {
		for (; *value && seconds <= RETRY_AFTER_MAX_MS; value++)
			seconds = seconds * 10 + (*value - '0');
	} else if (strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &date)) {
		seconds = timegm(&date) - now;
	} else {
		return -1;
	}
	if (seconds < 0)
		seconds = 0;
	return seconds > RETRY_AFTER_MAX_MS / 1000 ? RETRY_AFTER_MAX_MS : seconds * 1000;
}

int64_t retry_delay_of_answer(const struct response *response, unsigned repeats)
{
	const char *after = response_header(response, "Retry-After", 0);
	int64_t delay_ms = backoff_ms(repeats), after_ms = -1;

	if (repeats >= RETRY_MAX || !retry_is_passing(response->status))
		return -1;
	if (after)
		after_ms = retry_parse_after(after, time(NULL));
	return after_ms > delay_ms ? after_ms : delay_ms;
}

int64_t retry_delay_of_failure(enum failure failure, bool has_answered, unsigned repeats)
{
	unsigned most;

	switch (failure) {
	case FAILURE_BROKEN:
		most = has_answered ? RETRY_MAX : 2;
		break;
	case FAILURE_CONNECT: /* restarting, perhaps; what never answered fails at once */
	case FAILURE_RESOLVE:
		most = has_answered ? 2 : 0;
		break;
	default:
		most = 0;
	}
	return repeats < most ? backoff_ms(repeats) : -1;
}
