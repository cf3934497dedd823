/* login and logout, as `helm registry` does them: the registry is asked first, then Helm's file
 * keeps what it accepted. */
#include "cache/base/log.h"
#include "cache/base/scope.h"
#include "client/credentials.h"
#include "client/keyring.h"
#include "client/login_file.h"
#include "client/logins.h"
#include "client/registry_private.h"

static void endpoint_freep(struct endpoint **endpoint)
{
	endpoint_free(*endpoint);
}

static int check(struct endpoint *endpoint, struct error *err)
{
	scoped(exchange_clearp) struct exchange ping = {.method = "GET", .path = "/v2/"};
	const char *host = endpoint_host(endpoint);
	int r = exchange_run(endpoint, &ping, NULL, err);

	if (r < 0)
		return r;
	if (ping.response.status == 404)
		return fail(err, ENOENT, "%s is no registry (it knows no /v2/)", host);
	if (ping.response.status != 200)
		return status_fail(
			err, STATUS_OF_READ, &ping.response, endpoint_quirks(endpoint), host, "");
	return 0;
}

int client_login(struct client *client, const char *host, const char *username, const char *secret,
	struct error *err)
{
	bool is_hub = credentials_same_host(host, "docker.io");
	struct auth_setup setup = client_setup(client, is_hub ? "registry-1.docker.io" : host);
	scoped(endpoint_freep) struct endpoint *endpoint = endpoint_new(&setup);
	scoped(account_wipe) struct account account = {0};
	scoped(secret_freep) char *identity_token = NULL;
	scoped(freep) char *path = logins_path();
	int r;

	account_set(&account, ACCOUNT_PASSWORD, username, secret);
	auth_use(endpoint_auth(endpoint), &account);
	r = check(endpoint, err);
	if (r < 0)
		return r;
	identity_token = auth_take_identity_token(endpoint_auth(endpoint));
	if (identity_token) {
		account_wipe(&account);
		account_set(&account, ACCOUNT_IDENTITY, username, identity_token);
	}
	return login_file_put(path, host, &account, err);
}

/* What other programs have stored is theirs to forget; but it would go on to be used. */
static void warn_of_others(const char *host)
{
	struct error err, trouble;
	struct keyring *keyring = keyring_new(NULL, NULL, &err);
	struct account account = {0};

	if (!keyring)
		return;
	if (keyring_find(keyring, host, "", &account, &trouble, NULL, &err) == 0 &&
		account.kind != ACCOUNT_NONE)
		log_warn("another program's file still has a login for %s: use that program's "
			 "logout, as 'docker logout %s'",
			host, host);
	account_wipe(&account);
	keyring_free(keyring);
}

int client_logout(struct client *client, const char *host, struct error *err)
{
	scoped(freep) char *path = logins_path();
	bool found;
	int r = login_file_remove(path, host, &found, err);

	(void)client;
	if (r == 0)
		warn_of_others(host);
	return r;
}
