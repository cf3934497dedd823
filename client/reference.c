#include "client/reference.h"
#include "cache/base/error.h"
#include "client/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z');
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* ":PORT" or nothing, to the end of the text. */
static bool is_port(const char *text)
{
	unsigned number = 0;

	if (!*text)
		return true;
	if (*text++ != ':' || *text == '0' || !*text)
		return false;
	for (; is_digit(*text); text++) {
		number = number * 10 + (unsigned)(*text - '0');
		if (number > 65535)
			return false;
	}
	return !*text;
}

static bool is_label(const char *at, size_t len)
{
	if (len == 0 || len > 63 || at[0] == '-' || at[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_alnum(at[i]) && at[i] != '-')
			return false;
	return true;
}

/* Labels joined by dots. Where the last one is a number, resolvers read the whole as an IPv4
 * address ("127.1" is one), so only the plain spelling of an address passes. */
static bool is_name(const char *name)
{
	const char *label = name;
	struct in_addr v4;

	for (;;) {
		size_t len = strcspn(label, ".");

		if (!is_label(label, len))
			return false;
		if (!label[len])
			break;
		label += len + 1;
	}
	if (is_digit(label[0]) &&
		(strspn(label, "0123456789") == strlen(label) || strncasecmp(label, "0x", 2) == 0))
		return inet_pton(AF_INET, name, &v4) == 1;
	return true;
}

/* The host without its port; false where that is too long. */
static bool cut_port(const char *text, char host[REFERENCE_HOST_MAX + 1], const char **port)
{
	size_t len = text[0] == '[' ? strcspn(text, "]") : strcspn(text, ":");

	if (text[0] == '[' && text[len])
		len++;
	*port = text + len;
	if (len > 255)
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	return true;
}

bool reference_is_host(const char *text)
{
	char host[REFERENCE_HOST_MAX + 1];
	struct in6_addr address;
	const char *port;

	if (!cut_port(text, host, &port) || !is_port(port))
		return false;
	if (host[0] != '[')
		return is_name(host);
	return strspn(host + 1, "0123456789abcdefABCDEF:.") == strlen(host) - 2 &&
	       address_parse(host, &address);
}

bool reference_is_sure_host(const char *text)
{
	return reference_is_host(text) && (strpbrk(text, ".:") || strcmp(text, "localhost") == 0);
}

static bool is_component(const char *at, size_t len)
{
	size_t i = 0;

	for (;;) {
		size_t from = i;

		while (i < len && is_lower_alnum(at[i]))
			i++;
		if (i == from)
			return false;
		if (i == len)
			return true;
		if (at[i] == '.')
			i++;
		else if (at[i] == '_')
			i += i + 1 < len && at[i + 1] == '_' ? 2 : 1;
		else
			while (i < len && at[i] == '-')
				i++;
	}
}

bool reference_is_component(const char *text)
{
	size_t len = strnlen(text, REFERENCE_REPOSITORY_MAX + 1);

	return len <= REFERENCE_REPOSITORY_MAX && is_component(text, len);
}

bool reference_is_repository(const char *text)
{
	if (strnlen(text, REFERENCE_REPOSITORY_MAX + 1) > REFERENCE_REPOSITORY_MAX)
		return false;
	for (;;) {
		size_t len = strcspn(text, "/");

		if (!is_component(text, len))
			return false;
		if (!text[len])
			return true;
		text += len + 1;
	}
}

bool reference_is_tag(const char *text)
{
	size_t len = 0;

	if (!is_alnum(text[0]) && text[0] != '_')
		return false;
	for (; is_alnum(text[len]) || (text[len] && strchr("_.-", text[len])); len++)
		if (len == REFERENCE_TAG_MAX)
			return false;
	return !text[len];
}

bool reference_is_loopback(const char *text)
{
	char host[REFERENCE_HOST_MAX + 1];
	const char *port;

	return cut_port(text, host, &port) && address_host_is_loopback(host);
}

bool reference_is_link_local(const char *text)
{
	char host[REFERENCE_HOST_MAX + 1];
	struct in6_addr address;
	const char *port;

	return cut_port(text, host, &port) && address_parse(host, &address) &&
	       address_is_link_local(&address);
}

static void replace(char *text, char from, char to)
{
	for (; *text; text++)
		if (*text == from)
			*text = to;
}

bool reference_tag_of_version(const char *version, char tag[REFERENCE_TAG_MAX + 1])
{
	size_t len = strnlen(version, REFERENCE_TAG_MAX + 1);

	tag[0] = '\0';
	if (len > REFERENCE_TAG_MAX || memchr(version, '_', len))
		return false;
	memcpy(tag, version, len + 1);
	replace(tag, '+', '_');
	return reference_is_tag(tag);
}

bool reference_version_of_tag(const char *tag, char version[REFERENCE_TAG_MAX + 1])
{
	version[0] = '\0';
	if (!reference_is_tag(tag))
		return false;
	memcpy(version, tag, strlen(tag) + 1);
	replace(version, '_', '+');
	return true;
}

const char *reference_last_component(const char *repository)
{
	const char *slash = strrchr(repository, '/');

	return slash ? slash + 1 : repository;
}

void reference_set_host(const char *at, size_t len, char host[REFERENCE_HOST_MAX + 1])
{
	for (size_t i = 0; i < len; i++)
		host[i] = (char)(at[i] >= 'A' && at[i] <= 'Z' ? at[i] + ('a' - 'A') : at[i]);
	host[len] = '\0';
	if (strcmp(host, "docker.io") == 0 || strcmp(host, "index.docker.io") == 0)
		memcpy(host, "registry-1.docker.io", sizeof("registry-1.docker.io"));
}

/* Sources that are refused for what they hold besides a host and a path. One with an '@' is not
 * quoted: it may hold a password. */
static int check_source(const char *source, const char *rest, struct error *err)
{
	const char *at = strrchr(rest, '@');
	const char *slash = strchr(rest, '/');
	const char *colon;

	if (at && slash && at > slash &&
		strspn(at + 1, "abcdefghijklmnopqrstuvwxyz0123456789") > 0 && strchr(at + 1, ':') &&
		!strchr(at + 1, '/'))
		return fail(err, EINVAL,
			"the source names a digest; mount the repository and open the version below it");
	if (at)
		return fail(err, EINVAL,
			"the source holds a user name or password; use 'chartfs login' instead");
	if (strstr(rest, "://"))
		return fail(
			err, EINVAL, "'%s' is no source: give oci://HOST[:PORT][/PATH]", source);
	colon = slash ? strchr(slash, ':') : NULL;
	if (colon)
		return fail(err, EINVAL,
			"'%s' names a tag; mount '%.*s' and open the version below it", source,
			(int)(colon - source), source);
	return 0;
}

int reference_parse_source(const char *source, char host[REFERENCE_HOST_MAX + 1],
	char path[REFERENCE_REPOSITORY_MAX + 1], struct error *err)
{
	bool has_scheme = strncasecmp(source, "oci://", 6) == 0;
	const char *rest = has_scheme ? source + 6 : source;
	size_t host_len = strcspn(rest, "/"), path_len;
	int r = check_source(source, rest, err);

	host[0] = path[0] = '\0';
	if (r < 0)
		return r;
	if (!*rest && has_scheme)
		return 0;
	if (host_len == 0)
		return fail(err, EINVAL, "'%s' names no registry: give oci://HOST[:PORT][/PATH]",
			source);
	if (host_len <= REFERENCE_HOST_MAX)
		reference_set_host(rest, host_len, host);
	if (!reference_is_host(host)) {
		host[0] = '\0';
		return fail(err, EINVAL, "'%.*s' is not the name of a registry (HOST or HOST:PORT)",
			(int)(host_len < 300 ? host_len : 300), rest);
	}
	if (!has_scheme && !reference_is_sure_host(host))
		return fail(err, EINVAL,
			"'%s' could be a host or a path: write oci://%s if '%s' is a registry",
			source, source, host);
	rest += host_len;
	rest += strspn(rest, "/");
	path_len = strlen(rest);
	while (path_len > 0 && rest[path_len - 1] == '/')
		path_len--;
	if (path_len > 0 && path_len <= REFERENCE_REPOSITORY_MAX) {
		memcpy(path, rest, path_len);
		path[path_len] = '\0';
	}
	if (path_len > 0 && !reference_is_repository(path)) {
		path[0] = '\0';
		return fail(err, EINVAL,
			"'%.*s' is not a path in a registry: lower-case letters, digits and "
			"single separators between them",
			(int)(path_len < 300 ? path_len : 300), rest);
	}
	return 0;
}
