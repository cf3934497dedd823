#pragma once
/* Texts that Go's time.Parse() takes for times, with its leniencies. Pure. */
#include <stdbool.h>

/* "2006-01-02T15:04:05Z07:00", as time.Time reads it from JSON. */
bool chart_time_is_rfc3339(const char *text);

/* What go-yaml knows as a timestamp: dates, also with times, with short numbers. */
bool chart_time_is_timestamp(const char *text);
