#include "client/url.h"
#include "cache/base/scope.h"
#include "client/address.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Length of the scheme in front of ':', 0 where there is none. */
static size_t scheme_length(const char *text)
{
	size_t len = 0;

	while (is_alnum(text[len]) || (len > 0 && text[len] && strchr("+-.", text[len])))
		len++;
	return text[len] == ':' && is_alnum(text[0]) && (text[0] < '0' || text[0] > '9') ? len : 0;
}

static bool has_bad_bytes(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return true;
	return false;
}

/* The host at `at`, its length into `*len` (with brackets). */
static bool read_host(const char *at, size_t *len, char host[URL_HOST_SIZE])
{
	bool in_brackets = *at == '[';
	struct in6_addr address;
	size_t n = 0;

	if (in_brackets)
		at++;
	for (; is_alnum(at[n]) || (at[n] && strchr(in_brackets ? ":." : "-._~", at[n])); n++) {
		if (n == URL_HOST_SIZE - 1)
			return false;
		host[n] = (char)(at[n] >= 'A' && at[n] <= 'Z' ? at[n] + ('a' - 'A') : at[n]);
	}
	host[n] = '\0';
	*len = n + (in_brackets ? 2 : 0);
	if (in_brackets)
		return at[n] == ']' && strchr(host, ':') && address_parse(host, &address);
	return n > 0;
}

/* ":PORT" at `*at`, which may be missing, or without its number (RFC 3986 section 3.2.3). */
static bool read_port(const char **at, unsigned *port)
{
	unsigned number = 0;

	if (**at != ':')
		return true;
	++*at;
	if (**at < '0' || **at > '9')
		return true;
	for (; **at >= '0' && **at <= '9'; ++*at) {
		number = number * 10 + (unsigned)(**at - '0');
		if (number > 65535)
			return false;
	}
	*port = number;
	return number > 0;
}

bool url_parse(const char *text, struct url *url)
{
	size_t scheme = scheme_length(text), host;

	*url = (struct url){.is_https = scheme == 5};
	if (!(scheme == 5 && strncasecmp(text, "https", 5) == 0) &&
		!(scheme == 4 && strncasecmp(text, "http", 4) == 0))
		return false;
	if (strncmp(text + scheme, "://", 3) != 0 || strnlen(text, URL_SIZE_MAX + 1) > URL_SIZE_MAX)
		return false;
	if (has_bad_bytes(text) || !read_host(text + scheme + 3, &host, url->host))
		return false;
	url->path = text + scheme + 3 + host;
	url->port = url->is_https ? 443 : 80;
	if (!read_port(&url->path, &url->port) || !strchr("/?#", *url->path))
		return false;
	url->query = url->path + strcspn(url->path, "?#");
	url->query = *url->query == '?' ? url->query + 1 : NULL;
	return true;
}

/* Drops the last segment with the slash before it, not going before `floor`. */
static void drop_segment(struct buf *path, size_t floor)
{
	while (path->len > floor && path->at[path->len - 1] != '/')
		path->len--;
	if (path->len > floor)
		path->len--;
	if (path->at)
		path->at[path->len] = '\0';
}

/* Appends a path that begins with '/' without its "." and ".." segments (section 5.2.4). */
static int add_path(struct buf *target, const char *path, size_t len)
{
	size_t floor = target->len;
	const char *end = path + len;

	while (path < end) {
		const char *segment = path + 1;
		const char *next = memchr(segment, '/', (size_t)(end - segment));
		size_t size = (size_t)((next ? next : end) - segment);
		bool is_up = size == 2 && memcmp(segment, "..", 2) == 0;
		int r = 0;

		if (is_up)
			drop_segment(target, floor);
		if (!is_up && (size != 1 || *segment != '.'))
			r = buf_append(target, path, size + 1);
		else if (!next)
			r = buf_add_char(target, '/');
		if (r < 0)
			return r;
		path = next ? next : end;
	}
	return 0;
}

