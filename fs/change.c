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
		return fail(&call->err, EINVAL, "%s belongs into a registry's directory", name);
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
	r = spool_new(call, parent, name, child);
	if (r < 0)
		return r;
	spool_begin_writing(call, (*child)->spool);
	local_put(mount, parent, name, LOCAL_FILE, *child, 0);
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
	if (!reference_is_component(name) || layout_is_archive(name) ||
		layout_is_provenance(name) || len < 0 || (size_t)len >= sizeof(path))
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
		local_put(call->mount, parent, name, LOCAL_DIRECTORY, *child, 0);
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

static void unlink_spool(
	struct call *call, struct node *parent, const char *name, struct node *node)
{
	struct call waiting = *call;

	waiting.may_wait = true;
	/* A push under way is left to its end; what is removed then is only the name. */
	if (spool_acquire(&waiting, node->spool) == 0) {
		node->spool->is_unlinked = true;
		spool_release(node->spool);
	}
	local_remove(call->mount, parent, name, node);
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
	if (!node || kind == LOCAL_OVER || kind == LOCAL_RECENT || kind == LOCAL_DIRECTORY) {
		r = refuse_published(call, parent, name);
	} else if (kind == LOCAL_FILE && !call->may_wait) {
		r = -EWOULDBLOCK; /* the bytes' removal from disk may take a while */
	} else if (kind == LOCAL_FILE) {
		unlink_spool(call, parent, name, node);
	} else {
		local_remove(mount, parent, name, node);
	}
	if (node)
		tree_unpin(mount->tree, node);
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
	else if (local_has_names(mount, node, false))
		r = fail(&call->err, ENOTEMPTY, "%s is not empty", name);
	else
		local_remove(mount, parent, name, node);
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

static int rename_file(
	struct call *call, struct node *node, struct node *new_parent, const char *new_name)
{
	int r = check_file_name(call, new_parent, new_name);
	enum local_kind kind;
	struct node *other;

	if (r < 0)
		return r;
	other = local_get(call->mount, new_parent, new_name, &kind);
	if (other)
		tree_unpin(call->mount->tree, other);
	if (other && kind == LOCAL_OVER)
		return fail(&call->err, EBUSY, "%s is being written already", new_name);
	r = spool_acquire(call, node->spool);
	if (r < 0)
		return r;
	r = publish_rename(call, node, new_parent, new_name);
	spool_release(node->spool);
	return r;
}

static int rename_directory(struct call *call, struct node *parent, const char *name,
	struct node *node, struct node *new_parent, const char *new_name)
{
	struct node *made;
	int r;

	if (local_has_names(call->mount, node, false))
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
