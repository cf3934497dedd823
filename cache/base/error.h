#pragma once
/*
 * One kind of error: a positive errno and a sentence for a person. The caller owns it. Functions
 * that take a `struct error *` return 0 (or something not negative) on success and then leave it
 * untouched; on failure they return -code and have filled it. It is never NULL and always last.
 */
struct error {
	int code;
	char text[512];
};

/* Sets the error and returns -code. */
int fail(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4), nonnull(1)));

/* Puts context in front of the text that is there ("context: text"); returns -code. */
int fail_within(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3), nonnull(1)));

/* Describes errno after a failed system call ("context: No such file"); returns -errno. */
int fail_errno(struct error *err, const char *format, ...)
	__attribute__((format(printf, 2, 3), nonnull(1)));
