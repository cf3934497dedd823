/* When a question is asked again. */
#include "cache/base/scope.h"
#include "client/retry.h"
#include "tests/unit/tap.h"

#include <time.h>

enum { NOW = 1000000000 }; /* Sun, 09 Sep 2001 01:46:40 GMT */

static const struct {
	const char *value;
	int64_t ms;
} afters[] = {
	{"0", 0},
	{"7", 7000},
	{"60", 60000},
	{"61", 60000},
	{"99999999999999999999", 60000},
	{"Sun, 09 Sep 2001 01:46:45 GMT", 5000},
	{"Sun, 09 Sep 2001 01:46:35 GMT", 0},
	{"Sun, 09 Sep 2001 02:46:40 GMT", 60000},
	{"", -1},
	{"-1", -1},
	{"1.5", -1},
	{"soon", -1},
};

static int64_t delay_of(int status, const char *header, unsigned repeats)
{
	scoped(response_clearp) struct response response = {
		.status = status, .headers = BUF_INIT(1000)};

	if (header)
		buf_append(&response.headers, header, strlen(header) + 1);
	return retry_delay_of_answer(&response, repeats);
}

int main(void)
{
	static const int passing[] = {408, 429, 500, 502, 503, 504};
	static const int lasting[] = {200, 301, 400, 401, 403, 404, 409, 412, 501, 505, 507};

	for (size_t i = 0; i < sizeof(afters) / sizeof(afters[0]); i++)
		is_number(retry_parse_after(afters[i].value, NOW), afters[i].ms, afters[i].value);
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		ok(delay_of(passing[i], NULL, 0) > 0, "%d is asked again", passing[i]);
	for (size_t i = 0; i < sizeof(lasting) / sizeof(lasting[0]); i++)
		ok(delay_of(lasting[i], NULL, 0) < 0, "%d is not", lasting[i]);
	is_number(delay_of(503, NULL, 0), 250, "first after a quarter of a second");
	is_number(delay_of(503, NULL, 1), 500, "then after twice that");
	is_number(delay_of(503, NULL, 4), 2000, "never after more than two seconds");
	ok(delay_of(503, NULL, RETRY_MAX) < 0, "not for ever");
	is_number(delay_of(429, "retry-after: 9", 0), 9000, "Retry-After counts");
	is_number(delay_of(429, "Retry-After: 0", 0), 250, "but there is always a pause");
	is_number(delay_of(429, "Retry-After: soon", 0), 250, "nonsense does not");
	ok(retry_delay_of_failure(FAILURE_CONNECT, false, 0) < 0,
		"who never answered is not waited for");
	ok(retry_delay_of_failure(FAILURE_CONNECT, true, 0) > 0, "who did is, a little");
	ok(retry_delay_of_failure(FAILURE_CONNECT, true, 2) < 0, "but not long");
	ok(retry_delay_of_failure(FAILURE_BROKEN, true, 0) > 0,
		"a broken connection is tried again");
	ok(retry_delay_of_failure(FAILURE_TIMEOUT, true, 0) < 0, "silence is not");
	ok(retry_delay_of_failure(FAILURE_CERTIFICATE, true, 0) < 0, "nor a wrong certificate");
	return done();
}
