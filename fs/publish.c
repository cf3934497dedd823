#include "fs/publish.h"

#include "cache/base/log.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/layout.h"
#include "fs/local.h"
#include "fs/lookup.h"
#include "fs/mount.h"
#include "fs/notify.h"
#include "fs/provenance.h"
#include "fs/push.h"
#include "fs/resolve.h"
#include "fs/spool.h"

#include <errno.h>
#include <string.h>

bool publish_is_scratch(const struct node *parent, const char *name)
{
	return parent->kind == NODE_SCRATCH || layout_is_scratch(name);
}

/* An archive or provenance that has not ended: an error for who opened it, who will write no more;
 * nothing yet for a helper of his that closes its copy. */
static int refuse_unfinished(struct call *call, const struct spool *spool, bool is_strict)
{
	pid_t process = call_process(call);

	if (!is_strict && spool->opener && process && process != spool->opener)
		return 0;
	return fail(&call->err, EINVAL, "%s is not whole: it ends too early", spool->name);
}

/*
 * The name stands from now on for what was published under it. Under its own name it would be found
 * anyway; the entry then only keeps the node, and with it the times that the user set.
 */
static void name_published(struct call *call, struct spool *spool, const struct target *target,
	const struct manifest *manifest, const struct layer *layer)
{
	struct mount *mount = call->mount;
	char own[2 * REFERENCE_TAG_MAX + REFERENCE_REPOSITORY_MAX];
	char version[REFERENCE_TAG_MAX + 1];
	struct node *node;
	bool is_own;

	reference_version_of_tag(target->tag, version);
	layout_file_name(
		target->repository, version, layer == manifest->provenance, own, sizeof(own));
	is_own = strcmp(own, spool->name) == 0;
	node = lookup_file(mount, spool->parent, spool->name, target->repository, target->tag,
		&layer->digest, layer->size, manifest->created);
	tree_set_mtime(mount->tree, node, spool->mtime.tv_sec);
	/* Another file may have been given the name meanwhile. */
	if (!spool_is_unlinked(spool))
		local_put(mount, spool->parent, spool->name, is_own ? LOCAL_RECENT : LOCAL_TYPED,
			node);
	tree_unpin(mount->tree, node);
	spool_set_state(spool, SPOOL_CLEAN);
	notify_entry(mount, spool->parent, spool->name);
	notify_directory(mount, spool->parent);
}

/* The provenance that waited beside the archive went with it. Where it is in use just now its own
 * close will find it published. */
static void settle_provenance(struct call *call, struct node *node, const struct target *target,
	const struct manifest *manifest)
{
	struct call at_once = {.mount = call->mount};

	if (spool_acquire(&at_once, node->spool) < 0)
		return;
	name_published(call, node->spool, target, manifest, manifest->provenance);
	spool_retire(node->spool);
	spool_release(node->spool);
}

static int push_archive(struct call *call, struct spool *spool, const struct chart *chart,
	struct push *push, struct manifest **manifest)
{
	int r = target_of_chart(
		call, spool->parent, chart_name(chart), chart_version(chart), &push->target);

	if (r < 0)
		return r;
	push->chart = chart;
	push->mtime = spool->mtime.tv_sec;
	push->archive_fd = spool->fd;
	if (digest_of_file(spool->fd, &push->archive.digest, &push->archive.size) < 0)
		return fail_errno(&call->err, "reading %s back", spool->name);
	if (push->provenance) {
		r = chart_check_provenance(push->provenance->at, push->provenance->len,
			&push->archive.digest, &call->err);
		if (r < 0)
			return r;
	}
	return push_chart(call, push, manifest);
}

