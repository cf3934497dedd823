#include "cache/base/log.h"

#include "cache/base/clock.h"
#include "cache/base/map.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { REMEMBERED = 64, REPEAT_AFTER_MS = 60000 };

static struct {
	enum log_target target;
	int level;
	pthread_mutex_t lock;
	struct {
		uint64_t hash;
		int64_t printed_ms;
		unsigned repeated;
	} last[REMEMBERED]; /* guarded by lock */
} state = {.level = LOG_INFO, .lock = PTHREAD_MUTEX_INITIALIZER};

void log_open(enum log_target target, int level)
{
	state.target = target;
	state.level = level;
	if (target == LOG_TO_SYSLOG)
		openlog("chartfs", LOG_PID, LOG_DAEMON);
}

/* Whether to print now; `*repeated` is how often the message was swallowed since the last time. */
static bool is_due(const char *text, unsigned *repeated)
{
	uint64_t hash = map_hash(text);
	size_t slot = hash % REMEMBERED;
	int64_t now_ms = clock_now_ms();
	bool due;

	pthread_mutex_lock(&state.lock);
	due = state.last[slot].hash != hash ||
	      now_ms - state.last[slot].printed_ms >= REPEAT_AFTER_MS;
	*repeated = 0;
	if (!due) {
		state.last[slot].repeated++;
	} else {
		if (state.last[slot].hash == hash)
			*repeated = state.last[slot].repeated;
		state.last[slot].hash = hash;
		state.last[slot].printed_ms = now_ms;
		state.last[slot].repeated = 0;
	}
	pthread_mutex_unlock(&state.lock);
	return due;
}

static void escape(char *to, size_t size, const char *from)
{
	size_t len = 0;

	for (; *from && len + 5 < size; from++) {
		unsigned char c = (unsigned char)*from;

		if (c < 0x20 || c == 0x7f)
			len += (size_t)snprintf(to + len, size - len, "\\x%02x", c);
		else
			to[len++] = (char)c;
	}
	to[len] = '\0';
}

void log_print(int level, const char *format, ...)
{
	static const char *const words[] = {[LOG_ERR] = "error: ",
		[LOG_WARNING] = "warning: ",
		[LOG_NOTICE] = "",
		[LOG_INFO] = "",
		[LOG_DEBUG] = "debug: "};
	char text[1024], line[1536], again[64] = "";
	unsigned repeated;
	va_list args;

	if (level > state.level)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	escape(line, sizeof(line), text);
	if (level <= LOG_WARNING && !is_due(line, &repeated))
		return;
	if (level <= LOG_WARNING && repeated)
		snprintf(again, sizeof(again), " (and %u times before)", repeated);
	if (state.target == LOG_TO_SYSLOG)
		syslog(level, "%s%s", line, again);
	else
		fprintf(stderr, "chartfs: %s%s%s\n", words[level] ? words[level] : "", line, again);
}
