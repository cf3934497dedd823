#include "cache/base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must_alloc(size_t size)
{
	void *memory = calloc(1, size ? size : 1);

	if (!memory)
		abort();
	return memory;
}

char *must_copy(const char *text)
{
	return must_copy_n(text, strlen(text));
}

char *must_copy_n(const char *text, size_t len)
{
	char *copy = must_alloc(len + 1);

	if (len)
		memcpy(copy, text, len);
	return copy;
}

char *must_print(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	return text;
}
