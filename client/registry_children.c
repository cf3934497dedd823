/* Repositories by the interfaces that registries have of their own (quirks.h): Docker Hub's and
 * Quay's by namespace, Harbor's projects, and the children that Google's tags/list names. */
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/json.h"
#include "client/link.h"
#include "client/pages.h"
#include "client/reference.h"
#include "client/registry_private.h"
#include "client/url.h"

#include <string.h>

enum { CHILD_PAGES_MAX = 200, CHILD_PAGE_BYTES = 8 << 20 };

/* A walk over one interface's pages. */
struct walk {
	struct registry *registry;
	const char *prefix;
	struct names *names;
	struct wait_limit limit;
	const struct wait *wait; /* the limit's */
	struct buf url;          /* of the next page; "" at the end */
	struct buf credentials;  /* "" for none */
	struct scope scope;      /* no actions: `credentials` count */
	const char *list;        /* the member that is the array; NULL: the page is it */
	bool names_are_whole;    /* "project/app", not "app" */
};

static void walk_clear(struct walk *walk)
{
	buf_clear(&walk->url);
	buf_wipe(&walk->credentials);
}

static void add_name(struct walk *walk, const char *name)
{
	size_t len = strlen(walk->prefix);
	scoped(freep) char *whole = walk->names_are_whole || !len
					    ? must_copy(name)
					    : must_print("%s/%s", walk->prefix, name);

	if (len && (strncmp(whole, walk->prefix, len) != 0 || whole[len] != '/'))
		return;
	if (reference_is_repository(whole))
		names_add(walk->names, whole, strlen(whole));
}

static int add_page(struct walk *walk, const cJSON *page, struct error *err)
{
	const cJSON *list = walk->list ? json_member(page, walk->list) : page, *entry;

	if (list && !cJSON_IsArray(list) && !cJSON_IsNull(list))
		return fail(err, EIO, "a listing of %s is not what it should be",
			registry_host(walk->registry));
	cJSON_ArrayForEach (entry, list) {
		const char *name = cJSON_IsString(entry) ? cJSON_GetStringValue(entry)
							 : json_text(entry, "name");

		if (name)
			add_name(walk, name);
	}
	return 0;
}

/* Whether a URL is on the server that was asked for this page, before any redirect: the credentials
 * are for that one alone. */
static bool is_same_server(const struct walk *walk, const char *url)
{
	const char *asked = buf_text(&walk->url);
	struct error ignored;

	if (*asked == '/')
		asked = endpoint_base(walk->registry->endpoint, walk->wait, &ignored);
	return asked && url_is_same_origin(asked, url);
}

/* What names the next page: `next` (Docker Hub: a URL), `next_page` (Quay: a token), or a Link. */
static int find_target(struct walk *walk, const struct response *response, const cJSON *page,
	struct buf *target, struct error *err)
{
	const char *next = json_text(page, "next"), *token = json_text(page, "next_page");
	const char *link = response_header(response, "Link", 0);
	int r = 0;

	if (!next && !token)
		return link ? link_find_next(link, strlen(link), target, err) : 0;
	if (next)
		r = buf_add(target, next);
	else if ((r = buf_printf(target, "?namespace=%s&public=true", walk->prefix)) == 0)
		r = url_add_parameter(target, "next_page", token);
	return r < 0 ? fail(err, EIO, "the next page's address is too long") : 0;
}

static int find_next(
	struct walk *walk, const struct response *response, const cJSON *page, struct error *err)
{
	scoped(buf_freep) struct buf target = BUF_INIT(LINK_SIZE_MAX);
	scoped(buf_freep) struct buf url = BUF_INIT(URL_SIZE_MAX);
	scoped(buf_freep) struct buf next = BUF_INIT(URL_SIZE_MAX);
	int r = find_target(walk, response, page, &target, err);

