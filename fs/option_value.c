#include "fs/option_value.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* A number of digits only, to which `end` points behind. */
static bool parse_number(const char *text, int base, uint64_t most, uint64_t *number, char **end)
{
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*number = strtoull(text, end, base);
	return errno == 0 && *number <= most;
}

bool option_value_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	uint64_t number;
	unsigned shift = 0;
	const char *unit;
	char *end;

	if (!parse_number(text, 10, UINT64_MAX, &number, &end))
		return false;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit || end[1])
			return false;
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (number > (uint64_t)INT64_MAX >> shift)
		return false;
	*bytes = number << shift;
	return true;
}

bool option_value_time(const char *text, int64_t *ms)
{
	static const struct {
		const char *unit;
		uint64_t ms;
	} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
	const uint64_t most_ms = 366ull * 24 * 3600000;
	uint64_t number;
	char *end;

	if (!parse_number(text, 10, most_ms, &number, &end))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) != 0 || number > most_ms / units[i].ms)
			continue;
		*ms = (int64_t)(number * units[i].ms);
		return true;
	}
	return false;
}

bool option_value_id(const char *text, bool is_group, uint32_t *id)
{
	uint64_t number;
	char *end;

	if (parse_number(text, 10, UINT32_MAX - 1, &number, &end) && !*end) {
		*id = (uint32_t)number;
	} else if (is_group) {
		const struct group *group = getgrnam(text);

		if (!group)
			return false;
		*id = group->gr_gid;
	} else {
		const struct passwd *user = getpwnam(text);

		if (!user)
			return false;
		*id = user->pw_uid;
	}
	return true;
}

bool option_value_level(const char *text, int *level)
{
	static const struct {
		const char *name;
		int level;
	} levels[] = {{"err", LOG_ERR}, {"error", LOG_ERR}, {"warning", LOG_WARNING},
		{"warn", LOG_WARNING}, {"info", LOG_INFO}, {"debug", LOG_DEBUG}};

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(text, levels[i].name) == 0) {
			*level = levels[i].level;
			return true;
		}
	return false;
}

bool option_value_mode(const char *text, mode_t *mode)
{
	uint64_t number;
	char *end;

	if (!parse_number(text, 8, 0777, &number, &end) || *end)
		return false;
	*mode = (mode_t)number;
	return true;
}
