#pragma once
/* The Test Anything Protocol in a page: each test program prints its plan last and exits 1 when
 * anything was not ok. Include it once, in the test's only source. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 2, 3), unused)) static bool tap_ok(bool good, const char *format, ...)
{
	char text[1024];
	__builtin_va_list args;

	__builtin_va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	__builtin_va_end(args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == '#')
			*c = '?';
	printf("%sok %d - %s\n", good ? "" : "not ", ++tap_count, text);
	tap_failed += !good;
	fflush(stdout);
	return good;
}

#define ok(condition, ...) tap_ok((condition), __VA_ARGS__)

__attribute__((unused)) static bool tap_is_number(
	long long got, long long expected, const char *name)
{
	if (tap_ok(got == expected, "%s", name))
		return true;
	printf("#   got %lld, expected %lld\n", got, expected);
	return false;
}

__attribute__((unused)) static bool tap_is_text(
	const char *got, const char *expected, const char *name)
{
	bool same = got && expected ? strcmp(got, expected) == 0 : got == expected;

	if (tap_ok(same, "%s", name))
		return true;
	printf("#   got      [%s]\n#   expected [%s]\n", got ? got : "(null)",
		expected ? expected : "(null)");
	return false;
}

#define is_number(got, expected, name) tap_is_number((got), (expected), (name))
#define is_text(got, expected, name)   tap_is_text((got), (expected), (name))

/* Ends the program: prints the plan, returns main's exit status. */
__attribute__((unused)) static int done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
