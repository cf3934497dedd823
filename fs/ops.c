#include "fs/ops.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/attr.h"
#include "fs/change.h"
#include "fs/lookup.h"
#include "fs/mount.h"
#include "fs/reply.h"
#include "fs/session.h"

#include <fcntl.h>
#include <string.h>

static struct file *file_of(const struct fuse_file_info *info)
{
	return info ? (struct file *)(uintptr_t)info->fh : NULL;
}

/* ---- names ---- */

static int run_lookup(struct request *request)
{
	struct node *child = NULL;
	int r = lookup_name(&request->call, request->node, request->name, &child);
	double timeout;

	if (r == 0)
		return reply_entry(request, child);
	timeout = attr_negative_timeout(request->call.mount, request->node, request->name);
	if (r == -ENOENT && timeout > 0)
		return reply_no_entry(request, timeout);
	return r;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	static const struct operation lookup = {
		.name = "lookup", .run = run_lookup, .is_lookup = true};
	struct request request = {.id = parent, .name = name};

	request_serve(&request, req, &lookup);
}

static void op_forget(fuse_req_t req, fuse_ino_t id, uint64_t count)
{
	struct mount *mount = fuse_req_userdata(req);

	tree_forget(mount->tree, id, count);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct mount *mount = fuse_req_userdata(req);

	for (size_t i = 0; i < count; i++)
		tree_forget(mount->tree, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static int run_mkdir(struct request *request)
{
	struct node *child = NULL;
	int r = change_mkdir(&request->call, request->node, request->name, &child);

	return r ? r : reply_entry(request, child);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	static const struct operation mkdir = {.name = "mkdir", .run = run_mkdir};
	struct request request = {.id = parent, .name = name};

	(void)mode;
	request_serve(&request, req, &mkdir);
}

static int run_unlink(struct request *request)
{
	int r = change_unlink(&request->call, request->node, request->name);

	return r ? r : reply_done(request);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	static const struct operation unlink = {.name = "unlink", .run = run_unlink};
	struct request request = {.id = parent, .name = name};

	request_serve(&request, req, &unlink);
}

static int run_rmdir(struct request *request)
{
	int r = change_rmdir(&request->call, request->node, request->name);

	return r ? r : reply_done(request);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	static const struct operation rmdir = {.name = "rmdir", .run = run_rmdir};
	struct request request = {.id = parent, .name = name};

	request_serve(&request, req, &rmdir);
}

static int run_rename(struct request *request)
{
	int r;

	if (request->flags & ~RENAME_NOREPLACE)
		return fail(&request->call.err, EINVAL,
			"names can be replaced, not exchanged or whited out");
	r = change_rename(&request->call, request->node, request->name, request->new_parent,
		request->new_name, (unsigned)request->flags);
	return r ? r : reply_done(request);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned int flags)
{
	static const struct operation rename = {
		.name = "rename", .run = run_rename, .is_push = true};
	struct request request = {.id = parent,
		.name = name,
		.new_parent_id = new_parent,
		.new_name = new_name,
		.flags = (int)flags};

	request_serve(&request, req, &rename);
}

static int run_link(struct request *request)
{
	return fail(&request->call.err, EPERM,
		"a registry has no links and no special files; copy the archive instead");
}

static void refuse_link(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	static const struct operation link = {.name = "link", .run = run_link};
	struct request request = {.id = parent, .name = name};

	request_serve(&request, req, &link);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	(void)mode, (void)device;
	refuse_link(req, parent, name);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target;
	refuse_link(req, parent, name);
}

static void op_link(fuse_req_t req, fuse_ino_t id, fuse_ino_t parent, const char *name)
{
	(void)id;
	refuse_link(req, parent, name);
}

/* ---- attributes ---- */

static int run_getattr(struct request *request)
{
	return reply_attr(request, request->node);
}

static void op_getattr(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	static const struct operation getattr = {.name = "stat", .run = run_getattr};
	struct request request = {.id = id};

	(void)info;
	request_serve(&request, req, &getattr);
}

static int run_setattr(struct request *request)
{
	struct handle *handle = request->file ? request->file->handle : NULL;
	int r = change_setattr(
		&request->call, request->node, handle, &request->attr, request->flags);

	return r ? r : reply_attr(request, request->node);
}

static void op_setattr(
	fuse_req_t req, fuse_ino_t id, struct stat *attr, int valid, struct fuse_file_info *info)
{
	static const struct operation setattr = {.name = "setattr", .run = run_setattr};
	struct request request = {.id = id, .attr = *attr, .flags = valid, .file = file_of(info)};

	request_serve(&request, req, &setattr);
}

/* Asks the cache's own filesystem: what is said of space is true of what can be written here. */
static int run_statfs(struct request *request)
{
	struct statvfs space;

	if (fstatvfs(store_directory_fd(request->call.mount->store), &space) < 0)
		return fail_errno(&request->call.err, "statfs of the cache directory");
	space.f_files = space.f_ffree = space.f_favail = 0;
	space.f_namemax = 255;
	return reply_statfs(request, &space);
}

static void op_statfs(fuse_req_t req, fuse_ino_t id)
{
	static const struct operation statfs = {.name = "statfs", .run = run_statfs};
	struct request request = {0};

	(void)id;
	request_serve(&request, req, &statfs);
}

static void op_setxattr(
	fuse_req_t req, fuse_ino_t id, const char *name, const char *value, size_t size, int flags)
{
	(void)id, (void)name, (void)value, (void)size, (void)flags;
	fuse_reply_err(req, ENOTSUP);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t id, const char *name)
{
	(void)id, (void)name;
	fuse_reply_err(req, ENOTSUP);
}

/* ---- files ---- */

static int run_open(struct request *request)
{
	struct handle *handle = NULL;
	int r = handle_open(&request->call, request->node, request->flags, &handle);

	return r ? r : reply_open(request, file_new(&request->call, request->node, handle, NULL));
}

static void op_open(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	static const struct operation open = {.name = "open", .run = run_open};
	struct request request = {.id = id, .flags = info->flags};

	request_serve(&request, req, &open);
}

static int run_create(struct request *request)
{
	struct handle *handle = NULL;
	struct node *child = NULL;
	int r = change_create(
		&request->call, request->node, request->name, request->flags, &child, &handle);

	return r ? r : reply_create(request, child, file_new(&request->call, child, handle, NULL));
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *info)
{
	static const struct operation create = {.name = "create", .run = run_create};
	struct request request = {.id = parent, .name = name, .flags = info->flags};

	(void)mode;
	request_serve(&request, req, &create);
}

static int run_read(struct request *request)
{
	scoped(freep) char *own = NULL;
	char *bytes = session_buffer(request->size);
	ssize_t len;

	if (!bytes) {
		own = must_alloc(request->size);
		bytes = own;
	}
	len = handle_read(
		&request->call, request->file->handle, bytes, request->size, request->offset);
	return len < 0 ? (int)len : reply_bytes(request, bytes, (size_t)len);
}

static void op_read(
	fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *info)
{
	static const struct operation read = {.name = "read", .run = run_read};
	struct request request = {.file = file_of(info), .size = size, .offset = offset};

	(void)id;
	request_serve(&request, req, &read);
}

static int run_write(struct request *request)
{
	int r = handle_write(&request->call, request->file->handle, request->bytes, request->size,
		request->offset);

	return r ? r : reply_written(request, request->size);
}

static void op_write(fuse_req_t req, fuse_ino_t id, const char *bytes, size_t size, off_t offset,
	struct fuse_file_info *info)
{
	static const struct operation write = {.name = "write", .run = run_write};
	struct request request = {
		.file = file_of(info), .bytes = bytes, .size = size, .offset = offset};

	(void)id;
	request_serve(&request, req, &write);
}

static int run_flush(struct request *request)
{
	int r = handle_flush(&request->call, request->file->handle);

	return r ? r : reply_done(request);
}

static void op_flush(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	static const struct operation flush = {.name = "close", .run = run_flush, .is_push = true};
	struct request request = {.id = id, .file = file_of(info)};

	request_serve(&request, req, &flush);
}

static int run_fsync(struct request *request)
{
	int r = handle_fsync(&request->call, request->file->handle);

	return r ? r : reply_done(request);
}

static void op_fsync(fuse_req_t req, fuse_ino_t id, int datasync, struct fuse_file_info *info)
{
	static const struct operation fsync = {.name = "fsync", .run = run_fsync, .is_push = true};
	struct request request = {.id = id, .file = file_of(info)};

	(void)datasync;
	request_serve(&request, req, &fsync);
}

/* The last of a file that was written may have to wait for a push of the same file. */
static int run_release(struct request *request)
{
	struct file *file = request->file;

	if (file->handle && handle_is_direct(file->handle) && !request->call.may_wait)
		return -EWOULDBLOCK;
	file_free(&request->call, file);
	request->file = NULL;
	return reply_done(request);
}

static void op_release(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	static const struct operation release = {
		.name = "release", .run = run_release, .is_release = true};
	struct request request = {.file = file_of(info)};

	(void)id;
	request_serve(&request, req, &release);
}

/* ---- directories ---- */

static int run_opendir(struct request *request)
{
	struct listing *listing = NULL;
	bool is_same = false;
	int r = listing_open(&request->call, request->node, &listing, &is_same);

	if (r)
		return r;
	return reply_opendir(
		request, file_new(&request->call, request->node, NULL, listing), is_same);
}

static void op_opendir(fuse_req_t req, fuse_ino_t id, struct fuse_file_info *info)
{
	static const struct operation opendir = {.name = "opendir", .run = run_opendir};
	struct request request = {.id = id};

	(void)info;
	request_serve(&request, req, &opendir);
}

static int run_readdirplus(struct request *request)
{
	int r = listing_check(request->file->listing, &request->call.err);

	return r ? r : reply_listing(request);
}

static void op_readdirplus(
	fuse_req_t req, fuse_ino_t id, size_t size, off_t offset, struct fuse_file_info *info)
{
	static const struct operation readdir = {.name = "readdir", .run = run_readdirplus};
	struct request request = {.file = file_of(info), .size = size, .offset = offset};

	(void)id;
	request_serve(&request, req, &readdir);
}

/* What is missing here is answered ENOSYS by libfuse, at once, after which the kernel asks no
 * more: poll (Go polls every file it opens), getxattr (asked before every write), access (the
 * kernel checks by itself), locks (local to this machine). */
const struct fuse_lowlevel_ops ops_table = {
	.init = session_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.rename = op_rename,
	.mknod = op_mknod,
	.symlink = op_symlink,
	.link = op_link,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.removexattr = op_removexattr,
	.open = op_open,
	.create = op_create,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.fsync = op_fsync,
	.release = op_release,
	.opendir = op_opendir,
	.readdirplus = op_readdirplus,
	.releasedir = op_release,
};
