#include "client/semver.h"
#include "tests/unit/tap.h"

static void test_parse(void)
{
	static const struct {
		const char *text;
		bool strict, loose;
	} cases[] = {
		{"1.2.3", true, true},
		{"0.0.0", true, true},
		{"10.20.30", true, true},
		{"1.2.3-alpha", true, true},
		{"1.2.3-alpha.1.x-y", true, true},
		{"1.2.3-0", true, true},
		{"1.2.3-0a", true, true},
		{"1.2.3--", true, true},
		{"1.2.3-a.0", true, true},
		{"1.2.3+build", true, true},
		{"1.2.3+01", true, true},
		{"1.2.3+a.b-c.1", true, true},
		{"1.2.3-rc.1+b.2", true, true},
		{"18446744073709551615.0.0", true, true},
		{"1", false, true},
		{"1.2", false, true},
		{"v1", false, true},
		{"v1.2", false, true},
		{"v1.2.3", false, true},
		{"01.2.3", false, true},
		{"1.02.3", false, true},
		{"1.2.03", false, true},
		{"00", false, true},
		{"1-alpha", false, true},
		{"1.2-alpha+b", false, true},
		{"v2+b", false, true},
		{"", false, false},
		{"v", false, false},
		{"V1.2.3", false, false},
		{"vv1", false, false},
		{"latest", false, false},
		{"1.", false, false},
		{"1.2.", false, false},
		{".1.2", false, false},
		{"1..2", false, false},
		{"1.2.3.4", false, false},
		{"1.2.3 ", false, false},
		{" 1.2.3", false, false},
		{"1.2.3\n", false, false},
		{"1.2.3-", false, false},
		{"1.2.3-01", false, false},
		{"1.2.3-a.01", false, false},
		{"1.2.3-00", false, false},
		{"1.2.3-a..b", false, false},
		{"1.2.3-a.", false, false},
		{"1.2.3-.a", false, false},
		{"1.2.3-a_b", false, false},
		{"1.2.3-\xc3\xa4", false, false},
		{"1.2.3+", false, false},
		{"1.2.3-+b", false, false},
		{"1.2.3+a_b", false, false},
		{"1.2.3+a+b", false, false},
		{"1.2.3+a..b", false, false},
		{"1.2.3_4", false, false},
		{"1.2.x", false, false},
		{"-1.2.3", false, false},
		{"+1.2.3", false, false},
		{"1.-2.3", false, false},
		{"0x1.2.3", false, false},
		{"18446744073709551616.0.0", false, false},
		{"1.99999999999999999999.0", false, false},
		{"1.2.184467440737095516150", false, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct semver version;

		ok(semver_parse_strict(cases[i].text, &version) == cases[i].strict,
			"strict [%s]: %s", cases[i].text, cases[i].strict ? "yes" : "no");
		ok(semver_parse_loose(cases[i].text, &version) == cases[i].loose, "loose [%s]: %s",
			cases[i].text, cases[i].loose ? "yes" : "no");
	}
}

static void test_parts(void)
{
	struct semver version;

	ok(semver_parse_strict("1.20.300-rc.1-x+b.2-y", &version), "all parts");
	ok(version.major == 1 && version.minor == 20 && version.patch == 300, "the numbers");
	ok(version.prerelease_len == 6 && memcmp(version.prerelease, "rc.1-x", 6) == 0,
		"prerelease");
	ok(version.metadata_len == 5 && memcmp(version.metadata, "b.2-y", 5) == 0, "metadata");
	ok(semver_parse_loose("v7+1-2", &version), "few parts");
	ok(version.major == 7 && !version.minor && !version.patch,
		"numbers that are not given are 0");
	ok(version.prerelease_len == 0 && version.metadata_len == 3, "a '-' behind the '+'");
	ok(semver_parse_loose("18446744073709551615", &version) && version.major == UINT64_MAX,
		"the largest number");
}

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

/* Each is lower than the next; SemVer 2.0.0 section 11 has the middle of it as its example. */
static void test_order(void)
{
	static const char *const rising[] = {
		"0.0.1-0",
		"0.0.1",
		"0.9.0",
		"1.0.0-0",
		"1.0.0-2",
		"1.0.0-10",
		"1.0.0-18446744073709551615",
		"1.0.0--",
		"1.0.0-10a",
		/* beyond 64 bits: a text to Helm */
		"1.0.0-18446744073709551616",
		"1.0.0-2a",
		"1.0.0-Beta",
		"1.0.0-alpha",
		"1.0.0-alpha.1",
		"1.0.0-alpha.1.0",
		"1.0.0-alpha.beta",
		"1.0.0-alpha-",
		"1.0.0-beta",
		"1.0.0-beta.2",
		"1.0.0-beta.11",
		"1.0.0-rc.1",
		"1.0.0",
		"1.0.1",
		"1.2.0",
		"1.10.0",
		"2.0.0",
		"10.0.0",
		"18446744073709551615.0.0",
	};
	size_t count = sizeof(rising) / sizeof(rising[0]);
	bool good = true;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++) {
			struct semver a, b;
			int expected = (i > k) - (i < k);

			if (!semver_parse_strict(rising[i], &a) ||
				!semver_parse_strict(rising[k], &b) ||
				sign(semver_compare(&a, &b)) != expected ||
				sign(semver_compare_text(rising[i], rising[k])) != expected) {
				ok(false, "[%s] and [%s]", rising[i], rising[k]);
				good = false;
			}
		}
	ok(good, "every pair is in order");
}

static void test_order_of_texts(void)
{
	static const struct {
		const char *a, *b;
		int order;
	} cases[] = {
		{"1.0.0+a", "1.0.0+b", -1},
		{"1.0.0", "1.0.0+a", -1},
		{"1.0.0+zz", "1.0.1", -1},
		{"1.0.0", "v1.0.0", -1},
		{"1", "1.0.0", -1},
		{"01.0.0", "1.0.0", -1},
		{"v2.0.0", "10.0.0", -1},
		{"9.9.9", "latest", -1},
		{"alpha", "latest", -1},
		{"1.0.0", "1.0.0", 0},
		{"latest", "latest", 0},
		{"", "1.0.0", 1},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		is_number(sign(semver_compare_text(cases[i].a, cases[i].b)), cases[i].order,
			cases[i].a);
		is_number(sign(semver_compare_text(cases[i].b, cases[i].a)), -cases[i].order,
			cases[i].b);
	}
}

static void test_metadata_does_not_count(void)
{
	struct semver a, b;

	ok(semver_parse_loose("v1.0+a", &a) && semver_parse_loose("1.0.0+b", &b) &&
			semver_compare(&a, &b) == 0,
		"metadata and spelling do not count");
}

int main(void)
{
	test_parse();
	test_parts();
	test_order();
	test_order_of_texts();
	test_metadata_does_not_count();
	return done();
}
