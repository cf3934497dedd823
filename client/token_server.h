#pragma once
/* One question to a token server: by OAuth2's refresh grant for an identity token, by a GET for a
 * password, or for nobody. */
#include "cache/base/wait.h"
#include "client/certs.h"
#include "client/token.h"
#include "client/transport.h"

#include <stdbool.h>

struct token_server {
	struct transport *transport;
	struct certs *certs;
	const char *host;   /* the registry that named it */
	const char *whose;  /* for sentences: the "stored" credentials, or the "given" ones */
	const char *remedy; /* what to do about those that are refused */
	bool only_public;   /* it must have a public address (realm.h) */
	bool is_registry;   /* it is the registry itself: same scheme, host and port */
};

/* EACCES where the server does not accept the credentials, or gives no such rights; EIO where it
 * fails or answers with what is no token; else the transport's errors. Each with the remedy. */
int token_server_ask(const struct token_server *server, const struct token_question *question,
	const struct account *account, struct token *token, const struct wait *wait,
	struct error *err);
