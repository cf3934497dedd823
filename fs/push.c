#include "fs/push.h"

#include "cache/base/log.h"
#include "cache/base/scope.h"
#include "fs/mount.h"
#include "fs/resolve.h"

#include <errno.h>
#include <string.h>

/* What a push is made of, encoded. */
struct parts {
	struct buf manifest;
	struct digest manifest_digest;
	struct chart_blob provenance;
	struct upload uploads[3];
	size_t count;
};

static int encode(struct call *call, const struct push *push, struct parts *parts)
{
	const struct buf *config = chart_config(push->chart);
	bool has_provenance = push->provenance != NULL;
	int r;

	if (has_provenance)
		parts->provenance =
			(struct chart_blob){digest_of(push->provenance->at, push->provenance->len),
				push->provenance->len};
	r = chart_manifest(push->chart, &push->archive, has_provenance ? &parts->provenance : NULL,
		push->mtime, &parts->manifest, &call->err);
	if (r < 0)
		return r;
	parts->manifest_digest = digest_of(parts->manifest.at, parts->manifest.len);
	parts->uploads[parts->count++] =
		(struct upload){digest_of(config->at, config->len), config->len, config->at, -1};
	parts->uploads[parts->count++] =
		(struct upload){push->archive.digest, push->archive.size, NULL, push->archive_fd};
	if (has_provenance)
		parts->uploads[parts->count++] = (struct upload){
			parts->provenance.digest, parts->provenance.size, push->provenance->at, -1};
	return 0;
}

static bool has_archive(const struct manifest *manifest, const struct push *push)
{
	return manifest->chart && digest_equal(&manifest->chart->digest, &push->archive.digest);
}

/* Whether a manifest holds this archive, and the provenance if one was written. */
static bool holds(const struct manifest *manifest, const struct push *push)
{
	if (!has_archive(manifest, push))
		return false;
	if (!push->provenance)
		return true;
	if (!manifest->provenance)
		return false;
	struct digest digest = digest_of(push->provenance->at, push->provenance->len);

	return digest_equal(&manifest->provenance->digest, &digest);
}

/*
 * Whether what the tag means already is what is to be pushed; then `*published` is it. The manifest
 * is ours, or known from before, or asked for once.
 */
static int is_published(struct call *call, const struct push *push, const struct parts *parts,
	const struct digest *digest, struct manifest **published)
{
	const struct target *target = &push->target;
	scoped(buf_freep) struct buf bytes = BUF_INIT(MANIFEST_SIZE_MAX);
	scoped(manifest_freep) struct manifest *manifest = NULL;
	char text[DIGEST_TEXT_SIZE];
	struct digest fetched;
	int r;

	digest_print(digest, text);
	if (digest_equal(digest, &parts->manifest_digest))
		r = buf_append(&bytes, parts->manifest.at, parts->manifest.len);
	else if (resolve_known_manifest(call->mount, target->registry, target->repository,
			 target->tag, digest, &bytes))
		r = 0;
	else
		r = registry_fetch_manifest(target->registry, target->repository, text, &bytes,
			&fetched, &call->wait, &call->err);
	if (r == -ENOENT)
		return 0; /* moved or gone meanwhile: then it is to be pushed */
	if (r < 0)
		return r;
	manifest = manifest_parse(bytes.at, bytes.len, &call->err);
	if (push->is_same_archive && (!manifest || !has_archive(manifest, push)))
		return fail(&call->err, EINVAL,
			"the archive has been replaced: copy its own provenance");
	if (!manifest || !holds(manifest, push))
		return 0;
	resolve_pushed(call->mount, target->registry, target->repository, target->tag, bytes.at,
		bytes.len);
	*published = take(manifest);
	return 1;
}

static int upload(struct call *call, const struct push *push, const struct parts *parts,
	bool is_asked, struct manifest **published)
{
	const struct target *target = &push->target;
	struct digest digest;
	bool is_found = false;
	int r;

	r = registry_push_blobs(target->registry, target->repository, parts->uploads, parts->count,
		is_asked ? NULL : target->tag, &is_found, &digest, &call->wait, &call->err);
	/* A refusal of the manifest may be of this one tag, or mean a quota. */
	if (r == -EACCES)
		resolve_push_refused(call->mount, target->registry, target->repository, &call->err);
	if (r < 0)
		return r;
	if (is_found) {
		r = is_published(call, push, parts, &digest, published);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	r = registry_put_manifest(target->registry, target->repository, target->tag,
		parts->manifest.at, parts->manifest.len, MANIFEST_TYPE, &call->wait, &call->err);
	if (r < 0)
		return r;
	resolve_pushed(call->mount, target->registry, target->repository, target->tag,
		parts->manifest.at, parts->manifest.len);
	*published = manifest_parse(parts->manifest.at, parts->manifest.len, &call->err);
	return *published ? 0 : -call->err.code;
}

/* The archive into the cache, so that reading back what was pushed asks nobody. */
static void cache_archive(struct call *call, const struct push *push)
{
	struct error err;

	if (store_put_file(call->mount->store, &push->archive.digest, push->archive_fd,
		    push->archive.size, &err) < 0)
		log_warn("%s:%s is pushed, but could not be cached: %s", push->target.repository,
			push->target.tag, err.text);
}

int push_chart(struct call *call, const struct push *push, struct manifest **manifest)
{
	const struct target *target = &push->target;
	struct parts parts = {.manifest = BUF_INIT(MANIFEST_SIZE_MAX)};
	struct digest digest;
	bool is_asked = false, has_digest;
	int r;

	*manifest = NULL;
	r = encode(call, push, &parts);
	/* A tag that is known to exist is asked first: then often nothing has to be sent. */
	if (r == 0 && resolve_peek_tag(call->mount, target->registry, target->repository,
			      target->tag, &has_digest, &digest) == 1) {
		r = registry_head_manifest(target->registry, target->repository, target->tag,
			&digest, &call->wait, &call->err);
		is_asked = r == 0;
		if (r == 0)
			r = is_published(call, push, &parts, &digest, manifest);
		if (r == -ENOENT)
			r = 0;
	}
	if (r == 0)
		r = upload(call, push, &parts, is_asked, manifest);
	buf_clear(&parts.manifest);
	if (r == -EACCES)
		resolve_doubt(call->mount, target->registry, target->repository);
	if (r < 0)
		return fail_within(&call->err, "cannot push %s/%s:%s",
			registry_host(target->registry), target->repository, target->tag);
	if (wait_is_over(&call->wait)) /* too late: its writer will not hear of it */
		log_info("%s/%s:%s is published, though its writer was interrupted",
			registry_host(target->registry), target->repository, target->tag);
	cache_archive(call, push);
	return 0;
}
