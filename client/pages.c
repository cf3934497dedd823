#include "client/pages.h"

#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/json.h"
#include "client/link.h"
#include "client/url.h"

#include <string.h>

int pages_parse(const char *bytes, size_t len, const char *member,
	bool (*accepts)(const char *name), size_t *hidden, struct names *names, struct error *err)
{
	scoped(json_freep) cJSON *page = json_parse(bytes, len);
	const cJSON *list = json_member(page, member), *entry;
	int count = 0;

	if (!cJSON_IsObject(page) || (list && !cJSON_IsArray(list) && !cJSON_IsNull(list)))
		return fail(err, EIO, "a page of the listing is not what it should be");
	cJSON_ArrayForEach (entry, list) {
		const char *name = cJSON_GetStringValue(entry);

		count++;
		if (!name || !accepts(name)) {
			++*hidden;
			continue;
		}
		if (names_add(names, name, strlen(name)) < 0)
			return fail(err, EIO, "the listing is too large");
	}
	return count;
}

/* The walk over the pages. */
struct walk {
	struct pages *pages;
	struct names *names;
	struct map seen; /* the addresses that were asked */
	struct buf url;  /* the next one; "" at the end */
	size_t page_count, byte_count;
	int last_entries; /* of the page last read */
	bool had_link;
	struct wait_limit limit;
};

static void walk_clear(struct walk *walk)
{
	map_clear(&walk->seen, NULL);
	buf_clear(&walk->url);
}

static int find_next(struct walk *walk, const struct response *response, struct error *err)
{
	scoped(buf_freep) struct buf link = BUF_INIT(LINK_SIZE_MAX);
	scoped(buf_freep) struct buf target = BUF_INIT(URL_SIZE_MAX);
	const char *value;
	int r = 0;

	buf_clear(&walk->url);
	for (size_t i = 0; r == 0 && (value = response_header(response, "Link", i)); i++)
		r = link_find_next(value, strlen(value), &link, err);
	if (r <= 0)
		return r;
	walk->had_link = true;
	r = url_resolve(response->url, buf_text(&link), &target, err);
	if (r < 0)
		return r;
	if (url_restore_scheme(response->url, buf_text(&target), &walk->url) < 0)
		return fail(err, EIO, "the next page's address is too long");
	if (!url_is_same_origin(response->url, buf_text(&walk->url)))
		return fail(err, EIO, "the next page is on another server: refused");
	return 0;
}

/* Asks for one page. 1: it is read. 0: it was no success, `response` tells. */
static int ask(struct walk *walk, const char *path, struct response *response, struct error *err)
{
	struct pages *pages = walk->pages;
	scoped(exchange_clearp) struct exchange get = {.method = "GET",
		.path = path,
		.headers = {"Accept: application/json"},
		.limit = PAGES_PAGE_BYTES,
		.scopes = {pages->scope}};
	int r = exchange_run(pages->endpoint, &get, &walk->limit.wait, err);

	if (r == -EINTR && wait_limit_is_reached(&walk->limit))
		return fail(err, EIO, "the listing of %s takes too long",
			endpoint_host(pages->endpoint));
	if (r < 0)
		return r;
	*response = get.response;
	get.response = (struct response){0};
	if (response->status != 200)
		return 0;
	walk->byte_count += response->body.len;
	if (++walk->page_count > PAGES_MAX || walk->byte_count > PAGES_PAGE_BYTES)
		return fail(
			err, EIO, "the listing of %s does not end", endpoint_host(pages->endpoint));
	r = pages_parse(buf_text(&response->body), response->body.len, pages->member,
		pages->accepts, &pages->hidden, walk->names, err);
	walk->last_entries = r;
	return r < 0 ? r : 1;
}

static int first_page(struct walk *walk, struct error *err)
{
	struct pages *pages = walk->pages;
	scoped(freep) char *path = pages->is_unsized
					   ? must_copy(pages->path)
					   : must_print("%s?n=%d", pages->path, PAGES_ENTRIES);
	struct response *answer = &pages->answer;
	int r = ask(walk, path, answer, err);

	if (r == 0)
		return fail(err, EREMOTEIO, "%s answers %d", endpoint_host(pages->endpoint),
			answer->status);
	if (r > 0)
		r = find_next(walk, answer, err);
	response_clear(answer);
	return r;
}

static int next_page(struct walk *walk, struct error *err)
{
	scoped(response_clearp) struct response response = {0};
	const char *host = endpoint_host(walk->pages->endpoint);
	int r;

	if (map_put(&walk->seen, buf_text(&walk->url), walk))
		return fail(err, EIO, "the listing of %s repeats a page", host);
	r = ask(walk, buf_text(&walk->url), &response, err);
	if (r == 0)
		return fail(err, response.status == 429 || response.status >= 500 ? EAGAIN : EIO,
			"%s answers %d in the middle of a listing", host, response.status);
	return r < 0 ? r : find_next(walk, &response, err);
}

/* A full page without a Link: one question more, because some servers have more and do not say so.
 * Whatever comes, but more names, is taken for the end. */
static int probe_end(struct walk *walk, struct error *err)
{
	struct pages *pages = walk->pages;
	struct names *names = walk->names;
	scoped(response_clearp) struct response response = {0};
	scoped(buf_freep) struct buf path = BUF_INIT(URL_SIZE_MAX);
	size_t before = names->count;
	int r;

	if (endpoint_quirks(pages->endpoint)->lacks & QUIRKS_NO_LAST)
		return 0;
	if (walk->had_link || pages->is_unsized || walk->last_entries != PAGES_ENTRIES || !before)
		return 0;
	if (buf_printf(&path, "%s?n=%d", pages->path, PAGES_ENTRIES) < 0 ||
		url_add_parameter(&path, "last", names_get(names, before - 1)) < 0)
		return fail(err, EIO, "a name in the listing is too long");
	r = ask(walk, buf_text(&path), &response, err);
	if (r <= 0)
		return r == -EIO || r == -EACCES ? 0 : r;
	return find_next(walk, &response, err);
}

int pages_collect(
	struct pages *pages, struct names *names, const struct wait *wait, struct error *err)
{
	scoped(walk_clear) struct walk walk = {
		.pages = pages, .names = names, .url = BUF_INIT(URL_SIZE_MAX)};
	size_t before, hidden;
	int r;

	wait_limit_begin(&walk.limit, wait, PAGES_TIMEOUTS * endpoint_timeout_ms(pages->endpoint));
	r = first_page(&walk, err);
	do {
		while (r == 0 && walk.url.len) {
			if (pages->listener)
				pages->listener->more(pages->listener->of, names);
			r = next_page(&walk, err);
		}
		before = names->count;
		hidden = pages->hidden;
		if (r == 0)
			r = probe_end(&walk, err);
		names_sort(names);
	} while (r == 0 && (walk.url.len || names->count > before));
	if (r == 0)
		pages->hidden = hidden; /* a page that came twice is not counted twice */
	return r;
}
