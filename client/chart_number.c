#include "client/chart_number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct digits { /* 0.d1d2d3... * 10^point */
	char text[20];
	int count;
	int point;
	bool is_negative;
};

static bool is_same(const char *text, double real, bool is_single)
{
	return is_single ? strtof(text, NULL) == (float)real : strtod(text, NULL) == real;
}

/* Steps the last digit of "d.ddde[+-]xx" up or down; false where that would change another. */
static bool step_last_digit(char *text, int step)
{
	char *last = strchr(text, 'e') - 1;

	if ((step < 0 && *last == '0') || (step > 0 && *last == '9'))
		return false;
	*last = (char)(*last + step);
	return true;
}

/* The shortest digits that read back as the same number, nearest to it among those. Just below a
 * power of two numbers lie closer together, so that the nearest text of some length may be another
 * number while its neighbour is not: hence the steps. */
static void find_digits(double real, bool is_single, char text[CHART_NUMBER_SIZE])
{
	int most = is_single ? 9 : 17;

	for (int precision = 1; precision <= most; precision++) {
		for (int step = 0; step <= 2; step++) {
			snprintf(text, CHART_NUMBER_SIZE, "%.*e", precision - 1, real);
			if (step > 0 && !step_last_digit(text, step == 1 ? 1 : -1))
				continue;
			if (is_same(text, real, is_single))
				return;
		}
	}
}

static void get_digits(double real, bool is_single, struct digits *digits)
{
	char text[CHART_NUMBER_SIZE];
	const char *c = text;

	*digits = (struct digits){.is_negative = signbit(real) != 0};
	find_digits(fabs(real), is_single, text);
	for (; *c != 'e'; c++)
		if (*c != '.')
			digits->text[digits->count++] = *c;
	digits->point = (int)strtol(c + 1, NULL, 10) + 1;
	while (digits->count > 1 && digits->text[digits->count - 1] == '0')
		digits->count--;
	if (digits->text[0] == '0')
		digits->point = 1;
}

static void print_plain(const struct digits *digits, char text[CHART_NUMBER_SIZE])
{
	char *at = text;

	if (digits->is_negative)
		*at++ = '-';
	if (digits->point <= 0) {
		*at++ = '0';
		*at++ = '.';
		for (int i = digits->point; i < 0; i++)
			*at++ = '0';
	}
	for (int i = 0; i < digits->count; i++) {
		if (i > 0 && i == digits->point)
			*at++ = '.';
		*at++ = digits->text[i];
	}
	for (int i = digits->count; i < digits->point; i++)
		*at++ = '0';
	*at = 0;
}

static void print_exponent(
	const struct digits *digits, int least_width, char text[CHART_NUMBER_SIZE])
{
	int exponent = digits->point - 1;

	snprintf(text, CHART_NUMBER_SIZE, "%s%c%s%.*se%c%0*d", digits->is_negative ? "-" : "",
		digits->text[0], digits->count > 1 ? "." : "", digits->count - 1, digits->text + 1,
		exponent < 0 ? '-' : '+', least_width, abs(exponent));
}

static void print_single(double real, char text[CHART_NUMBER_SIZE])
{
	float single = (float)real;
	struct digits digits;

	if (isnan(single) || isinf(single)) {
		snprintf(text, CHART_NUMBER_SIZE, "%s",
			isnan(single) ? "NaN"
			: single > 0  ? "+Inf"
				      : "-Inf");
		return;
	}
	get_digits(single, true, &digits);
	if (digits.point - 1 < -4 || digits.point - 1 >= 6)
		print_exponent(&digits, 2, text);
	else
		print_plain(&digits, text);
}

void chart_number_print(const struct chart_value *value, char text[CHART_NUMBER_SIZE])
{
	text[0] = 0;
	if (value->kind == CHART_BOOL)
		snprintf(text, CHART_NUMBER_SIZE, "%s", value->boolean ? "true" : "false");
	else if (value->kind == CHART_INT)
		snprintf(text, CHART_NUMBER_SIZE, "%" PRId64, value->integer);
	else if (value->kind == CHART_UINT)
		snprintf(text, CHART_NUMBER_SIZE, "%" PRIu64, value->natural);
	else if (value->kind == CHART_FLOAT)
		print_single(value->real, text);
}

void chart_number_print_key(double real, char text[CHART_NUMBER_SIZE])
{
	print_single(real, text);
	if (isnan((float)real))
		snprintf(text, CHART_NUMBER_SIZE, ".nan");
	else if (isinf((float)real))
		snprintf(text, CHART_NUMBER_SIZE, "%s", real > 0 ? ".inf" : "-.inf");
}

void chart_number_print_json(double real, char text[CHART_NUMBER_SIZE])
{
	struct digits digits;

	get_digits(real, false, &digits);
	if (real != 0 && (fabs(real) < 1e-6 || fabs(real) >= 1e21))
		print_exponent(&digits, 1, text);
	else
		print_plain(&digits, text);
}
