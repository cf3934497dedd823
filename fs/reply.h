#pragma once
/*
 * Replies. Each of these answers the request, once and for all, and returns 0. What a reply hands
 * out (a count of a node, an open file) is taken back where the kernel no longer wanted it.
 * reply_error() is the one place where an error becomes an errno and a line of the log.
 */
#include "fs/request.h"

#include <sys/statvfs.h>

int reply_error(struct request *request, int code);
int reply_done(struct request *request); /* success, nothing to tell */
int reply_entry(struct request *request, struct node *child);
int reply_no_entry(struct request *request, double timeout);
int reply_attr(struct request *request, struct node *node);
int reply_bytes(struct request *request, const void *bytes, size_t len);
int reply_written(struct request *request, size_t len);
int reply_statfs(struct request *request, const struct statvfs *space);

/* The file moves into the reply. */
int reply_create(struct request *request, struct node *child, struct file *file);
int reply_open(struct request *request, struct file *file);
int reply_opendir(struct request *request, struct file *file, bool is_same);

/* The entries of the open directory from the offset on, as many as the request has room for. */
int reply_listing(struct request *request);
