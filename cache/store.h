#pragma once
/*
 * Blobs on disk, by digest: DIR/blobs/sha256/ab/abcd... . What is in there has been verified: a
 * transaction takes the bytes, and its commit checks size and digest before the rename that makes
 * them visible. A blob never changes; several processes may share one store.
 */
#include "cache/base/error.h"
#include "cache/base/wait.h"
#include "cache/digest.h"

struct store;
struct transaction;

/* Opens (and makes, 0700) the cache directory and cleans what a crash left behind. EACCES where
 * it is somebody else's or open to others. Keeps a descriptor: chdir does not matter later. */
struct store *store_open(const char *directory, struct error *err);
void store_close(struct store *store);
void store_closep(struct store **store);

/* The directory's descriptor (for fstatvfs), and its path for messages. Owned by the store. */
int store_directory_fd(const struct store *store);
const char *store_path(const struct store *store);

/* A read-only descriptor of the blob, or -ENOENT (also where its size on disk is not `size`, after
 * removing it). The caller closes it. */
int store_open_blob(struct store *store, const struct digest *digest, uint64_t size);

/* Takes the lock (a descriptor; closing it gives it back) under which one process at a time
 * fetches this digest. After getting it, look with store_open_blob() again. -EINTR by `wait`. */
int store_lock_blob(struct store *store, const struct digest *digest, const struct wait *wait,
	struct error *err);

/* A new blob: begin, append, then commit or abort, which both release the transaction. */
struct transaction *store_begin(
	struct store *store, const struct digest *digest, uint64_t size, struct error *err);
int store_append(struct transaction *transaction, const void *bytes, size_t len,
	struct error *err); /* EIO past the size, ENOSPC */
/* Starts again from nothing (a transfer that is repeated). */
int store_rewind(struct transaction *transaction, struct error *err);
/* 0 when the bytes are what the digest says and are in the store; else EIO, with both digests in
 * the text, and the bytes lie in DIR/quarantine/. */
int store_commit(struct transaction *transaction, struct error *err);
void store_abort(struct transaction *transaction);
void store_abortp(struct transaction **transaction);

/* Puts bytes that are at hand into the store (manifests, configs, what was pushed). */
int store_put(struct store *store, const struct digest *digest, const void *bytes, size_t len,
	struct error *err);
/* The same from a descriptor; the file is copied (reflinked where the filesystem can). */
int store_put_file(
	struct store *store, const struct digest *digest, int fd, uint64_t size, struct error *err);
