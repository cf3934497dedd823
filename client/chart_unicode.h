#pragma once
/* Characters as Go's package unicode sees them. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character at `at` of valid UTF-8 and its length in *len, which is at most `left`. */
uint32_t chart_unicode_next(const char *at, size_t left, size_t *len);

/* unicode.IsSpace: the property White_Space. */
bool chart_unicode_is_space(uint32_t c);

/* unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
bool chart_unicode_is_print(uint32_t c);
