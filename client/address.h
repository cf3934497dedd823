#pragma once
/* Internet addresses, for the rules on where credentials may go. An IPv4 address is handled in its
 * IPv6 form (::ffff:a.b.c.d), so that there is one kind only. Pure. */
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Reads an address as the system's resolver would: IPv6 (with or without brackets), IPv4, and the
 * old spellings of it ("127.1", "0x7f000001"). False for a name. */
bool address_parse(const char *text, struct in6_addr *address);

/* The address of a connection's end; false where it is neither IPv4 nor IPv6. */
bool address_of_socket(const struct sockaddr *socket, struct in6_addr *address);

/* 127.0.0.0/8 and ::1. */
bool address_is_loopback(const struct in6_addr *address);

/* 169.254.0.0/16 and fe80::/10: the machine's surroundings, a cloud's metadata service among them.
 */
bool address_is_link_local(const struct in6_addr *address);

/* An address that is not on the public internet: loopback, private (RFC 1918, RFC 4193), shared
 * (RFC 6598), link-local, unspecified. */
bool address_is_private(const struct in6_addr *address);

/* The same for the host of a URL, which may be a name: true for literal addresses only, and for
 * "localhost" and the names below it (RFC 6761). */
bool address_host_is_loopback(const char *host);
bool address_host_is_private(const char *host);
