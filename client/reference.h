#pragma once
/*
 * The grammar of what names things in a registry (distribution reference grammar; OCI distribution
 * spec 1.1 "Pulling manifests"), and the one place that knows Helm's mapping between versions,
 * which may hold '+', and tags, which may hold '_' instead (helm pkg/registry).
 * All pure; all take NUL-terminated texts.
 */
#include <stdbool.h>
#include <stddef.h>

enum { REFERENCE_TAG_MAX = 128, REFERENCE_REPOSITORY_MAX = 255, REFERENCE_HOST_MAX = 261 };

/* HOST[:PORT]: a DNS name, an IPv4 address or a bracketed IPv6 address, ports 1 to 65535. */
bool reference_is_host(const char *text);
/* The same, and it can only be a host: it has a '.' or ':' or is "localhost" (DESIGN 2). */
bool reference_is_sure_host(const char *text);
bool reference_is_component(const char *text);
bool reference_is_repository(const char *text);
bool reference_is_tag(const char *text);

/* Whether the host names this machine's loopback: localhost, *.localhost, 127.0.0.0/8, [::1]. */
bool reference_is_loopback(const char *host);
/* Whether it is a literal link-local address, however that is written. */
bool reference_is_link_local(const char *host);

/* The tag that stores a version ('+' becomes '_'), false if there is none: a version holds no '_'
 * of its own, so that no two versions share a tag. */
bool reference_tag_of_version(const char *version, char tag[REFERENCE_TAG_MAX + 1]);
/* The version that a tag shows ('_' becomes '+'); false for what is no tag. */
bool reference_version_of_tag(const char *tag, char version[REFERENCE_TAG_MAX + 1]);

/* The last component of a repository (within the text). */
const char *reference_last_component(const char *repository);

/* The host that a name means (of at most REFERENCE_HOST_MAX bytes): in lower case, and
 * registry-1.docker.io for `docker.io` and `index.docker.io`, which are no hosts that serve it. */
void reference_set_host(const char *at, size_t len, char host[REFERENCE_HOST_MAX + 1]);

/* SOURCE of the command line: [oci://]HOST[:PORT][/PATH], or "oci://" alone. Host (in lower case)
 * and path are put into the buffers ("" for none). Without the scheme only a sure host passes.
 * Refused with a sentence (EINVAL) that holds no secret: userinfo, tag, digest, other schemes, what
 * is not in the grammar. */
struct error;
int reference_parse_source(const char *source, char host[REFERENCE_HOST_MAX + 1],
	char path[REFERENCE_REPOSITORY_MAX + 1], struct error *err);
