#include "fs/reply.h"

#include "cache/base/log.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/attr.h"
#include "fs/listing.h"
#include "fs/mount.h"
#include "fs/session.h"

#include <errno.h>
#include <limits.h>
#include <linux/fuse.h>
#include <string.h>

/* Entries of a directory that go out with attributes. Each of them costs a node here and an inode
 * in the kernel; later ones are plain names, which the kernel looks up where they are used. */
enum { ENTRIES_WITH_NODES = 2048 };

/* After this the interrupt function is not called any more, and libfuse may free the request. */
static void settle(struct request *request)
{
	fuse_req_interrupt_func(request->req, NULL, NULL);
}

static int level_of(const struct request *request, int code)
{
	const struct operation *operation = request->operation;

	if (code == EINTR || code == ESTALE || (code == ENOENT && operation->is_lookup))
		return LOG_DEBUG;
	/* Whoever renames copies instead then. */
	if (code == EXDEV)
		return LOG_DEBUG;
	if (!request->call.err.text[0])
		return LOG_DEBUG;
	return operation->is_push ? LOG_ERR : LOG_WARNING;
}

static void log_failure(struct request *request, int code)
{
	struct tree *tree = request->call.mount->tree;
	const struct error *err = &request->call.err;
	const struct node *node = request_node(request);
	const char *name = request->name ? request->name : "";
	char path[PATH_MAX] = "";
	size_t len;

	if (node)
		tree_print_path(tree, node, path, sizeof(path));
	len = strlen(path);
	log_print(level_of(request, code), "%s %s%s%s: %s", request->operation->name, path,
		name[0] && !(len && path[len - 1] == '/') ? "/" : "", name,
		err->text[0] ? err->text : strerrordesc_np(code));
}

int reply_error(struct request *request, int code)
{
	/* EAGAIN is how the client says "still failing after the retries"; programs would take it
	 * for "call again". */
	int answer = code == EAGAIN ? EIO : code;

	log_failure(request, code);
	settle(request);
	fuse_reply_err(request->req, answer);
	return 0;
}

int reply_done(struct request *request)
{
	settle(request);
	fuse_reply_err(request->req, 0);
	return 0;
}

/* What the kernel is told of a node; the count of the entry (tree_look) is the caller's. */
static void fill_entry(struct mount *mount, struct node *node, struct fuse_entry_param *entry)
{
	entry->ino = tree_id(mount->tree, node);
	entry->generation = 1;
	attr_fill(mount, node, &entry->attr);
	entry->attr_timeout = attr_timeout(mount, node);
	entry->entry_timeout = attr_entry_timeout(mount, node);
}

int reply_entry(struct request *request, struct node *child)
{
	struct mount *mount = request->call.mount;
	struct fuse_entry_param entry = {0};

	fill_entry(mount, child, &entry);
	tree_look(mount->tree, child);
	settle(request);
	if (fuse_reply_entry(request->req, &entry))
		tree_forget(mount->tree, entry.ino, 1);
	tree_unpin(mount->tree, child);
	return 0;
}

int reply_no_entry(struct request *request, double timeout)
{
	struct fuse_entry_param entry = {.entry_timeout = timeout};

	settle(request);
	fuse_reply_entry(request->req, &entry);
	return 0;
}

int reply_attr(struct request *request, struct node *node)
{
	struct mount *mount = request->call.mount;
	struct stat attr = {0};

	attr_fill(mount, node, &attr);
	settle(request);
	fuse_reply_attr(request->req, &attr, attr_timeout(mount, node));
	return 0;
}

int reply_bytes(struct request *request, const void *bytes, size_t len)
{
	settle(request);
	fuse_reply_buf(request->req, bytes, len);
	return 0;
}

int reply_written(struct request *request, size_t len)
{
	settle(request);
	fuse_reply_write(request->req, len);
	return 0;
}

int reply_statfs(struct request *request, const struct statvfs *space)
{
	settle(request);
	fuse_reply_statfs(request->req, space);
	return 0;
}

static struct fuse_file_info describe(struct file *file)
{
	struct fuse_file_info info = {.fh = (uintptr_t)file};

	if (handle_is_direct(file->handle)) {
		info.direct_io = 1;
	} else {
		info.keep_cache = 1;
		info.noflush = 1; /* nothing is ever written by way of this one */
	}
	return info;
}

int reply_create(struct request *request, struct node *child, struct file *file)
{
	struct mount *mount = request->call.mount;
	struct fuse_file_info info = describe(file);
	struct fuse_entry_param entry = {0};

	fill_entry(mount, child, &entry);
	tree_look(mount->tree, child);
	settle(request);
	if (fuse_reply_create(request->req, &entry, &info)) {
		file_free(&request->call, file);
		tree_forget(mount->tree, entry.ino, 1);
	}
	tree_unpin(mount->tree, child);
	return 0;
}

int reply_open(struct request *request, struct file *file)
{
	struct fuse_file_info info = describe(file);

	settle(request);
	if (fuse_reply_open(request->req, &info))
		file_free(&request->call, file);
	return 0;
}

int reply_opendir(struct request *request, struct file *file, bool is_same)
{
	struct fuse_file_info info = {
		.fh = (uintptr_t)file, .cache_readdir = 1, .keep_cache = is_same};

	settle(request);
	if (fuse_reply_open(request->req, &info))
		file_free(&request->call, file);
	return 0;
}

/* The node of an entry, pinned, where it is to go out with attributes. */
static struct node *entry_node(struct request *request, size_t at, const char *name)
{
	if (at >= ENTRIES_WITH_NODES || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return NULL;
	return listing_node(&request->call, request->file->listing, at);
}

/* Fills the buffer; the nodes that went in, pinned and counted, are put into `nodes`. */
static size_t fill_entries(struct request *request, char *bytes, struct node **nodes, size_t *count)
{
	struct mount *mount = request->call.mount;
	size_t len = 0, at = (size_t)request->offset, size;
	const char *name;
	uint64_t ino;
	unsigned mode;

	for (; listing_entry(request->file->listing, at, &name, &ino, &mode); at++) {
		struct fuse_entry_param entry = {.attr = {.st_ino = ino, .st_mode = mode}};
		struct node *node;

		/* Whether it fits is asked before anything is made of it. */
		size = fuse_add_direntry_plus(request->req, NULL, 0, name, NULL, 0);
		if (size > request->size - len)
			break;
		node = entry_node(request, at, name);
		if (node) {
			fill_entry(mount, node, &entry);
			tree_look(mount->tree, node);
			nodes[(*count)++] = node;
		}
		len += fuse_add_direntry_plus(request->req, bytes + len, request->size - len, name,
			&entry, (off_t)at + 1);
	}
	return len;
}

int reply_listing(struct request *request)
{
	size_t most = request->size / sizeof(struct fuse_direntplus) + 1, count = 0, len;
	scoped(freep) struct node **nodes = must_alloc(most * sizeof(struct node *));
	struct tree *tree = request->call.mount->tree;
	char *bytes = session_buffer(request->size);
	scoped(freep) char *own = NULL;
	int r;

	if (!bytes) {
		own = must_alloc(request->size);
		bytes = own;
	}
	len = fill_entries(request, bytes, nodes, &count);
	settle(request);
	r = fuse_reply_buf(request->req, bytes, len);
	for (size_t i = 0; i < count; i++) {
		if (r)
			tree_forget(tree, tree_id(tree, nodes[i]), 1);
		tree_unpin(tree, nodes[i]);
	}
	return 0;
}