/* The reference's path, seen from the base's (section 5.2.3), and its query, onto the base's scheme
 * and host, which are in the target already. */
static int add_relative(struct buf *target, const struct url *base, const char *reference)
{
	size_t base_len = strcspn(base->path, "?#");
	size_t len = strcspn(reference, "?");
	scoped(buf_freep) struct buf path = BUF_INIT(2 * URL_SIZE_MAX + 1);
	int r = 0;

	if (len > 0 && reference[0] != '/') {
		while (base_len > 0 && base->path[base_len - 1] != '/')
			base_len--;
		r = base_len > 0 ? buf_append(&path, base->path, base_len)
				 : buf_add_char(&path, '/');
	} else if (len == 0) {
		r = buf_append(&path, base->path, base_len);
	}
	if (r == 0)
		r = buf_append(&path, reference, len);
	if (r == 0 && path.len > 0)
		r = add_path(target, path.at, path.len);
	if (r == 0 && len == 0 && !reference[0] && base->query) {
		r = buf_add_char(target, '?');
		if (r == 0)
			r = buf_append(target, base->query, strcspn(base->query, "#"));
	}
	return r < 0 ? r : buf_add(target, reference + len);
}

int url_resolve(const char *base, const char *reference, struct buf *target, struct error *err)
{
	scoped(buf_freep) struct buf wanted = BUF_INIT(URL_SIZE_MAX);
	struct url url;
	int r;

	if (!url_parse(base, &url))
		return fail(err, EIO, "not a URL that can be asked");
	if (has_bad_bytes(reference))
		return fail(err, EIO, "the server named an address with spaces or control bytes");
	r = buf_append(&wanted, reference, strcspn(reference, "#"));
	if (r < 0)
		return fail(
			err, -r == ENOMEM ? ENOMEM : EIO, "the server named too long an address");
	reference = buf_text(&wanted);
	if (scheme_length(reference)) {
		r = buf_add(target, reference);
	} else if (strncmp(reference, "//", 2) == 0) {
		r = buf_printf(target, "%s:%s", url.is_https ? "https" : "http", reference);
	} else {
		r = buf_append(target, base, (size_t)(url.path - base));
		if (r == 0)
			r = add_relative(target, &url, reference);
	}
	if (r < 0)
		return fail(
			err, -r == ENOMEM ? ENOMEM : EIO, "the server named too long an address");
	if (!url_parse(buf_text(target), &url)) {
		buf_clear(target);
		return fail(err, EIO, "the server named an address that is no http or https URL");
	}
	return 0;
}

bool url_is_same_origin(const char *a, const char *b)
{
	struct url first, second;

	return url_parse(a, &first) && url_parse(b, &second) && first.is_https == second.is_https &&
	       first.port == second.port && strcmp(first.host, second.host) == 0;
}

int url_restore_scheme(const char *base, const char *url, struct buf *fixed)
{
	struct url from, to;
	int r;

	if (!url_parse(base, &from) || !url_parse(url, &to) || !from.is_https || to.is_https ||
		strcmp(from.host, to.host) != 0 || (to.port != 80 && to.port != from.port))
		return buf_add(fixed, url);
	r = buf_append(fixed, base, (size_t)(from.path - base));
	return r < 0 ? r : buf_add(fixed, to.path);
}

int url_add_encoded(struct buf *url, const char *text)
{
	int r = 0;

	for (; *text && r == 0; text++)
		r = is_alnum(*text) || strchr("-._~", *text)
			    ? buf_add_char(url, *text)
			    : buf_printf(url, "%%%02X", (unsigned)(unsigned char)*text);
	return r;
}

int url_add_parameter(struct buf *url, const char *name, const char *value)
{
	const char *text = buf_text(url);
	const char *joint = "?";
	int r;

	if (strchr(text, '?'))
		joint = text[url->len - 1] == '?' || text[url->len - 1] == '&' ? "" : "&";
	r = buf_printf(url, "%s%s=", joint, name);
	return r < 0 ? r : url_add_encoded(url, value);
}
