#pragma once
/*
 * The log: one line a message, to stderr or to syslog. Control bytes are escaped, because texts
 * from registries end up here, and a message repeated within a minute is counted, not printed.
 */
#include <syslog.h>

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };

/* Before any thread. Levels are syslog's: LOG_ERR ... LOG_DEBUG; lesser ones are dropped. */
void log_open(enum log_target target, int level);

void log_print(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_err(...)   log_print(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_print(LOG_WARNING, __VA_ARGS__)
#define log_info(...)  log_print(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_print(LOG_DEBUG, __VA_ARGS__)
