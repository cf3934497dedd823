#pragma once
/* What the values of -o's options may look like. Each is false, and leaves the result alone, where
 * the text is no such value as a whole. */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes: 500M, 10G; units are powers of 1,024. At most INT64_MAX. */
bool option_value_size(const char *text, uint64_t *bytes);

/* 10 and 10s are seconds; also ms, m and h. At most a year. */
bool option_value_time(const char *text, int64_t *ms);

/* A user's or a group's number or name. */
bool option_value_id(const char *text, bool is_group, uint32_t *id);

/* Octal, at most 0777. */
bool option_value_mode(const char *text, mode_t *mode);

/* A level of syslog(3) by its name. */
bool option_value_level(const char *text, int *level);
