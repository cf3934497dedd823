#include "client/chart_time.h"

#include <string.h>

/* A number of at least `least` digits and at most two (a year: four); -1 where there is none. */
static int take_number(const char **text, int least, int most)
{
	int number = 0, count = 0;

	while (count < most && **text >= '0' && **text <= '9') {
		number = number * 10 + *(*text)++ - '0';
		count++;
	}
	return count < least ? -1 : number;
}

static bool take(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static bool take_date(const char **text, int least_digits)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int year = take_number(text, 4, 4), month, day;
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (year < 0 || !take(text, '-'))
		return false;
	month = take_number(text, least_digits, 2);
	if (month < 1 || month > 12 || !take(text, '-'))
		return false;
	day = take_number(text, least_digits, 2);
	return day >= 1 && day <= days[month - 1] + (month == 2 && is_leap);
}

/* The hour may always be short. A fraction begins with a point or a comma. */
static bool take_time(const char **text, int least_digits)
{
	int hour = take_number(text, 1, 2), minute, second;

	if (hour < 0 || hour > 23 || !take(text, ':'))
		return false;
	minute = take_number(text, least_digits, 2);
	if (minute < 0 || minute > 59 || !take(text, ':'))
		return false;
	second = take_number(text, least_digits, 2);
	if (second < 0 || second > 59)
		return false;
	if ((**text == '.' || **text == ',') && (*text)[1] >= '0' && (*text)[1] <= '9')
		*text += 1 + strspn(*text + 1, "0123456789");
	return true;
}

static bool take_zone(const char **text)
{
	int hour, minute;

	if (take(text, 'Z'))
		return true;
	if (!take(text, '+') && !take(text, '-'))
		return false;
	hour = take_number(text, 2, 2);
	if (hour < 0 || hour > 24 || !take(text, ':'))
		return false;
	minute = take_number(text, 2, 2);
	return minute >= 0 && minute <= 60;
}

bool chart_time_is_rfc3339(const char *text)
{
	return take_date(&text, 2) && take(&text, 'T') && take_time(&text, 2) && take_zone(&text) &&
	       !*text;
}

bool chart_time_is_timestamp(const char *text)
{
	if (!take_date(&text, 1))
		return false;
	if (!*text)
		return true;
	if (*text == ' ') {
		text += strspn(text, " ");
		return take_time(&text, 1) && !*text;
	}
	return (take(&text, 'T') || take(&text, 't')) && take_time(&text, 1) && take_zone(&text) &&
	       !*text;
}
