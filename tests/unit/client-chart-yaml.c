#include "client/chart_json.h"
#include "client/chart_number.h"
#include "client/chart_time.h"
#include "client/chart_values.h"
#include "client/chart_yaml.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <math.h>

/* YAML to JSON as Helm's libraries do it; NULL: refused. */
static const struct {
	const char *yaml, *json;
} documents[] = {
	{"", "null"},
	{"a: 2.10", "{\"a\":2.1}"},
	{"a: 0123\nb: 0o17\nc: 0x1F\nd: 0b11\ne: 1_000\nf: 08",
		"{\"a\":83,\"b\":15,\"c\":31,\"d\":3,\"e\":1000,\"f\":8}"},
	{"[y, n, yes, Off, TRUE, tRUE]", "[true,false,true,false,true,\"tRUE\"]"},
	{"[~, null, '', nUll]", "[null,null,\"\",\"nUll\"]"},
	{"[12:30:45, 2001-01-01, 1.2.3, ., -, 0x, 1e, +_1]",
		"[\"12:30:45\",\"2001-01-01\",\"1.2.3\",\".\",\"-\",\"0x\",\"1e\",1]"},
	{"[.5, .5_0, ._5, 1e400, 18446744073709551615, 123456789012345678901]",
		"[0.5,0.5,\"._5\",\"1e400\",18446744073709552000,123456789012345680000]"},
	{"[1e21, 1e20, 1e-6, 1e-7, -0.0, 3.0]", "[1e+21,100000000000000000000,0.000001,1e-7,-0,3]"},
	{"{1: a, 1.5: b, 1e2: c, yes: d, n: e}",
		"{\"1\":\"a\",\"1.5\":\"b\",\"100\":\"c\",\"false\":\"e\",\"true\":\"d\"}"},
	{"{~: a}", NULL},
	{"{18446744073709551615: a}", NULL},
	{"{[a]: b}", NULL},
	{"a: .inf", NULL},
	{"a: .inf\na: 1", "{\"a\":1}"},
	{"a: 1\n---\nb: 2", "{\"a\":1}"},
	{"x: &x {a: 1, b: 2}\nz: {<<: *x, b: 3}",
		"{\"x\":{\"a\":1,\"b\":2},\"z\":{\"a\":1,\"b\":3}}"},
	{"x: &x {a: 1}\nz: {a: 3, <<: [*x, {a: 4, c: 5}]}",
		"{\"x\":{\"a\":1},\"z\":{\"a\":1,\"c\":5}}"},
	{"{<<: 1}", NULL},
	{"[*x]", NULL},
	{"&x [*x]", NULL},
	{"[!!str 1, !!int '1', !!float 1, !local 1, ! 1, !!binary aGk=, !!null '']",
		"[\"1\",1,1,\"1\",\"1\",\"hi\",null]"},
	{"!!binary /w==", "\"\xef\xbf\xbd\""},
	{"!!int x", NULL},
	{"!!timestamp 2001-1-1", "\"2001-1-1\""},
	{"!!timestamp 2001-02-30", NULL},
	{"\"<>&\\u2028\\b\\f\\e\\/\"", NULL},
	{"\"<>&\\u2028\\b\\f\\e\\x7f\\\\\"",
		"\"\\u003c\\u003e\\u0026\\u2028\\b\\f\\u001b\x7f\\\\\""},
	{"{a:, b: c}", "{\"a:\":null,\"b\":\"c\"}"},
	{"[a?b]", NULL},
	{"a?b", "\"a?b\""},
	{"%YAML 1.2\n---\na: b", NULL},
	{"%YAML 1.1\n---\na: b", "{\"a\":\"b\"}"},
	{"a: b\n\xef\xbb\xbf"
	 "c: d",
		"{\"a\":\"b\",\"\xef\xbb\xbf"
		"c\":\"d\"}"},
	{"a: [", NULL},
	{"\ta: b", NULL},
	{"a: \x01", NULL},
	{"a: \xff", NULL},
};

static void test_documents(void)
{
	for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
		struct chart_arena arena = CHART_ARENA_INIT(1 << 20);
		struct buf json = BUF_INIT(1 << 20);
		struct error err = {0};
		struct chart_value value;
		int r = chart_yaml_parse(
			&arena, documents[i].yaml, strlen(documents[i].yaml), &value, &err);

		if (r == 0)
			r = chart_yaml_check(&value, &err);
		if (r == 0)
			chart_json_add_value(&json, &value);
		is_text(r == 0 ? buf_text(&json) : NULL, documents[i].json, documents[i].yaml);
		if (r < 0 && r != -EINVAL)
			ok(false, "refused with %d", r);
		buf_clear(&json);
		chart_arena_clear(&arena);
	}
}

