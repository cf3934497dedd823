#include "cache/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fail(struct error *err, int code, const char *format, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* The arguments may point into err->text: it is written only now. */
	memcpy(err->text, text, sizeof(text));
	err->code = code;
	return -code;
}

__attribute__((format(printf, 3, 0))) static int put_in_front(
	struct error *err, const char *behind, const char *format, va_list args)
{
	char text[sizeof(err->text)];
	int len;

	len = vsnprintf(text, sizeof(text), format, args);
	if (len >= 0 && (size_t)len < sizeof(text))
		snprintf(text + len, sizeof(text) - (size_t)len, ": %s", behind);
	memcpy(err->text, text, sizeof(text));
	return -err->code;
}

int fail_within(struct error *err, const char *format, ...)
{
	char behind[sizeof(err->text)];
	va_list args;
	int result;

	memcpy(behind, err->text, sizeof(behind));
	va_start(args, format);
	result = put_in_front(err, behind, format, args);
	va_end(args);
	return result;
}

int fail_errno(struct error *err, const char *format, ...)
{
	char reason[128];
	va_list args;
	int result;

	err->code = errno;
	va_start(args, format);
	result = put_in_front(err, strerror_r(err->code, reason, sizeof(reason)), format, args);
	va_end(args);
	return result;
}
