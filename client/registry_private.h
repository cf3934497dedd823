#pragma once
/* What the files registry*.c and client.c share. */
#include "client/endpoint.h"
#include "client/exchange.h"
#include "client/registry.h"
#include "client/status.h"

struct registry {
	struct endpoint *endpoint;
};

struct registry *registry_new(const struct auth_setup *setup);
void registry_free(struct registry *registry);

/* What an endpoint of this host is made of; owned by the client, the host by the caller. */
struct auth_setup client_setup(struct client *client, const char *host);

/* status_fail() for an answer of this registry. */
int registry_fail(struct error *err, struct registry *registry, enum status_of of,
	const struct response *response, const char *repository);

/* A push was refused with -EACCES: ENOENT where the registry's words mean that something has to be
 * created first; these words where its 401 asks for nothing. Returns -err->code. */
int registry_refused(struct registry *registry, const struct response *response,
	const char *repository, struct error *err);

/* The Basic header of the stored user for the registry's own interfaces, "" where there is none. */
int registry_password(struct registry *registry, const char *repository, struct buf *authorization,
	const struct wait *wait, struct error *err);
