#include "fs/request.h"

#include "cache/base/memory.h"
#include "fs/mount.h"
#include "fs/reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of a request on a worker, or queued for one. May be asked from any thread. */
static bool is_over(void *of)
{
	struct request *request = of;

	if (request->operation->is_release)
		return false;
	if (atomic_load(&request->call.mount->is_ending))
		return true;
	if (atomic_load(&request->is_over))
		return true;
	if (!atomic_load(&request->is_interrupted) || !call_is_doomed(&request->call))
		return false;
	atomic_store(&request->is_over, true);
	return true;
}

/* libfuse calls this with the request's lock held, and not after reply.c has taken it back. */
static void on_interrupt(fuse_req_t req, void *of)
{
	struct request *request = of;

	(void)req;
	atomic_store(&request->is_interrupted, true);
}

static void unpin(struct request *request)
{
	struct tree *tree = request->call.mount->tree;

	if (request->node)
		tree_unpin(tree, request->node);
	if (request->new_parent)
		tree_unpin(tree, request->new_parent);
}

static void free_moved(struct request *request)
{
	unpin(request);
	free((void *)(uintptr_t)request->name);
	free((void *)(uintptr_t)request->new_name);
	free((void *)(uintptr_t)request->bytes);
	free(request);
}

static void run_moved(struct job *job)
{
	struct request *request = list_entry(job, struct request, job);
	int r = is_over(request) ? fail(&request->call.err, EINTR, "interrupted")
				 : request->operation->run(request);

	if (r < 0)
		reply_error(request, -r);
	free_moved(request);
}

static bool is_job_over(struct job *job)
{
	return is_over(list_entry(job, struct request, job));
}

static void cancel_moved(struct job *job)
{
	struct request *request = list_entry(job, struct request, job);

	if (request->operation->is_release) { /* there is no worker at all: it is done here */
		run_moved(job);
		return;
	}
	fail(&request->call.err, EINTR, "interrupted while waiting for its turn");
	reply_error(request, EINTR);
	free_moved(request);
}

struct node *request_node(const struct request *request)
{
	if (request->node)
		return request->node;
	return request->file ? request->file->node : NULL;
}

/* What a request waits for: its registry, or in the list of registries any host of that name. */
static const void *lane_of(const struct node *node)
{
	if (!node)
		return NULL;
	return node->kind == NODE_HOSTS ? (const void *)node : node->registry;
}

/* Copies the request and all that it borrows, and queues it. The pins move along. */
static void move_to_pool(const struct request *request)
{
	struct request *moved = must_alloc(sizeof(*moved));
	const struct node *node = request_node(request);

	*moved = *request;
	if (request->name)
		moved->name = must_copy(request->name);
	if (request->new_name)
		moved->new_name = must_copy(request->new_name);
	if (request->bytes) {
		void *bytes = must_alloc(request->size);

		memcpy(bytes, request->bytes, request->size);
		moved->bytes = bytes;
	}
	moved->call.may_wait = true;
	moved->call.wait = (struct wait){is_over, moved};
	moved->call.err = (struct error){0};
	moved->job = (struct job){.key = lane_of(node),
		.run = run_moved,
		.is_over = is_job_over,
		.cancel = cancel_moved};
	fuse_req_interrupt_func(moved->req, on_interrupt, moved);
	pool_add(moved->call.mount->pool, &moved->job);
}

void request_serve(struct request *request, fuse_req_t req, const struct operation *operation)
{
	const struct fuse_ctx *context = fuse_req_ctx(req);
	struct mount *mount = fuse_req_userdata(req);
	int r;

	request->req = req;
	request->operation = operation;
	request->call.mount = mount;
	request->call.tid = context->pid;
	request->call.uid = context->uid;
	if (request->id)
		request->node = tree_pin_id(mount->tree, request->id);
	if (request->new_parent_id)
		request->new_parent = tree_pin_id(mount->tree, request->new_parent_id);
	r = operation->run(request);
	if (r == -EWOULDBLOCK) {
		move_to_pool(request);
		return;
	}
	if (r < 0)
		reply_error(request, -r);
	unpin(request);
}
