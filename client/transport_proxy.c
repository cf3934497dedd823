#include "cache/base/scope.h"
#include "client/address.h"
#include "client/transport_private.h"

#include <string.h>
#include <strings.h>

/* "10.0.0.0/8", "fd00::/8" */
static bool is_in_network(const char *network, const char *host)
{
	const char *slash = strchr(network, '/');
	struct in6_addr net, address;
	char text[64];
	unsigned long bits;
	char *end;

	if (!slash || (size_t)(slash - network) >= sizeof(text))
		return false;
	memcpy(text, network, (size_t)(slash - network));
	text[slash - network] = '\0';
	bits = strtoul(slash + 1, &end, 10);
	if (end == slash + 1 || *end || !address_parse(text, &net) ||
		!address_parse(host, &address))
		return false;
	if (!strchr(text, ':'))
		bits += 96; /* IPv4 stands in its IPv6 form */
	if (bits > 128)
		return false;
	for (unsigned i = 0; i < bits; i++)
		if ((net.s6_addr[i / 8] ^ address.s6_addr[i / 8]) & (0x80 >> i % 8))
			return false;
	return true;
}

static bool is_excluded_by(char *entry, const char *host, unsigned port)
{
	char *colon = strrchr(entry, ':');
	size_t host_len = strlen(host), len;

	if (strcmp(entry, "*") == 0)
		return true;
	if (strchr(entry, '/'))
		return is_in_network(entry, host);
	if (colon && strchr(entry, ':') == colon) { /* one colon: a port, no IPv6 address */
		if (strtoul(colon + 1, NULL, 10) != port)
			return false;
		*colon = '\0';
	}
	if (entry[0] == '.' || (entry[0] == '*' && entry[1] == '.'))
		entry += entry[0] == '*' ? 2 : 1;
	len = strlen(entry);
	if (!len || len > host_len || strcasecmp(host + host_len - len, entry) != 0)
		return false;
	return len == host_len || host[host_len - len - 1] == '.';
}

bool transport_proxy_excludes(const char *list, const char *host, unsigned port)
{
	char entry[URL_HOST_SIZE + 8];

	while (*list) {
		size_t len = strcspn(list, ", \t");

		if (len && len < sizeof(entry)) {
			memcpy(entry, list, len);
			entry[len] = '\0';
			if (is_excluded_by(entry, host, port))
				return true;
		}
		list += len + (list[len] != '\0');
	}
	return false;
}

static const char *from_environment(const char *lower, const char *upper)
{
	const char *value = getenv(lower);

	if (!value || !*value)
		value = getenv(upper);
	return value && *value ? value : NULL;
}

const char *transport_proxy(const struct url *url)
{
	const char *proxy = url->is_https ? from_environment("https_proxy", "HTTPS_PROXY")
					  : from_environment("http_proxy", "HTTP_PROXY");
	const char *excluded = from_environment("no_proxy", "NO_PROXY");

	if (!proxy)
		proxy = from_environment("all_proxy", "ALL_PROXY");
	if (!proxy || address_host_is_loopback(url->host))
		return "";
	if (excluded && transport_proxy_excludes(excluded, url->host, url->port))
		return "";
	return proxy;
}