	if (r >= 0 && target.len)
		r = url_resolve(response->url, buf_text(&target), &url, err);
	if (r < 0)
		return r;
	if (target.len && (url_restore_scheme(response->url, buf_text(&url), &next) < 0 ||
				  !is_same_server(walk, buf_text(&next))))
		return fail(err, EIO, "the next page of %s is on another server: refused",
			registry_host(walk->registry));
	buf_clear(&walk->url);
	return buf_add(&walk->url, buf_text(&next));
}

static int read_page(struct walk *walk, struct error *err)
{
	scoped(exchange_clearp) struct exchange get = {.method = "GET",
		.path = buf_text(&walk->url),
		.headers = {"Accept: application/json"},
		.limit = CHILD_PAGE_BYTES};
	struct response *response = &get.response;
	scoped(json_freep) cJSON *page = NULL;
	int r;

	if (walk->scope.actions)
		get.scopes[0] = walk->scope;
	else
		get.credentials = buf_text(&walk->credentials);
	r = exchange_run(walk->registry->endpoint, &get, walk->wait, err);
	if (r == -EINTR && wait_limit_is_reached(&walk->limit))
		return fail(err, EIO, "the listing of %s takes too long",
			registry_host(walk->registry));
	if (r == 0 && response->status != 200)
		r = registry_fail(err, walk->registry, STATUS_OF_READ, response, walk->prefix);
	if (r < 0)
		return r;
	page = json_parse(buf_text(&response->body), response->body.len);
	if (!page)
		return fail(err, EIO, "a listing of %s is not what it should be",
			registry_host(walk->registry));
	r = add_page(walk, page, err);
	return r < 0 ? r : find_next(walk, response, page, err);
}

static int read_pages(struct walk *walk, struct error *err)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && walk->url.len; i++) {
		if (i == CHILD_PAGES_MAX)
			return fail(err, EIO, "the listing of %s does not end",
				registry_host(walk->registry));
		r = read_page(walk, err);
	}
	return r;
}

/* Docker Hub: a token of its own for the stored user, the public ones without. */
static int log_in_to_hub(struct walk *walk, const char *base, struct error *err)
{
	scoped(account_wipe) struct account account = {0};
	scoped(freep) char *path = must_print("%s/v2/auth/token", base);
	scoped(json_wipep) cJSON *form = cJSON_CreateObject();
	scoped(json_wipep) cJSON *reply = NULL;
	scoped(secret_freep) char *text = NULL;
	struct error ignored;
	const char *token;
	int r = auth_account(
		endpoint_auth(walk->registry->endpoint), walk->prefix, &account, walk->wait, err);

	if (r < 0 || account.kind != ACCOUNT_PASSWORD || !form)
		return r;
	cJSON_AddStringToObject(form, "identifier", account.username);
	cJSON_AddStringToObject(form, "secret", account.secret);
	text = cJSON_PrintUnformatted(form);
	if (!text)
		return fail(err, ENOMEM, "no memory for a login");
	scoped(exchange_clearp) struct exchange post = {.method = "POST",
		.path = path,
		.headers = {"Content-Type: application/json", "Accept: application/json"},
		.body = {.is_set = true, .bytes = text, .size = strlen(text)},
		.credentials = ""};
	if (exchange_run(walk->registry->endpoint, &post, walk->wait, &ignored) < 0 ||
		post.response.status != 200)
		return 0; /* what is public shows all the same */
	reply = json_parse(buf_text(&post.response.body), post.response.body.len);
	token = json_text(reply, "access_token");
	if (token)
		buf_printf(&walk->credentials, "Bearer %s", token);
	buf_wipe(&post.response.body);
	return 0;
}

static int list_hub(struct walk *walk, struct error *err)
{
	const char *base = endpoint_quirks(walk->registry->endpoint)->listing_url;
	int r;

	if (!walk->prefix[0] || strchr(walk->prefix, '/'))
		return fail(err, ENOTSUP, "Docker Hub lists by namespace only");
	r = log_in_to_hub(walk, base, err);
	if (r < 0)
		return r;
	buf_printf(&walk->url, "%s/v2/repositories/%s/?page_size=100", base, walk->prefix);
	walk->list = "results";
	return read_pages(walk, err);
}

