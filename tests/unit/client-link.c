#include "cache/base/scope.h"
#include "client/link.h"
#include "client/url.h"
#include "tests/unit/tap.h"

#include <errno.h>

static void test_find(void)
{
	static const struct {
		const char *value;
		int result;
		const char *target;
	} cases[] = {
		{"</v2/_catalog?last=ns%2Fa&n=1>; rel=\"next\"", 1, "/v2/_catalog?last=ns%2Fa&n=1"},
		{"</v2/a/tags/list?last=b>; rel=next", 1, "/v2/a/tags/list?last=b"},
		{"<https://quay.io/v2/_catalog?next_page=gAAA==>; rel=\"next\"", 1,
			"https://quay.io/v2/_catalog?next_page=gAAA=="},
		{"<a,b;c>;rel=next", 1, "a,b;c"},
		{"<>; rel=\"next\"", 1, ""},
		{"<a>;REL=\"NEXT\"", 1, "a"},
		{"<a> ; rel = \"next\" ", 1, "a"},
		{"<a>;\trel=next;", 1, "a"},
		{"<a>; title=\"x, y; rel=prev\"; rel=\"next\"; n=5", 1, "a"},
		{"<a>; title=\"say \\\"hi\\\\\"; rel=next", 1, "a"},
		{"<a>; flag; rel=next", 1, "a"},
		{"<a>; rel=\"prev next\"", 1, "a"},
		{"<a>; rel=\" next\t last \"", 1, "a"},
		{"<a>; rel=prev, <b>; rel=next", 1, "b"},
		{"<a>; rel=prev,<b>;rel=next,<c>;rel=last", 1, "b"},
		{", ,<a>; rel=next,", 1, "a"},
		{"<a>; rel=next, <b>; rel=next", 1, "a"},
		{"<a>, <b>; rel=next", 1, "b"},
		{"<a>; rel=prev; rel=next", 0, ""},
		{"<a>; rel=nextest", 0, ""},
		{"<a>; rel=\"next-page\"", 0, ""},
		{"<a>; rel=\"\"", 0, ""},
		{"<a>; rel", 0, ""},
		{"<a>; rev=next", 0, ""},
		{"<a>", 0, ""},
		{"", 0, ""},
		{" , ", 0, ""},
		{"a; rel=next", -EIO, ""},
		{"<a; rel=next", -EIO, ""},
		{"<a> rel=next", -EIO, ""},
		{"<a>; rel=\"next", -EIO, ""},
		{"<a>; rel=\"next\\", -EIO, ""},
		{"<a>; rel=\"next\" x", -EIO, ""},
		{"<a>; rel=prev, b", -EIO, ""},
		{"<", -EIO, ""},
		{">", -EIO, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scoped(buf_freep) struct buf target = BUF_INIT(200);
		struct error err = {0};

		is_number(link_find_next(cases[i].value, strlen(cases[i].value), &target, &err),
			cases[i].result, cases[i].value);
		is_text(buf_text(&target), cases[i].target, "its target");
		ok((cases[i].result < 0) == (err.text[0] != '\0'), "a sentence where it fails");
	}
}

static void test_bounds(void)
{
	static char value[LINK_SIZE_MAX + 2] = "</";
	scoped(buf_freep) struct buf small = BUF_INIT(3);
	scoped(buf_freep) struct buf large = BUF_INIT(LINK_SIZE_MAX);
	struct error err;

	is_number(
		link_find_next("<abcd>;rel=next", 15, &small, &err), -EFBIG, "the buffer's limit");
	memset(value + 2, 'a', LINK_SIZE_MAX);
	memcpy(value + LINK_SIZE_MAX - 10, ">;rel=next", 10);
	is_number(link_find_next(value, LINK_SIZE_MAX, &large, &err), 1, "the longest header");
	is_number(link_find_next(value, LINK_SIZE_MAX + 1, &large, &err), -EIO, "nothing longer");
	is_number(link_find_next("<\0a>;rel=\0next", 14, &large, &err), 0, "NULs end nothing");
}

/* A page's address from header to request, for every way registries give it. */
static void test_follow(void)
{
	static const struct {
		const char *value, *next;
		bool is_same_origin;
	} cases[] = {
		{"</v2/a/tags/list?last=b&n=2>; rel=\"next\"",
			"https://r.example/v2/a/tags/list?last=b&n=2", true},
		{"<https://r.example/v2/a/tags/list?next_page=x>; rel=\"next\"",
			"https://r.example/v2/a/tags/list?next_page=x", true},
		{"<https://r.example:443/v2/a/tags/list?x>; rel=\"next\"",
			"https://r.example:443/v2/a/tags/list?x", true},
		{"<?last=b>; rel=next", "https://r.example/v2/a/tags/list?last=b", true},
		{"<list?last=b>; rel=next", "https://r.example/v2/a/tags/list?last=b", true},
		{"</v2/a/tags/list?orderby=&last=b>; rel=\"next\"",
			"https://r.example/v2/a/tags/list?orderby=&last=b", true},
		{"<http://r.example/v2/a/tags/list?x>; rel=\"next\"",
			"http://r.example/v2/a/tags/list?x", false},
		{"<https://evil.example/v2/a>; rel=\"next\"", "https://evil.example/v2/a", false},
		{"<//evil.example/v2/a>; rel=\"next\"", "https://evil.example/v2/a", false},
	};
	static const char base[] = "https://r.example/v2/a/tags/list?n=2";

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scoped(buf_freep) struct buf target = BUF_INIT(URL_SIZE_MAX);
		scoped(buf_freep) struct buf next = BUF_INIT(URL_SIZE_MAX);
		struct error err;

		link_find_next(cases[i].value, strlen(cases[i].value), &target, &err);
		is_number(url_resolve(base, buf_text(&target), &next, &err), 0, cases[i].value);
		is_text(buf_text(&next), cases[i].next, "the next page");
		ok(url_is_same_origin(base, buf_text(&next)) == cases[i].is_same_origin, "%s",
			cases[i].is_same_origin ? "may be asked" : "may not be asked");
	}
}

int main(void)
{
	test_find();
	test_bounds();
	test_follow();
	return done();
}
