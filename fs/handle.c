#include "fs/handle.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/layout.h"
#include "fs/local.h"
#include "fs/lookup.h"
#include "fs/mount.h"
#include "fs/publish.h"
#include "fs/resolve.h"
#include "fs/spool.h"
#include "fs/stale.h"
#include "fs/target.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>

struct handle {
	int fd;            /* of a blob: ours; of a spool: the spool's */
	struct node *node; /* of a spool, pinned; NULL for a blob */
	bool is_writer;
};

static struct handle *new_spool_handle(struct call *call, struct node *node, bool is_writer)
{
	struct handle *handle = must_alloc(sizeof(*handle));

	*handle = (struct handle){.fd = node->spool->fd, .node = node, .is_writer = is_writer};
	spool_hold(node->spool);
	tree_pin(call->mount->tree, node);
	return handle;
}

struct handle *handle_of_spool(struct call *call, struct node *node)
{
	return new_spool_handle(call, node, true);
}

/* Whether the tag of a file that the kernel still knows is known to mean other bytes now. */
static bool has_moved(struct call *call, const struct node *node)
{
	struct call asking_nobody = {.mount = call->mount};
	scoped(fact_releasep) struct fact *fact = NULL;
	const struct manifest *manifest;

	if (resolve_manifest(&asking_nobody, node->registry, node->path, node->tag, &fact) < 0)
		return false;
	manifest = fact_value(fact);
	for (size_t i = 0; i < manifest->layer_count; i++)
		if (digest_equal(&manifest->layers[i].digest, &node->digest))
			return false;
	return true;
}

/* `is_back`: the kernel has looked for the name just now, so these bytes it is. */
static int open_published(
	struct call *call, const struct node *node, bool is_back, struct handle **handle)
{
	int fd, r;

	if (!is_back && has_moved(call, node))
		return fail(&call->err, ESTALE, "%s has been replaced in the registry", node->name);
	r = resolve_blob(call, node->registry, node->path, &node->digest, node->size, &fd);
	if (r < 0)
		return r;
	*handle = must_alloc(sizeof(**handle));
	**handle = (struct handle){.fd = fd};
	return 0;
}

/* Whether the published file may be written over: by one at a time, and not where a file of this
 * mount has its name meanwhile (ESTALE: the kernel looks again, and finds that). */
static int check_switch(struct call *call, const struct node *node)
{
	enum local_kind kind;
	struct node *other = local_get(call->mount, node->parent, node->name, &kind);
	int r = 0;

	if (other && kind == LOCAL_OVER)
		r = spool_await_writer(call, other->spool);
	if (other)
		tree_unpin(call->mount->tree, other);
	if (r < 0)
		return r;
	other = local_get(call->mount, node->parent, node->name, &kind);
	if (other)
		tree_unpin(call->mount->tree, other);
	if (other && kind == LOCAL_FILE)
		return fail(&call->err, ESTALE, "%s is another file now", node->name);
	return 0;
}

/* Makes a spool that is to replace the published file, and sends the kernel to look for it. */
static int switch_to_spool(struct call *call, struct node *node, int flags)
{
	struct mount *mount = call->mount;
	struct node *spool_node;
	scoped(closep) int fd = -1;
	int r = check_switch(call, node);

	if (r < 0)
		return r;
	if (!(flags & O_TRUNC)) {
		if (!call->may_wait)
			return -EWOULDBLOCK; /* all of the blob is copied */
		r = resolve_blob(call, node->registry, node->path, &node->digest, node->size, &fd);
		if (r < 0)
			return r;
	}
	r = spool_new(call, node->parent, node->name, &spool_node);
	if (r < 0)
		return r;
	spool_node->spool->is_over = true;
	if (fd >= 0)
		r = spool_fill(call, spool_node->spool, fd, node->size);
	if (r == 0)
		r = local_switch(mount, node->parent, node->name, spool_node, call->tid)
			    ? fail(&call->err, ESTALE, "%s is written anew", node->name)
			    : fail(&call->err, EBUSY, "%s is being written already", node->name);
	tree_unpin(mount->tree, spool_node);
	return r;
}

/* The file was published while its opener waited for it. A writer is sent to look for what is to
 * replace that at once, because it can be sent but once. */
static int open_gone(struct call *call, struct node *node, int flags)
{
	scoped(freep) char *name = NULL;
	struct node *parent = spool_place(node->spool, &name);
	struct node *published;
	int r = -ESTALE;

	if ((flags & O_ACCMODE) != O_RDONLY && lookup_name(call, parent, name, &published) == 0) {
		if (published->kind == NODE_FILE)
			r = switch_to_spool(call, published, flags);
		tree_unpin(call->mount->tree, published);
	}
	tree_unpin(call->mount->tree, parent);
	return r == -ESTALE ? fail(&call->err, ESTALE, "%s was published just now", name) : r;
}

/* The acquirer's: whether the file can be opened, by a writer only as long as it has its name. One
 * that waits for a writer who never came (he is the one who reads now) means nothing. */
static bool is_there(struct call *call, struct node *node, bool is_writer)
{
	struct spool *spool = node->spool;

	if (spool->fd < 0)
		return false;
	if (is_writer)
		return local_open(call->mount, spool->parent, spool->name, node);
	if (spool->is_over && !spool->is_opened) {
		local_remove(call->mount, spool->parent, spool->name, node);
		return false;
	}
	return true;
}

