#include "cache/base/scope.h"
#include "fs/resolve_facts.h"

/* A blob on its way from a registry into the store. */
struct download {
	struct mount *mount;
	struct registry *registry;
	const char *repository;
	const struct digest *digest;
	uint64_t size;
};

static int append(void *to, const void *bytes, size_t len, struct error *err)
{
	return store_append(to, bytes, len, err);
}

static int start_again(void *to, struct error *err)
{
	return store_rewind(to, err);
}

/* Whether the store has the blob; then its descriptor, else -1. */
static int open_at_hand(const struct download *download)
{
	int fd = store_open_blob(download->mount->store, download->digest, download->size);

	return fd < 0 ? -1 : fd;
}

static int fetch(void *of, const struct wait *wait, struct error *err)
{
	struct download *download = of;
	struct store *store = download->mount->store;
	scoped(closep) int at_hand = open_at_hand(download);
	scoped(closep) int lock = -1;
	scoped(store_abortp) struct transaction *transaction = NULL;
	struct sink sink = {.append = append, .rewind = start_again};
	int r;

	if (at_hand >= 0)
		return 0;
	lock = store_lock_blob(store, download->digest, wait, err);
	if (lock < 0)
		return lock;
	/* Another process may have fetched it while this one waited for the lock. */
	at_hand = open_at_hand(download);
	if (at_hand >= 0)
		return 0;
	transaction = store_begin(store, download->digest, download->size, err);
	if (!transaction)
		return -err->code;
	sink.to = transaction;
	r = registry_fetch_blob(download->registry, download->repository, download->digest,
		download->size, &sink, wait, err);
	if (r == -EACCES)
		resolve_refused(download->mount, download->registry, download->repository);
	if (r < 0)
		return r;
	return store_commit(take(transaction), err);
}

int resolve_blob(struct call *call, struct registry *registry, const char *repository,
	const struct digest *digest, uint64_t size, int *fd)
{
	struct download download = {call->mount, registry, repository, digest, size};
	char key[RESOLVE_KEY_SIZE], text[DIGEST_TEXT_SIZE];
	int r;

	*fd = open_at_hand(&download);
	if (*fd >= 0)
		return 0;
	if (!call->may_wait)
		return -EWOULDBLOCK;
	/* By identity too: who is refused must not be told so to others. The lock of the digest
	 * keeps two identities from fetching it at once. */
	digest_print(digest, text);
	resolve_key(key, registry, repository, '@', text);
	r = flights_run(call->mount->flights, key, fetch, &download, &call->wait, &call->err);
	if (r == -EINTR)
		return fail(&call->err, EINTR, "cancelled while fetching from %s/%s",
			registry_host(registry), repository);
	if (r < 0)
		return r;
	*fd = open_at_hand(&download);
	if (*fd < 0)
		return fail(
			&call->err, EIO, "the cache has lost %s right after it was fetched", text);
	return 0;
}
