#include "fs/change.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/layout.h"
#include "fs/local.h"
#include "fs/lookup.h"
#include "fs/mount.h"
#include "fs/notify.h"
#include "fs/publish.h"
#include "fs/spool.h"
#include "fs/target.h"

#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 14)
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <string.h>

static int refuse_read_only(struct call *call, const char *name)
{
	if (!call->mount->options->is_read_only)
		return 0;
	return fail(&call->err, EROFS, "%s: mounted read-only", name);
}

static int refuse_reserved(struct call *call, const char *name)
{
	if (!layout_is_reserved(name))
		return 0;
	return fail(&call->err, EINVAL, "the name %s is kept for chartfs itself", name);
}

/* Whether a file of that name may be made there. */
static int check_file_name(struct call *call, const struct node *parent, const char *name)
{
	int r = refuse_reserved(call, name);

	if (r < 0 || publish_is_scratch(parent, name))
		return r;
	if (!layout_is_archive(name) && !layout_is_provenance(name))
		return fail(&call->err, EINVAL,
			"%s: only packaged charts (NAME.tgz) and their provenance (NAME.tgz.prov) "
			"can be copied here",
			name);
	if (parent->kind == NODE_HOSTS)
		return fail(&call->err, EINVAL, "%s belongs in a registry's directory", name);
	return 0;
}

int change_create(struct call *call, struct node *parent, const char *name, int flags,
	struct node **child, struct handle **handle)
{
	struct mount *mount = call->mount;
	enum local_kind kind;
	struct node *other;
	int r = refuse_read_only(call, name);

	if (r == 0)
		r = check_file_name(call, parent, name);
	if (r < 0)
		return r;
	other = local_get(mount, parent, name, &kind);
	if (other && (kind == LOCAL_FILE || kind == LOCAL_DIRECTORY || kind == LOCAL_OVER)) {
		/* Somebody was faster than our caller's lookup. */
		r = fail(&call->err, flags & O_EXCL ? EEXIST : EBUSY, "%s is being written already",
			name);
		tree_unpin(mount->tree, other);
		return r;
	}
	if (other)
		tree_unpin(mount->tree, other);
	r = target_may_push(call, parent, name);
	if (r == 0)
		r = spool_new(call, parent, name, child);
	if (r < 0)
		return r;
	spool_begin_writing(call, (*child)->spool);
	local_put(mount, parent, name, LOCAL_FILE, *child);
	*handle = handle_of_spool(call, *child);
	return 0;
}

static int make_directory(
	struct call *call, struct node *parent, const char *name, struct node **child)
{
	struct mount *mount = call->mount;
	char tag[REFERENCE_TAG_MAX + 1], path[REFERENCE_REPOSITORY_MAX + 1];
	int len;

	if (publish_is_scratch(parent, name)) {
		scoped(freep) char *key = must_print("%s//%s", parent->key, name);

		*child = tree_get(mount->tree, &(struct node_template){.kind = NODE_SCRATCH,
						       .key = key,
						       .name = name,
						       .parent = parent,
						       .registry = parent->registry});
		return 0;
	}
	if (parent->kind == NODE_HOSTS || parent->kind == NODE_VERSION)
		return fail(&call->err, EPERM, "%s: no directory can be made in %s", name,
			parent->kind == NODE_HOSTS ? "the list of registries" : "a version");
	if (*parent->path && layout_is_version(name) && reference_tag_of_version(name, tag)) {
		*child = lookup_version(mount, parent, name, tag);
		return 0;
	}
	len = snprintf(path, sizeof(path), "%s%s%s", parent->path, *parent->path ? "/" : "", name);
	if (len < 0 || (size_t)len >= sizeof(path))
		return fail(&call->err, EINVAL,
			"%s: its path would be longer than a repository's name can be (%d bytes)",
			name, REFERENCE_REPOSITORY_MAX);
	if (!reference_is_component(name) || layout_is_archive(name) || layout_is_provenance(name))
		return fail(&call->err, EINVAL,
			"%s is no name for a repository: lower-case letters, digits and single . _ "
			"- between them",
			name);
	*child = lookup_directory(mount, parent, name, parent->registry, path);
	return 0;
}

int change_mkdir(struct call *call, struct node *parent, const char *name, struct node **child)
{
	enum local_kind kind;
	struct node *other;
	int r = refuse_read_only(call, name);

	*child = NULL;
	if (r == 0)
		r = refuse_reserved(call, name);
	if (r < 0)
		return r;
	other = local_get(call->mount, parent, name, &kind);
	if (other)
		tree_unpin(call->mount->tree, other);
	if (other && kind != LOCAL_TYPED && kind != LOCAL_RECENT)
		return fail(&call->err, EEXIST, "%s exists", name);
	r = make_directory(call, parent, name, child);
	if (r == 0)
		local_put(call->mount, parent, name, LOCAL_DIRECTORY, *child);
	return r;
}

