#pragma once
/*
 * A request of the kernel, from its arrival until its one reply. It is tried on the front thread,
 * on whose stack it lies; where that would have to wait, a copy of it goes to the pool and is run
 * again by a worker.
 */
#include "fs/call.h"
#include "fs/file.h"
#include "fs/lowlevel.h"
#include "fs/pool.h"

#include <stdatomic.h>
#include <sys/stat.h>

struct request;

struct operation {
	const char *name; /* for messages */
	/* Replies and returns 0; or returns -errno, which is then replied and logged. */
	int (*run)(struct request *request);
	bool is_lookup;  /* ENOENT is no news */
	bool is_push;    /* a failure is an error, not a warning */
	bool is_release; /* never cancelled */
};

struct request {
	struct call call;
	fuse_req_t req;
	const struct operation *operation;
	struct job job;
	atomic_bool is_interrupted; /* the kernel says so: some signal came */
	atomic_bool is_over;        /* ... and it was one to die of; stays */

	/* What was asked; each operation uses some of these. */
	struct node *node, *new_parent; /* pinned */
	fuse_ino_t id, new_parent_id;   /* 0: none */
	const char *name, *new_name;
	struct file *file;
	const void *bytes;
	size_t size;
	off_t offset;
	int flags; /* of open, of rename; what setattr sets */
	struct stat attr;
};

/* The node that the request is about: by number, or the open file's; may be NULL. */
struct node *request_node(const struct request *request);

/* Runs the request, whose arguments have been filled in, or hands it to the pool. */
void request_serve(struct request *request, fuse_req_t req, const struct operation *operation);
