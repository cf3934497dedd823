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