/* What is published can neither be removed nor be moved by its name. */
static int refuse_published(struct call *call, struct node *parent, const char *name)
{
	struct node *node;
	int r = lookup_published(call, parent, name, &node);

	if (r < 0)
		return r;
	tree_unpin(call->mount->tree, node);
	return fail(&call->err, EPERM,
		"%s is published, and nothing published is deleted; to replace a version use cp or "
		"rsync (mv, install and tar delete it first)",
		name);
}

/* A push under way is waited for; then the name may mean what that published. */
static int unlink_spool(struct call *call, struct node *parent, const char *name, struct node *node)
{
	int r = spool_acquire(call, node->spool);
	bool is_removed;

	if (r < 0)
		return r;
	is_removed = local_remove(call->mount, parent, name, node);
	if (is_removed) {
		spool_unlink(node->spool);
		spool_retire(node->spool);
	}
	spool_release(node->spool);
	return is_removed ? 0 : change_unlink(call, parent, name);
}

int change_unlink(struct call *call, struct node *parent, const char *name)
{
	struct mount *mount = call->mount;
	enum local_kind kind;
	struct node *node;
	int r = refuse_read_only(call, name);

	if (r < 0)
		return r;
	node = local_get(mount, parent, name, &kind);
	if (node && kind == LOCAL_FILE && !call->may_wait)
		r = -EWOULDBLOCK; /* the bytes' removal from disk may take a while */
	else if (node && kind == LOCAL_FILE)
		r = unlink_spool(call, parent, name, node);
	else if (!local_is_typed(mount, parent, name, true))
		r = refuse_published(call, parent, name);
	if (node)
		tree_unpin(mount->tree, node);
	return r;
}

/* The directory that shows nothing may yet hold files whose push has failed: for the user they are
 * not in the way, but they may be all that is left of somebody's chart. */
static int drop_directory(
	struct call *call, struct node *parent, const char *name, struct node *directory)
{
	struct mount *mount = call->mount;
	char reason[512];
	struct node *left;
	int r = 0;

	while (r == 0 && (left = local_any_spool(mount, directory))) {
		if (!call->may_wait)
			r = -EWOULDBLOCK;
		else
			r = spool_acquire(call, left->spool);
		if (r == 0) {
			snprintf(reason, sizeof(reason), "the directory of %s was removed",
				left->spool->name);
			if (!local_remove(mount, directory, left->spool->name, left))
				r = fail(&call->err, ENOTEMPTY, "%s is not empty", name);
			else if (spool_is_dirty(left->spool))
				spool_keep(left->spool, reason);
			spool_unlink(left->spool);
			spool_release(left->spool);
		}
		tree_unpin(mount->tree, left);
	}
	if (r == 0)
		local_remove(mount, parent, name, directory);
	return r;
}

int change_rmdir(struct call *call, struct node *parent, const char *name)
{
	struct mount *mount = call->mount;
	enum local_kind kind;
	struct node *node;
	int r = refuse_read_only(call, name);

	if (r < 0)
		return r;
	node = local_get(mount, parent, name, &kind);
	if (!node || kind != LOCAL_DIRECTORY)
		r = refuse_published(call, parent, name);
	else if (local_has_listed(mount, node))
		r = fail(&call->err, ENOTEMPTY, "%s is not empty", name);
	else
		r = drop_directory(call, parent, name, node);
	if (node)
		tree_unpin(mount->tree, node);
	return r;
}

static int refuse_existing(struct call *call, struct node *parent, const char *name)
{
	struct node *node;
	int r = lookup_name(call, parent, name, &node);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	tree_unpin(call->mount->tree, node);
	return fail(&call->err, EEXIST, "%s exists", name);
}

/* A file without a byte may wait under a new name for its bytes, but hide nothing published. */
static int refuse_nothing(
	struct call *call, const struct node *node, struct node *new_parent, const char *new_name)
{
	struct node *published;
	int r;

	if (node->spool->state != SPOOL_EMPTY || publish_is_scratch(new_parent, new_name))
		return 0;
	r = lookup_published(call, new_parent, new_name, &published);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	tree_unpin(call->mount->tree, published);
	return fail(&call->err, EINVAL, "%s is published, and a file without a byte is no chart",
		new_name);
}

static int move_file(
	struct call *call, struct node *node, struct node *new_parent, const char *new_name)
{
	int r = spool_acquire(call, node->spool);

	if (r < 0)
		return r;
	if (node->spool->fd < 0) /* published while it was waited for */
		r = refuse_published(call, node->spool->parent, node->spool->name);
	else
		r = refuse_nothing(call, node, new_parent, new_name);
	if (r == 0)
		r = publish_rename(call, node, new_parent, new_name);
	spool_release(node->spool);
	return r;
}

