#include "cache/base/log.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/resolve_facts.h"

/* The value of a manifest's fact; read by others as the struct manifest it begins with. */
struct known_manifest {
	struct manifest manifest;
	struct manifest *parsed; /* the block that holds the texts and layers */
	uint64_t size;
};

static struct known_manifest no_manifest;

static void free_known(void *of)
{
	struct known_manifest *known = of;

	if (known == &no_manifest)
		return;
	manifest_free(known->parsed);
	free(known);
}

bool resolve_is_no_manifest(const struct fact *fact)
{
	return fact_value(fact) == &no_manifest;
}

/* Keeps verified bytes in the store, where they can be had again by their digest. That this may
 * fail (a full disk) does not matter to who asked. */
static struct known_manifest *know(struct mount *mount, const struct digest *digest,
	const void *bytes, size_t len, struct error *err)
{
	struct manifest *parsed = manifest_parse(bytes, len, err);
	struct known_manifest *known;
	struct error ignored;

	if (!parsed)
		return NULL;
	known = must_alloc(sizeof(*known));
	known->manifest = *parsed;
	known->parsed = parsed;
	known->size = len;
	if (store_put(mount->store, digest, bytes, len, &ignored) < 0)
		log_debug("%s", ignored.text);
	return known;
}

static int ask_manifest(void *of, const struct wait *wait, struct error *err)
{
	struct question *question = of;
	struct mount *mount = question->mount;
	uint64_t epoch = facts_epoch(mount->facts, question->key);
	scoped(buf_freep) struct buf bytes = BUF_INIT(MANIFEST_SIZE_MAX);
	struct known_manifest *known = &no_manifest;
	struct digest digest;
	char tags[RESOLVE_KEY_SIZE];
	int r = registry_fetch_manifest(question->registry, question->repository, question->tag,
		&bytes, &digest, wait, err);

	if (r == -EACCES)
		resolve_refused(mount, question->registry, question->repository);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0)
		known = know(mount, &digest, bytes.at, bytes.len, err);
	if (!known)
		return fail_within(err, "%s/%s:%s", registry_host(question->registry),
			question->repository, question->tag);
	if (r == -ENOENT) {
		/* Tags that list it are not what the registry has now. */
		resolve_key(tags, question->registry, question->repository, ':', "");
		facts_expire(mount->facts, tags);
	}
	facts_put(mount->facts, question->key, epoch, known, free_known);
	return 0;
}

int resolve_manifest(struct call *call, struct registry *registry, const char *repository,
	const char *tag, struct fact **manifest)
{
	struct question question = {.mount = call->mount,
		.registry = registry,
		.repository = repository,
		.tag = tag,
		.ask = ask_manifest};
	int r;

	resolve_key(question.key, registry, repository, ':', tag);
	r = resolve_answer(call, &question, manifest);
	if (r < 0 || !resolve_is_no_manifest(*manifest))
		return r;
	fact_release(take(*manifest));
	return fail(&call->err, ENOENT, "%s/%s has no tag '%s'", registry_host(registry),
		repository, tag);
}

bool resolve_known_manifest(struct mount *mount, struct registry *registry, const char *repository,
	const char *tag, const struct digest *digest, struct buf *bytes)
{
	scoped(fact_releasep) struct fact *fact = NULL;
	scoped(closep) int fd = -1;
	const struct known_manifest *known;
	char key[RESOLVE_KEY_SIZE], chunk[4096];
	ssize_t got;

	resolve_key(key, registry, repository, ':', tag);
	fact = facts_get(mount->facts, key);
	if (!fact || resolve_is_no_manifest(fact))
		return false;
	known = fact_value(fact);
	if (!digest_equal(&known->manifest.digest, digest))
		return false;
	fd = store_open_blob(mount->store, digest, known->size);
	if (fd < 0)
		return false;
	while ((got = read(fd, chunk, sizeof(chunk))) > 0)
		if (buf_append(bytes, chunk, (size_t)got) < 0)
			return false;
	return got == 0;
}

void resolve_add_manifest(struct mount *mount, struct registry *registry, const char *repository,
	const char *tag, const void *bytes, size_t len)
{
	struct digest digest = digest_of(bytes, len);
	struct known_manifest *known;
	char key[RESOLVE_KEY_SIZE];
	struct error err;

	resolve_key(key, registry, repository, ':', tag);
	facts_expire(mount->facts, key);
	known = know(mount, &digest, bytes, len, &err);
	if (known)
		facts_put(mount->facts, key, facts_epoch(mount->facts, key), known, free_known);
}
