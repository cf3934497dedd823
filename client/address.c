#include "client/address.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static void set_v4(struct in6_addr *address, struct in_addr v4)
{
	*address = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
	memcpy(address->s6_addr + 12, &v4, sizeof(v4));
}

bool address_parse(const char *text, struct in6_addr *address)
{
	size_t len = strlen(text);
	char inner[INET6_ADDRSTRLEN];
	struct in_addr v4;

	if (inet_aton(text, &v4)) {
		set_v4(address, v4);
		return true;
	}
	if (len > 1 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len >= sizeof(inner))
		return false;
	memcpy(inner, text, len);
	inner[len] = '\0';
	return inet_pton(AF_INET6, inner, address) == 1;
}

bool address_of_socket(const struct sockaddr *socket, struct in6_addr *address)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	switch (socket->sa_family) {
	case AF_INET:
		memcpy(&v4, socket, sizeof(v4));
		set_v4(address, v4.sin_addr);
		return true;
	case AF_INET6:
		memcpy(&v6, socket, sizeof(v6));
		*address = v6.sin6_addr;
		return true;
	default:
		return false;
	}
}

/* Whether the address carries an IPv4 address: mapped, or translated (NAT64, RFC 6052). */
static bool get_v4(const struct in6_addr *address, uint32_t *v4)
{
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	uint32_t last;

	if (!IN6_IS_ADDR_V4MAPPED(address) && memcmp(address->s6_addr, nat64, sizeof(nat64)) != 0)
		return false;
	memcpy(&last, address->s6_addr + 12, sizeof(last));
	*v4 = ntohl(last);
	return true;
}

bool address_is_loopback(const struct in6_addr *address)
{
	uint32_t v4;

	return get_v4(address, &v4) ? v4 >> 24 == 127 : IN6_IS_ADDR_LOOPBACK(address);
}

bool address_is_link_local(const struct in6_addr *address)
{
	uint32_t v4;

	return get_v4(address, &v4) ? v4 >> 16 == 0xa9fe : IN6_IS_ADDR_LINKLOCAL(address);
}

bool address_is_private(const struct in6_addr *address)
{
	static const struct {
		uint32_t network;
		unsigned bits;
	} networks[] = {
		{0x00000000, 8},  /* 0.0.0.0/8 */
		{0x0a000000, 8},  /* 10.0.0.0/8 */
		{0x64400000, 10}, /* 100.64.0.0/10 */
		{0x7f000000, 8},  /* 127.0.0.0/8 */
		{0xa9fe0000, 16}, /* 169.254.0.0/16 */
		{0xac100000, 12}, /* 172.16.0.0/12 */
		{0xc0a80000, 16}, /* 192.168.0.0/16 */
	};
	uint32_t v4;

	if (!get_v4(address, &v4))
		return IN6_IS_ADDR_LOOPBACK(address) || IN6_IS_ADDR_UNSPECIFIED(address) ||
		       IN6_IS_ADDR_LINKLOCAL(address) || IN6_IS_ADDR_SITELOCAL(address) ||
		       (address->s6_addr[0] & 0xfe) == 0xfc;
	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
		if ((v4 ^ networks[i].network) >> (32 - networks[i].bits) == 0)
			return true;
	return false;
}

static bool is_localhost(const char *host)
{
	static const char name[] = "localhost";
	size_t len = strlen(host), name_len = sizeof(name) - 1;

	if (len > 0 && host[len - 1] == '.')
		len--;
	return len >= name_len && strncasecmp(host + len - name_len, name, name_len) == 0 &&
	       (len == name_len || host[len - name_len - 1] == '.');
}

bool address_host_is_loopback(const char *host)
{
	struct in6_addr address;

	return is_localhost(host) ||
	       (address_parse(host, &address) && address_is_loopback(&address));
}

bool address_host_is_private(const char *host)
{
	struct in6_addr address;

	return is_localhost(host) ||
	       (address_parse(host, &address) && address_is_private(&address));
}
