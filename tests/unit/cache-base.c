#include "cache/base/buf.h"
#include "cache/base/error.h"
#include "cache/base/list.h"
#include "cache/base/map.h"
#include "cache/base/names.h"
#include "cache/base/scope.h"
#include "cache/base/wait.h"
#include "tests/unit/tap.h"

#include <errno.h>

static void test_error(void)
{
	struct error err;

	is_number(fail(&err, EIO, "%s of %d", "none", 2), -EIO, "fail returns -code");
	is_number(fail_within(&err, "reading %s", "x"), -EIO, "fail_within keeps the code");
	is_text(err.text, "reading x: none of 2", "context stands in front");
	errno = ENOENT;
	is_number(fail_errno(&err, "opening %s", "y"), -ENOENT, "fail_errno returns -errno");
	is_text(err.text, "opening y: No such file or directory", "errno is described");
	fail(&err, EIO, "%s again", err.text);
	is_text(err.text, "opening y: No such file or directory again",
		"an error may quote itself");
}

static void test_buf(void)
{
	scoped(buf_freep) struct buf buf = BUF_INIT(8);

	is_text(buf_text(&buf), "", "an empty buffer is an empty text");
	is_number(buf_printf(&buf, "%d-%s", 12, "ab"), 0, "print");
	is_text(buf_text(&buf), "12-ab", "printed");
	is_number(buf_add(&buf, "xyz"), 0, "up to the limit");
	is_number(buf_add_char(&buf, '!'), -EFBIG, "not past it");
	is_number((long long)buf.len, 0, "a failed append leaves nothing");
}

static void test_map(void)
{
	struct map map = {0};
	static char values[1000];
	size_t seen = 0;
	char key[16];

	ok(!map_get(&map, "a") && !map_remove(&map, "a"), "an empty map has nothing");
	for (int i = 0; i < 1000; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		map_put(&map, key, &values[i]);
	}
	ok(map_get(&map, "key-567") == &values[567], "found among a thousand");
	ok(map_put(&map, "key-567", &values[1]) == &values[567], "replacing returns the old one");
	ok(map_remove(&map, "key-567") == &values[1] && !map_get(&map, "key-567"), "removed");
	map_for_each (entry, &map)
		seen++;
	is_number((long long)seen, 999, "a walk meets each entry once");
	map_clear(&map, NULL);
	ok(!map_next(&map, NULL), "cleared");
	ok(map_hash("") == 0xcbf29ce484222325u && map_hash("a") == 0xaf63dc4c8601ec8cu,
		"hashes are FNV-1a's");
}

static void test_names(void)
{
	scoped(names_clearp) struct names names = {0};

	for (const char *const *name = (const char *const[]){"b", "a", "c", "a", "ab", NULL}; *name;
		name++)
		names_add(&names, *name, strlen(*name));
	names_sort(&names);
	is_number((long long)names.count, 4, "sorted without repetitions");
	is_text(names_get(&names, 1), "ab", "bytewise");
	ok(names_has(&names, "c") && !names_has(&names, "d") && !names_has(&names, ""), "searched");
	is_number((long long)names_find(&names, "b"), 2, "first not below");
}

static bool always(void *of)
{
	(void)of;
	return true;
}

static void test_wait(void)
{
	struct wait over = {.is_over = always};
	struct wait_limit limit;

	is_number(wait_sleep(NULL, 1), 0, "a sleep ends");
	is_number(wait_sleep(&over, 60000), -EINTR, "and at once when nobody waits for it");
	wait_limit_begin(&limit, NULL, 20);
	is_number(wait_sleep(&limit.wait, 60000), -EINTR, "a limit ends it too");
	ok(wait_limit_is_reached(&limit), "which can be told");
	wait_limit_begin(&limit, &over, 60000);
	is_number(wait_sleep(&limit.wait, 60000), -EINTR, "or the caller, before");
	ok(!wait_limit_is_reached(&limit), "which can be told too");
}

int main(void)
{
	test_error();
	test_buf();
	test_map();
	test_names();
	test_wait();
	return done();
}
