#include "client/realm.h"

#include "client/address.h"
#include "client/url.h"

#include <errno.h>
#include <string.h>

int realm_check(
	const char *url, enum peer peer, const char *realm, bool *only_public, struct error *err)
{
	struct url registry, server;

	*only_public = false;
	if (!url_parse(url, &registry) || !url_parse(realm, &server))
		return fail(err, EIO, "%s names a token server that is no URL",
			url_parse(url, &registry) ? registry.host : "the registry");
	if (registry.is_https && !server.is_https)
		return fail(err, EACCES,
			"%s wants its token fetched from %s without TLS: no credentials go there; "
			"its token server must have an https address",
			registry.host, server.host);
	if (strcmp(registry.host, server.host) == 0)
		return 0;
	if (peer == PEER_PRIVATE || address_host_is_private(registry.host))
		return 0;
	/* A proxy that leads to the registry need not lead to the token server as well: whether
	 * one does shows at the connection. */
	if (peer != PEER_PROXY && address_host_is_private(server.host))
		return fail(err, EACCES,
			"%s is a public registry, but wants its token fetched from the private "
			"address %s: no credentials go there",
			registry.host, server.host);
	*only_public = true;
	return 0;
}
