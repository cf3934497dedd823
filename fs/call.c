#include "fs/call.h"

#include "cache/base/scope.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>

/* Reads /proc/TID/status; false where that cannot be. */
static bool read_status(pid_t tid, char *text, size_t size)
{
	char path[32];
	scoped(closep) int fd = -1;
	ssize_t len;

	if (tid <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, text, size - 1);
	if (len <= 0)
		return false;
	text[len] = '\0';
	return true;
}

/* The number behind "\nWORD:\t"; false where there is none. */
static bool find_number(const char *text, const char *word, int base, uint64_t *number)
{
	const char *at = strstr(text, word);
	char *end;

	if (!at)
		return false;
	at += strlen(word);
	*number = strtoull(at, &end, base);
	return end != at;
}

pid_t call_process(const struct call *call)
{
	char text[4096];
	uint64_t process;

	if (!read_status(call->tid, text, sizeof(text)) ||
		!find_number(text, "\nTgid:\t", 10, &process))
		return 0;
	return (pid_t)process;
}

bool call_is_doomed(const struct call *call)
{
	static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGKILL};
	char text[4096];
	uint64_t own, shared, blocked;

	if (!read_status(call->tid, text, sizeof(text)) ||
		!find_number(text, "\nSigPnd:\t", 16, &own) ||
		!find_number(text, "\nShdPnd:\t", 16, &shared) ||
		!find_number(text, "\nSigBlk:\t", 16, &blocked))
		return true;
	/* What the caller blocks does not end it: it may have been pending for long. */
	own = (own | shared) & ~blocked;
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (own & (UINT64_C(1) << (ending[i] - 1)))
			return true;
	return false;
}
