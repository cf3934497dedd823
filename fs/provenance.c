#include "fs/provenance.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/layout.h"
#include "fs/local.h"
#include "fs/lookup.h"
#include "fs/mount.h"
#include "fs/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* A clear-signed text has all its bytes when its signature has ended (RFC 9580, section 7). */
static const char end_line[] = "-----END PGP SIGNATURE-----";

static int read_text(int fd, struct buf *text)
{
	char block[4096];

	for (;;) {
		ssize_t n = pread(fd, block, sizeof(block), (off_t)text->len);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		r = buf_append(text, block, (size_t)n);
		if (r < 0)
			return r;
	}
}

static bool is_whole(const struct buf *text)
{
	return text->len && memmem(text->at, text->len, end_line, strlen(end_line));
}

struct node *provenance_beside(struct mount *mount, const struct spool *archive, struct buf *text)
{
	scoped(freep) char *name = must_print("%s.prov", archive->name);
	enum local_kind kind;
	struct node *node = local_get(mount, archive->parent, name, &kind);

	if (!node)
		return NULL;
	if (node->kind == NODE_SPOOL && spool_hold(node->spool)) {
		int r = read_text(node->spool->fd, text);

		spool_let_go(node->spool);
		if (r == 0 && is_whole(text))
			return node;
	}
	tree_unpin(mount->tree, node);
	return NULL;
}

int provenance_read(struct call *call, struct spool *spool, struct buf *text, char **archive_name)
{
	size_t len = strlen(spool->name) - strlen(".prov");
	int r;

	*archive_name = must_copy_n(spool->name, len);
	if (!layout_is_archive(*archive_name))
		return fail(&call->err, EINVAL, "%s: the provenance of NAME.tgz is NAME.tgz.prov",
			spool->name);
	r = read_text(spool->fd, text);
	if (r == -EFBIG)
		return fail(&call->err, EFBIG, "%s is too large for a provenance", spool->name);
	if (r < 0)
		return fail(&call->err, EIO, "cannot read %s back", spool->name);
	if (!is_whole(text))
		return fail(&call->err, ENODATA, "%s has no end of a signature", spool->name);
	return 0;
}

int provenance_archive(struct call *call, const struct spool *spool, const char *archive_name,
	struct node **archive)
{
	enum local_kind kind;
	int r;

	*archive = local_get(call->mount, spool->parent, archive_name, &kind);
	/* Opened over what is published, and nothing written yet; or published, but maybe not the
	 * last under that name. */
	if (*archive && (kind == LOCAL_RECENT ||
				(kind == LOCAL_OVER && !spool_is_dirty((*archive)->spool)))) {
		tree_unpin(call->mount->tree, *archive);
		*archive = NULL;
	}
	if (*archive)
		return 0;
	r = lookup_published(call, spool->parent, archive_name, archive);
	if (r == 0 && (*archive)->kind != NODE_FILE) {
		tree_unpin(call->mount->tree, *archive);
		r = -ENOENT;
	}
	return r;
}

int provenance_push(struct call *call, const struct node *archive, const struct buf *text,
	struct push *push, struct manifest **manifest)
{
	scoped(fact_releasep) struct fact *fact = NULL;
	scoped(chart_freep) struct chart *chart = NULL;
	scoped(closep) int fd = -1;
	const struct manifest *published;
	int r;

	r = chart_check_provenance(text->at, text->len, &archive->digest, &call->err);
	if (r < 0)
		return r;
	r = resolve_manifest(call, archive->registry, archive->path, archive->tag, &fact);
	if (r < 0)
		return r;
	published = fact_value(fact);
	r = resolve_blob(
		call, archive->registry, archive->path, &archive->digest, archive->size, &fd);
	if (r < 0)
		return r;
	chart = chart_load(fd, &call->err);
	if (!chart)
		return fail_within(&call->err, "the published %s", archive->name);
	push->chart = chart;
	push->is_same_archive = true;
	push->provenance = text;
	push->mtime = published->created;
	push->archive = (struct chart_blob){archive->digest, archive->size};
	push->archive_fd = fd;
	push->target.registry = archive->registry;
	snprintf(push->target.repository, sizeof(push->target.repository), "%s", archive->path);
	snprintf(push->target.tag, sizeof(push->target.tag), "%s", archive->tag);
	r = push_chart(call, push, manifest);
	push->chart = NULL;
	push->archive_fd = -1;
	return r;
}
