#include "client/auth.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"

struct auth {
	char *host;
};

struct auth *auth_new(const struct auth_setup *setup, struct error *err)
{
	struct auth *auth = must_alloc(sizeof(*auth));

	(void)err;
	auth->host = must_copy(setup->host);
	return auth;
}

void auth_free(struct auth *auth)
{
	if (!auth)
		return;
	free(auth->host);
	free(auth);
}

int auth_authorize(struct auth *auth, const struct scopes *scopes, struct buf *authorization,
	const struct wait *wait, struct error *err)
{
	(void)auth, (void)scopes, (void)authorization, (void)wait, (void)err;
	return 0;
}

int auth_answer(struct auth *auth, const struct response *response, const struct scopes *scopes,
	const char *sent, struct buf *authorization, const struct wait *wait, struct error *err)
{
	(void)response, (void)scopes, (void)sent, (void)authorization, (void)wait;
	return fail(err, EACCES, "%s asks for credentials: run 'chartfs login %s'", auth->host,
		auth->host);
}

void auth_identity(struct auth *auth, const char *repository, char identity[REGISTRY_IDENTITY_SIZE])
{
	(void)auth, (void)repository;
	snprintf(identity, REGISTRY_IDENTITY_SIZE, "anonymous");
}

int auth_list_hosts(const struct client_options *options, struct names *hosts, struct error *err)
{
	(void)options, (void)hosts, (void)err;
	return 0;
}