static int list_harbor(struct walk *walk, struct error *err)
{
	const char *prefix = walk->prefix;
	int r = registry_password(walk->registry, prefix, &walk->credentials, walk->wait, err);

	if (r < 0)
		return r;
	walk->names_are_whole = true;
	if (prefix[0])
		buf_printf(&walk->url, "/api/v2.0/projects/%.*s/repositories?page_size=100",
			(int)strcspn(prefix, "/"), prefix);
	else
		buf_add(&walk->url, "/api/v2.0/projects?page_size=100");
	return read_pages(walk, err);
}

static int list_quay(struct walk *walk, struct error *err)
{
	scoped(account_wipe) struct account account = {0};
	int r;

	if (!walk->prefix[0] || strchr(walk->prefix, '/'))
		return fail(err, ENOTSUP, "Quay lists by namespace only");
	r = auth_account(
		endpoint_auth(walk->registry->endpoint), walk->prefix, &account, walk->wait, err);
	if (r < 0)
		return r;
	if (account.kind == ACCOUNT_PASSWORD && account.username &&
		strcmp(account.username, "$oauthtoken") == 0)
		buf_printf(&walk->credentials, "Bearer %s", account.secret);
	buf_printf(&walk->url, "/api/v1/repository?namespace=%s&public=true", walk->prefix);
	walk->list = "repositories";
	return read_pages(walk, err);
}

static int list_child(struct walk *walk, struct error *err)
{
	if (!walk->prefix[0])
		return fail(err, ENOTSUP, "%s does not list its projects",
			registry_host(walk->registry));
	buf_printf(&walk->url, "/v2/%s/tags/list", walk->prefix);
	walk->scope = (struct scope){walk->prefix, "pull"};
	walk->list = "child";
	return read_pages(walk, err);
}

int registry_list_children(struct registry *registry, const char *prefix,
	struct names *repositories, const struct wait *wait, struct error *err)
{
	static int (*const listings[])(struct walk * walk, struct error * err) = {
		[QUIRKS_LISTING_HUB] = list_hub,
		[QUIRKS_LISTING_HARBOR] = list_harbor,
		[QUIRKS_LISTING_QUAY] = list_quay,
		[QUIRKS_LISTING_CHILD] = list_child,
	};
	scoped(walk_clear) struct walk walk = {.registry = registry,
		.prefix = prefix,
		.names = repositories,
		.wait = &walk.limit.wait,
		.url = BUF_INIT(URL_SIZE_MAX),
		.credentials = BUF_INIT(EXCHANGE_AUTHORIZATION_SIZE)};
	const struct quirks *quirks;
	enum quirks_listing listing;
	struct error ignored;
	int r;

	wait_limit_begin(
		&walk.limit, wait, PAGES_TIMEOUTS * endpoint_timeout_ms(registry->endpoint));
	if (!endpoint_has_answered(registry->endpoint)) /* its kind shows in an answer */
		registry_ping(registry, wait, &ignored);
	quirks = endpoint_quirks(registry->endpoint);
	listing = quirks->listing;
	/* What another host's answers look like opens no way to a third one for its login. */
	if (quirks->listing_url && quirks_of_host(registry_host(registry)) != quirks)
		listing = QUIRKS_LISTING_NONE;
	if (listing == QUIRKS_LISTING_NONE)
		return fail(err, ENOTSUP, "%s has no listing of its own", registry_host(registry));
	r = listings[listing](&walk, err);
	if (r == -ENOTSUP)
		return r;
	if (r < 0)
		return fail_within(err, "repositories of %s/%s", registry_host(registry), prefix);
	names_sort(repositories);
	return 0;
}