/* Onto a file that is not published, or is so just now: a push of it is waited for, so that it does
 * not end after ours. Then it is nobody's, though it may be open. */
static int replace_file(struct call *call, struct node *node, struct node *new_parent,
	const char *new_name, struct node *other)
{
	int r = spool_acquire(call, other->spool);

	if (r < 0)
		return r;
	r = move_file(call, node, new_parent, new_name);
	if (r == 0)
		spool_unlink(other->spool);
	spool_release(other->spool);
	return r;
}

static int rename_file(
	struct call *call, struct node *node, struct node *new_parent, const char *new_name)
{
	int r = check_file_name(call, new_parent, new_name);
	enum local_kind kind;
	struct node *other;

	if (r < 0)
		return r;
	other = local_get(call->mount, new_parent, new_name, &kind);
	if (other && kind == LOCAL_OVER)
		r = spool_await_writer(call, other->spool);
	if (r == 0)
		r = other && kind == LOCAL_FILE && other != node
			    ? replace_file(call, node, new_parent, new_name, other)
			    : move_file(call, node, new_parent, new_name);
	if (other)
		tree_unpin(call->mount->tree, other);
	return r;
}

static int rename_directory(struct call *call, struct node *parent, const char *name,
	struct node *node, struct node *new_parent, const char *new_name)
{
	struct node *made, *left = local_any_spool(call->mount, node);
	int r;

	if (left)
		tree_unpin(call->mount->tree, left);
	if (left || local_has_listed(call->mount, node))
		return fail(&call->err, EXDEV, "%s is not empty: it is copied instead", name);
	r = refuse_existing(call, new_parent, new_name);
	if (r < 0)
		return r;
	r = change_mkdir(call, new_parent, new_name, &made);
	if (r < 0)
		return r;
	local_remove(call->mount, parent, name, node);
	tree_unpin(call->mount->tree, made);
	return 0;
}

int change_rename(struct call *call, struct node *parent, const char *name, struct node *new_parent,
	const char *new_name, unsigned flags)
{
	enum local_kind kind;
	struct node *node;
	int r = refuse_read_only(call, name);

	if (r < 0)
		return r;
	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return fail(&call->err, EINVAL, "names can be neither exchanged nor whited out");
	if (flags & RENAME_NOREPLACE)
		r = refuse_existing(call, new_parent, new_name);
	if (r < 0)
		return r;
	node = local_get(call->mount, parent, name, &kind);
	if (node && kind == LOCAL_FILE)
		r = rename_file(call, node, new_parent, new_name);
	else if (node && kind == LOCAL_DIRECTORY)
		r = rename_directory(call, parent, name, node, new_parent, new_name);
	else if (node && kind == LOCAL_TYPED)
		r = fail(&call->err, EPERM, "%s is published under another name already", name);
	else
		r = refuse_published(call, parent, name);
	if (node)
		tree_unpin(call->mount->tree, node);
	return r;
}

static int set_size(struct call *call, struct node *node, uint64_t size)
{
	int r;

	if (node->kind != NODE_SPOOL)
		return fail(&call->err, EPERM,
			"%s is published and cannot be truncated in place: copy another file over "
			"it",
			node->name);
	r = spool_acquire(call, node->spool);
	if (r < 0)
		return r;
	if (node->spool->fd < 0)
		r = fail(&call->err, ESTALE, "%s was published just now", node->name);
	else
		r = spool_truncate(call, node->spool, size);
	spool_release(node->spool);
	return r;
}

static int set_mtime(struct call *call, struct node *node, const struct stat *attr, int valid)
{
	struct timespec mtime = attr->st_mtim;
	int r;

	if (valid & FUSE_SET_ATTR_MTIME_NOW)
		clock_gettime(CLOCK_REALTIME, &mtime);
	if (node->kind == NODE_FILE)
		tree_set_mtime(call->mount->tree, node, mtime.tv_sec);
	if (node->kind != NODE_SPOOL)
		return 0;
	r = spool_acquire(call, node->spool);
	if (r < 0)
		return r;
	spool_set_mtime(node->spool, &mtime);
	spool_release(node->spool);
	return 0;
}

int change_setattr(struct call *call, struct node *node, struct handle *handle,
	const struct stat *attr, int valid)
{
	int r = 0;

	(void)handle;
	if (valid & (FUSE_SET_ATTR_SIZE | FUSE_SET_ATTR_MTIME))
		r = refuse_read_only(call, node->name);
	if (r == 0 && valid & FUSE_SET_ATTR_SIZE)
		r = set_size(call, node, (uint64_t)attr->st_size);
	if (r == 0 && valid & (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW))
		r = set_mtime(call, node, attr, valid);
	return r;
}