static int open_spool(struct call *call, struct node *node, int flags, struct handle **handle)
{
	struct spool *spool = node->spool;
	bool is_writer = (flags & O_ACCMODE) != O_RDONLY;
	int r = is_writer ? spool_await_writer(call, spool) : 0;

	if (r == 0)
		r = spool_acquire(call, spool);
	if (r < 0)
		return r;
	if (!is_there(call, node, is_writer)) {
		spool_release(spool);
		return open_gone(call, node, flags);
	}
	if (is_writer)
		r = spool_begin_writing(call, spool);
	if (r == 0 && is_writer && flags & O_TRUNC && spool->size) {
		r = spool_truncate(call, spool, 0);
		if (r < 0)
			spool_end_writing(spool);
	}
	if (r == 0) {
		spool->is_opened = spool->is_opened || is_writer;
		*handle = new_spool_handle(call, node, is_writer);
	}
	spool_release(spool);
	return r;
}

static int open_file(
	struct call *call, struct node *node, int flags, bool is_back, struct handle **handle)
{
	bool is_writer = (flags & O_ACCMODE) != O_RDONLY;
	int r;

	if (is_writer && call->mount->options->is_read_only)
		return fail(&call->err, EROFS, "%s: mounted read-only", node->name);
	if (node->kind != NODE_SPOOL && node->kind != NODE_FILE)
		return fail(&call->err, EISDIR, "%s is a directory", node->name);
	r = is_writer ? target_may_push(call, node->parent, node->name) : 0;
	if (r < 0)
		return r;
	if (node->kind == NODE_SPOOL)
		return open_spool(call, node, flags, handle);
	return is_writer ? switch_to_spool(call, node, flags)
			 : open_published(call, node, is_back, handle);
}

/* The name by which the kernel has found a file: its directory, pinned, and a copy of it. */
static struct node *place_of(struct call *call, const struct node *node, char **name)
{
	if (node->kind == NODE_SPOOL)
		return spool_place(node->spool, name);
	*name = must_copy(node->name);
	tree_pin(call->mount->tree, node->parent);
	return node->parent;
}

int handle_open(struct call *call, struct node *node, int flags, struct handle **handle)
{
	struct stale *stale = call->mount->stale;
	scoped(freep) char *name = NULL;
	struct node *parent = place_of(call, node, &name);
	bool is_back = stale_take(stale, parent, name, call->tid);
	int r = open_file(call, node, flags, is_back, handle);

	/* The program would be told: somebody else was faster every time. */
	if (r == -ESTALE && is_back)
		r = fail(&call->err, EBUSY, "%s is being written by others as well", name);
	else if (r == -ESTALE || (r == -EWOULDBLOCK && is_back))
		stale_tell(stale, parent, name, call->tid);
	tree_unpin(call->mount->tree, parent);
	return r;
}

bool handle_is_direct(const struct handle *handle)
{
	return handle->node != NULL;
}

/* Only what is in the page cache of the file's own filesystem. */
static ssize_t read_at_hand(int fd, void *bytes, size_t size, int64_t offset)
{
	struct iovec part = {bytes, size};
	ssize_t len = preadv2(fd, &part, 1, offset, RWF_NOWAIT);
	struct stat attr;

	if (len < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
		return pread(fd, bytes, size, offset);
	/* Less is the end of the file, or of what is in memory. */
	if (len > 0 && (size_t)len < size &&
		(fstat(fd, &attr) < 0 || offset + len < attr.st_size)) {
		errno = EWOULDBLOCK;
		return -1;
	}
	return len;
}

ssize_t handle_read(
	struct call *call, struct handle *handle, void *bytes, size_t size, int64_t offset)
{
	ssize_t len = call->may_wait ? pread(handle->fd, bytes, size, offset)
				     : read_at_hand(handle->fd, bytes, size, offset);

	if (len < 0 && errno == EWOULDBLOCK && !call->may_wait)
		return -EWOULDBLOCK;
	return len < 0 ? fail_errno(&call->err, "reading from the cache") : len;
}

int handle_write(
	struct call *call, struct handle *handle, const void *bytes, size_t len, int64_t offset)
{
	struct spool *spool;
	int r;

	if (!handle->is_writer)
		return fail(&call->err, EBADF, "not open for writing");
	spool = handle->node->spool;
	r = spool_acquire(call, spool);
	if (r < 0)
		return r;
	r = spool_write(call, spool, bytes, len, offset);
	spool_release(spool);
	return r;
}

static int publish(struct call *call, struct handle *handle, bool is_strict)
{
	int r;

	if (!handle->is_writer)
		return 0;
	r = spool_acquire(call, handle->node->spool);
	if (r < 0)
		return r;
	r = publish_spool(call, handle->node, is_strict);
	spool_release(handle->node->spool);
	return r;
}

int handle_flush(struct call *call, struct handle *handle)
{
	if (handle->is_writer)
		spool_note_close(handle->node->spool, call_process(call));
	return publish(call, handle, false);
}

int handle_fsync(struct call *call, struct handle *handle)
{
	return publish(call, handle, true);
}

void handle_close(struct call *call, struct handle *handle)
{
	if (!handle->node) {
		close(handle->fd);
	} else {
		if (handle->is_writer) {
			publish_give_up(call, handle->node);
			spool_end_writing(handle->node->spool);
		}
		publish_closed(call, handle->node);
		tree_unpin(call->mount->tree, handle->node);
	}
	free(handle);
}