static int publish_archive(struct call *call, struct spool *spool, bool is_strict)
{
	scoped(chart_freep) struct chart *chart = chart_load(spool->fd, &call->err);
	scoped(buf_freep) struct buf text = BUF_INIT(PROVENANCE_SIZE_MAX);
	scoped(manifest_freep) struct manifest *manifest = NULL;
	struct push push = {0};
	struct node *beside;
	int r;

	if (!chart && call->err.code == ENODATA)
		return refuse_unfinished(call, spool, is_strict);
	if (!chart) {
		spool_set_complete(spool, true);
		return fail_within(&call->err, "%s is no chart", spool->name);
	}
	beside = provenance_beside(call->mount, spool, &text);
	push.provenance = beside ? &text : NULL;
	r = push_archive(call, spool, chart, &push, &manifest);
	spool_set_complete(spool, true);
	if (r == 0 && manifest) {
		local_published(call->mount, registry_host(push.target.registry),
			push.target.repository, push.target.tag);
		name_published(call, spool, &push.target, manifest, manifest->chart);
		if (beside && manifest->provenance)
			settle_provenance(call, beside, &push.target, manifest);
	}
	if (beside)
		tree_unpin(call->mount->tree, beside);
	return r;
}

/* The archive beside a provenance is a spool of this mount whose push has failed: both again. One
 * whose push was under way is published now, without the provenance. */
static int publish_both(struct call *call, struct node *archive, bool *is_staged)
{
	int r = spool_await_writer(call, archive->spool);

	if (r == 0 || r == -EBUSY)
		r = spool_acquire(call, archive->spool);
	if (r < 0)
		return r;
	/* One that is still being written takes the provenance along at its own close. */
	*is_staged = spool_is_listed(archive->spool) && archive->spool->state != SPOOL_CLEAN &&
		     !spool_is_unlinked(archive->spool);
	if (!*is_staged && spool_is_dirty(archive->spool) && !spool_is_unlinked(archive->spool))
		r = publish_archive(call, archive->spool, true);
	spool_release(archive->spool);
	return r;
}

/* The archive beside a provenance is published: its manifest again, with both layers. */
static int publish_again(
	struct call *call, struct spool *spool, const struct node *archive, const struct buf *text)
{
	scoped(manifest_freep) struct manifest *manifest = NULL;
	struct push push = {.provenance = text};
	int r = provenance_push(call, archive, text, &push, &manifest);

	if (r == 0 && manifest->provenance)
		name_published(call, spool, &push.target, manifest, manifest->provenance);
	return r;
}

static int publish_provenance(struct call *call, struct spool *spool, bool is_strict)
{
	scoped(buf_freep) struct buf text = BUF_INIT(PROVENANCE_SIZE_MAX);
	scoped(freep) char *archive_name = NULL;
	bool is_staged = false;
	struct node *archive;
	int r = provenance_read(call, spool, &text, &archive_name);

	if (r == -ENODATA)
		return refuse_unfinished(call, spool, is_strict);
	if (r < 0)
		return r;
	spool_set_complete(spool, true);
	r = provenance_archive(call, spool, archive_name, &archive);
	if (r == -ENOENT) {
		log_info("%s is kept until its archive is copied here; it is not published yet",
			spool->name);
		return 0;
	}
	if (r < 0)
		return r;
	if (archive->kind == NODE_SPOOL)
		r = publish_both(call, archive, &is_staged);
	else
		r = publish_again(call, spool, archive, &text);
	/* The archive is published now, with this text: what is left is to find that so. */
	if (r == 0 && archive->kind == NODE_SPOOL && !is_staged)
		r = publish_provenance(call, spool, is_strict);
	tree_unpin(call->mount->tree, archive);
	return r;
}

int publish_spool(struct call *call, struct node *node, bool is_strict)
{
	struct spool *spool = node->spool;
	int r;

	if (spool->state != SPOOL_DIRTY || publish_is_scratch(spool->parent, spool->name))
		return 0;
	if (spool_is_unlinked(spool))
		return fail(&call->err, ENOENT,
			"%s was removed or replaced before it was published: copy it again",
			spool->name);
	if (!call->may_wait)
		return -EWOULDBLOCK;
	mount_begin_push(call->mount);
	r = layout_is_provenance(spool->name) ? publish_provenance(call, spool, is_strict)
					      : publish_archive(call, spool, is_strict);
	mount_end_push(call->mount);
	if (r < 0)
		spool_set_failed(spool, true);
	return r;
}

