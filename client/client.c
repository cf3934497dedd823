#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/registry_private.h"

struct client {
	struct client_options options; /* our copies */
	struct transport *transport;
	struct certs *certs;
	struct keyring *keyring;
	pthread_mutex_t lock;
	struct map registries; /* guarded by lock; by host */
};

static const char *copy(const char *text)
{
	return text ? must_copy(text) : NULL;
}

static void copy_options(struct client_options *to, const struct client_options *from)
{
	*to = *from;
	to->ca_file = copy(from->ca_file);
	to->cert_file = copy(from->cert_file);
	to->key_file = copy(from->key_file);
	to->username = copy(from->username);
	to->password_file = copy(from->password_file);
}

static void free_options(struct client_options *options)
{
	freep(&options->ca_file);
	freep(&options->cert_file);
	freep(&options->key_file);
	freep(&options->username);
	freep(&options->password_file);
}

struct client *client_new(const struct client_options *options, struct error *err)
{
	scoped(client_freep) struct client *client = must_alloc(sizeof(*client));

	pthread_mutex_init(&client->lock, NULL);
	copy_options(&client->options, options);
	client->keyring = keyring_new(options->username, options->password_file, err);
	if (!client->keyring)
		return NULL;
	client->transport = transport_new(options->timeout_ms, err);
	if (!client->transport)
		return NULL;
	client->certs = certs_new(&client->options, err);
	if (!client->certs)
		return NULL;
	return take(client);
}

int client_start(struct client *client, struct error *err)
{
	return transport_start(client->transport, err);
}

void client_stop(struct client *client)
{
	transport_stop(client->transport);
}

static void free_registry(void *registry)
{
	registry_free(registry);
}

void client_free(struct client *client)
{
	if (!client)
		return;
	map_clear(&client->registries, free_registry);
	transport_free(client->transport);
	certs_free(client->certs);
	keyring_free(client->keyring);
	pthread_mutex_destroy(&client->lock);
	free_options(&client->options);
	free(client);
}

void client_freep(struct client **client)
{
	client_free(*client);
}

struct auth_setup client_setup(struct client *client, const char *host)
{
	return (struct auth_setup){.transport = client->transport,
		.certs = client->certs,
		.keyring = client->keyring,
		.options = &client->options,
		.host = host};
}

struct registry *client_registry(struct client *client, const char *host)
{
	struct auth_setup setup = client_setup(client, host);
	struct registry *registry;

	pthread_mutex_lock(&client->lock);
	registry = map_get(&client->registries, host);
	if (!registry) {
		registry = registry_new(&setup);
		map_put(&client->registries, host, registry);
	}
	pthread_mutex_unlock(&client->lock);
	return registry;
}

int client_list_hosts(struct client *client, struct names *hosts, struct error *err)
{
	if (keyring_add_hosts(client->keyring, hosts) < 0)
		return fail(err, ENOMEM, "cannot list the stored logins");
	names_sort(hosts);
	return 0;
}
