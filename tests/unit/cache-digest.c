#include "cache/base/scope.h"
#include "cache/digest.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void test_parse(void)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{"sha256:" EMPTY, true},
		{"sha256:" ABC, true},
		{"", false},
		{"sha256:", false},
		{EMPTY, false},
		{"sha256:" EMPTY "0", false},
		{"sha256:" ABC " ", false},
		{"SHA256:" ABC, false},
		{"sha512:" ABC, false},
		{"sha256-" ABC, false},
		{"sha256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD", false},
		{"sha256:ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", false},
		{"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a", false},
		{"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a/", false},
		{"sha256:../../../../../../../../../../../../../../../../../../../../../e", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct digest digest;
		char text[DIGEST_TEXT_SIZE];
		bool good = digest_parse(&digest, cases[i].text, strlen(cases[i].text));

		ok(good == cases[i].good, "[%s] is %s digest", cases[i].text,
			cases[i].good ? "a" : "no");
		if (!good)
			continue;
		digest_print(&digest, text);
		is_text(text, cases[i].text, "and printed the same");
	}
}

static void test_of(void)
{
	struct digest empty = digest_of("", 0), abc = digest_of("abc", 3);
	char text[DIGEST_TEXT_SIZE];

	digest_print(&empty, text);
	is_text(text, "sha256:" EMPTY, "of nothing");
	digest_print(&abc, text);
	is_text(text, "sha256:" ABC, "of abc");
	ok(digest_equal(&abc, &abc) && !digest_equal(&abc, &empty), "compared");
}

static void test_hasher(void)
{
	scoped(hasher_freep) struct hasher *hasher = hasher_new();
	struct digest abc = digest_of("abc", 3), empty = digest_of(NULL, 0), got;

	hasher_add(hasher, "a", 1);
	hasher_add(hasher, "", 0);
	hasher_add(hasher, "bc", 2);
	got = hasher_end(hasher);
	ok(digest_equal(&got, &abc), "in pieces");
	got = hasher_end(hasher);
	ok(digest_equal(&got, &empty), "the end leaves the hasher fresh");
	hasher_free(NULL);
}

static void test_file(void)
{
	enum { SIZE = 100000 };
	scoped(closep) int fd = memfd_create("digest", MFD_CLOEXEC);
	scoped(closep) int unreadable = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	static char bytes[SIZE];
	struct digest expected, got;
	uint64_t size = 1;

	is_number(digest_of_file(fd, &got, &size), 0, "an empty file");
	expected = digest_of("", 0);
	ok(size == 0 && digest_equal(&got, &expected), "has the empty digest");
	memset(bytes, 'x', SIZE);
	is_number(write(fd, bytes, SIZE), SIZE, "many bytes are written");
	is_number(digest_of_file(fd, &got, &size), 0, "a file of several pieces");
	expected = digest_of(bytes, SIZE);
	ok(size == SIZE && digest_equal(&got, &expected),
		"from its beginning, whatever its offset");
	is_number(lseek(fd, 0, SEEK_CUR), SIZE, "the offset stays");
	is_number(digest_of_file(unreadable, &got, &size), -EISDIR, "a failed read is told");
}

int main(void)
{
	test_parse();
	test_of();
	test_hasher();
	test_file();
	return done();
}