int publish_rename(
	struct call *call, struct node *node, struct node *new_parent, const char *new_name)
{
	struct mount *mount = call->mount;
	struct spool *spool = node->spool;
	struct node *old_parent = spool->parent;
	scoped(freep) char *old_name = must_copy(spool->name);
	enum spool_state old_state = spool->state;
	bool was_complete = spool->is_complete, was_failed = spool->is_failed;
	int r;

	tree_pin(mount->tree, old_parent);
	spool_move(spool, new_parent, new_name);
	/* Bytes that were published under the old name are pushed under the new one. */
	if (spool->state == SPOOL_CLEAN && !spool->is_over)
		spool_set_state(spool, SPOOL_DIRTY);
	/* Scratch is listed whatever is in it, and is not to be published. */
	if (publish_is_scratch(new_parent, new_name)) {
		spool_set_complete(spool, false);
		spool_set_failed(spool, false);
	}
	r = publish_spool(call, node, true);
	if (r < 0) {
		spool_move(spool, old_parent, old_name);
		spool_set_state(spool, old_state);
		spool_set_complete(spool, was_complete);
		spool_set_failed(spool, was_failed);
	} else {
		if (spool->state != SPOOL_CLEAN)
			local_put(mount, new_parent, new_name, LOCAL_FILE, node);
		local_remove(mount, old_parent, old_name, node);
		notify_directory(mount, old_parent);
		if (spool->state == SPOOL_CLEAN)
			spool_retire(spool);
	}
	tree_unpin(mount->tree, old_parent);
	return r;
}

/* A name that was published may have bytes written on to it by whoever had it open. */
static bool has_name(struct mount *mount, const struct spool *spool, const struct node *node)
{
	enum local_kind kind;
	struct node *named = local_get(mount, spool->parent, spool->name, &kind);

	if (named)
		tree_unpin(mount->tree, named);
	return named == node;
}

void publish_give_up(struct call *call, struct node *node)
{
	struct call waiting = {.mount = call->mount, .may_wait = true};
	struct spool *spool = node->spool;
	char reason[512];

	if (spool_acquire(&waiting, spool) < 0)
		return;
	if (spool->state == SPOOL_DIRTY && !spool_is_unlinked(spool) &&
		!publish_is_scratch(spool->parent, spool->name)) {
		/* A provenance that is whole may wait for its archive. */
		if (!spool->is_complete)
			spool_set_failed(spool, true);
		snprintf(reason, sizeof(reason), "%s was not published", spool->name);
		/* Over a name that was but typed it is a new file like any other. */
		if (spool->is_over &&
			local_is_typed(call->mount, spool->parent, spool->name, false)) {
			spool->is_over = false;
			local_put(call->mount, spool->parent, spool->name, LOCAL_FILE, node);
		}
		if (spool->is_over || !has_name(call->mount, spool, node))
			spool_keep(spool, reason);
		else if (!layout_is_provenance(spool->name))
			log_err("%s; it stays in this mount by its name: copy it again or remove it",
				reason);
	}
	if (spool->is_over && local_remove(call->mount, spool->parent, spool->name, node))
		notify_entry(call->mount, spool->parent, spool->name);
	spool_release(spool);
}

void publish_closed(struct call *call, struct node *node)
{
	struct call waiting = {.mount = call->mount, .may_wait = true};
	struct spool *spool = node->spool;

	spool_let_go(spool);
	if (spool_acquire(&waiting, spool) < 0)
		return;
	/* What is published, given up or unlinked has no name that leads here. */
	if (spool->state == SPOOL_CLEAN || spool->is_over || spool_is_unlinked(spool))
		spool_retire(spool);
	spool_release(spool);
}

static void end_one(struct mount *mount, struct spool *spool)
{
	char reason[512];

	(void)mount;
	if (spool->state != SPOOL_DIRTY || publish_is_scratch(spool->parent, spool->name))
		return;
	snprintf(reason, sizeof(reason), "%s was never published", spool->name);
	spool_keep(spool, reason);
}

void publish_end(struct mount *mount)
{
	local_each_spool(mount, end_one);
}
