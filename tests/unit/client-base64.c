#include "cache/base/scope.h"
#include "client/base64.h"
#include "tests/unit/tap.h"

#include <errno.h>

/* RFC 4648 section 10 first. */
static void test_both_ways(void)
{
	static const struct {
		const char *plain, *text;
	} cases[] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
		{"user:pass", "dXNlcjpwYXNz"},
		{"\xff\xfe\xfb", "//77"},
		{"\xfb\xef\xbe", "++++"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scoped(buf_freep) struct buf text = BUF_INIT(100);
		scoped(buf_freep) struct buf plain = BUF_INIT(100);
		scoped(buf_freep) struct buf bare = BUF_INIT(100);
		const char *from = cases[i].text;

		is_number(
			base64_encode(cases[i].plain, strlen(cases[i].plain), &text), 0, "encode");
		is_text(buf_text(&text), from, from);
		is_number(base64_decode(from, strlen(from), &plain), 0, "decode");
		is_text(buf_text(&plain), cases[i].plain, from);
		is_number(base64_decode(from, strcspn(from, "="), &bare), 0, "without padding");
		is_text(buf_text(&bare), cases[i].plain, from);
	}
}

static void test_every_byte(void)
{
	scoped(buf_freep) struct buf text = BUF_INIT(400);
	scoped(buf_freep) struct buf plain = BUF_INIT(256);
	unsigned char bytes[256];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	is_number(base64_encode(bytes, sizeof(bytes), &text), 0, "every byte is encoded");
	is_number(base64_decode(text.at, text.len, &plain), 0, "and decoded");
	ok(plain.len == sizeof(bytes) && memcmp(plain.at, bytes, sizeof(bytes)) == 0, "to itself");
}

static void test_refused(void)
{
	static const char *const cases[] = {
		"Z",
		"Zg=",
		"=",
		"==",
		"====",
		"Zg===",
		"Zm9v=",
		"Zm9v==",
		"Zm9vY",
		"Zm9vYg=",
		"Zg==Zg==",
		"Zm=v",
		"Zh==",
		"Zm9=",
		"Zh",
		"Zm8 ",
		" Zm8=",
		"Zm9v\n",
		"Zm\n9v",
		"Zm-_",
		"Zm9\xc3",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scoped(buf_freep) struct buf plain = BUF_INIT(100);

		ok(base64_decode(cases[i], strlen(cases[i]), &plain) == -EINVAL, "refused: [%s]",
			cases[i]);
	}
}

static void test_limits(void)
{
	scoped(buf_freep) struct buf small = BUF_INIT(3);

	is_number(base64_decode("Zm9v", 4, &small), 0, "up to the limit");
	is_number(base64_decode("Zm9v", 4, &small), -EFBIG, "not past it");
	is_number(base64_encode("f", 1, &small), -EFBIG, "nor encoded");
	is_number(base64_decode("Zm\0v", 4, &small), -EINVAL, "a NUL is no digit");
}

int main(void)
{
	test_both_ways();
	test_every_byte();
	test_refused();
	test_limits();
	return done();
}