static const struct {
	double real;
	const char *single, *json;
} numbers[] = {
	{123456789.0, "1.2345679e+08", "123456789"},
	{1.5e300, "+Inf", "1.5e+300"},
	{999999, "999999", "999999"},
	{1000000, "1e+06", "1000000"},
	{0.0001, "0.0001", "0.0001"},
	{0.00001, "1e-05", "0.00001"},
	{0.1, "0.1", "0.1"},
	{16777217, "1.6777216e+07", "16777217"},
	{1.1754943508222875e-38, "1.1754944e-38", "1.1754943508222875e-38"},
	{5e-324, "0", "5e-324"},
	{1.7976931348623157e308, "+Inf", "1.7976931348623157e+308"},
	{9007199254740993.0, "9.007199e+15", "9007199254740992"},
	{-2.5, "-2.5", "-2.5"},
	{0, "0", "0"},
	{1.4012984643e-45, "1e-45", "1.4012984643e-45"},
};

static void test_numbers(void)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct chart_value value = {.kind = CHART_FLOAT, .real = numbers[i].real};
		char text[CHART_NUMBER_SIZE];

		chart_number_print(&value, text);
		is_text(text, numbers[i].single, "as a float32");
		chart_number_print_json(numbers[i].real, text);
		is_text(text, numbers[i].json, "as JSON");
	}
}

static void test_bombs(void)
{
	struct chart_arena arena = CHART_ARENA_INIT(64 << 20);
	struct buf text = BUF_INIT(1 << 20);
	struct chart_value value;
	struct error err = {0};

	buf_add(&text, "a: &a [x,x,x,x,x,x,x,x,x,x]\n");
	for (char c = 'b'; c <= 'i'; c++)
		buf_printf(&text, "%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c,
			c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
	is_number(chart_yaml_parse(&arena, text.at, text.len, &value, &err), -EINVAL,
		"aliases of aliases");
	chart_arena_clear(&arena);
	buf_clear(&text);
	for (int i = 0; i < CHART_YAML_DEPTH_MAX + 1; i++)
		buf_add_char(&text, '[');
	for (int i = 0; i < CHART_YAML_DEPTH_MAX + 1; i++)
		buf_add_char(&text, ']');
	is_number(chart_yaml_parse(&arena, text.at, text.len, &value, &err), -EINVAL, "too deep");
	is_number(chart_yaml_parse(&arena, text.at + 2, text.len - 4, &value, &err), 0, "deep");
	chart_arena_clear(&arena);
	buf_clear(&text);
	arena.limit = 64 << 10;
	for (int i = 0; i < 10000; i++)
		buf_add(&text, "- a\n");
	is_number(chart_yaml_parse(&arena, text.at, text.len, &value, &err), -EFBIG, "no room");
	chart_arena_clear(&arena);
	buf_clear(&text);
}

static const struct {
	const char *text;
	bool good;
} values[] = {
	{"", true},
	{"a: 1\n---\nb: 2", true},
	{"a: 1\n---\nb: [", false},
	{"a: 1\n---\n[b]", false},
	{"a: 1\n---b: 2\n", false},
	{"a: 1\n--- # c\nb: 2\n", true},
	{"a: 1\n--- {b: 2}\n", false},
	{"---\n---\n", true},
	{"hello", false},
	{"~", true},
	{"a: .nan", false},
	{"a: 1\r\n---\r\nb: 2\r\n", true},
	{"a: 1\n...\nb: [", true},
};

static void test_values(void)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct error err = {0};
		int r = chart_values_check(values[i].text, strlen(values[i].text), &err);

		ok((r == 0) == values[i].good, "values %s", values[i].text);
	}
}

static void test_times(void)
{
	ok(chart_time_is_rfc3339("2021-01-01T00:00:00.123456789+01:00"), "a time");
	ok(chart_time_is_rfc3339("2021-01-01T0:00:00,5Z"), "Go's leniencies");
	ok(chart_time_is_rfc3339("2020-02-29T23:59:59Z"), "a leap day");
	ok(!chart_time_is_rfc3339("2021-02-29T00:00:00Z"), "no leap day");
	ok(!chart_time_is_rfc3339("2021-01-01"), "a date is no time");
	ok(!chart_time_is_rfc3339("2021-01-01T00:00:00"), "without a zone");
	ok(!chart_time_is_rfc3339("2021-01-01T00:00:00Z "), "with more");
	ok(!chart_time_is_rfc3339(""), "empty");
	ok(chart_time_is_timestamp("2001-12-14 21:59:43.10"), "a timestamp");
	ok(!chart_time_is_timestamp("2001"), "a year is no timestamp");
}

int main(void)
{
	test_documents();
	test_numbers();
	test_bombs();
	test_values();
	test_times();
	return done();
}
