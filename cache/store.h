#pragma once
/*
 * Blobs on disk, by digest: DIR/blobs/sha256/ab/abcd... . What is in there has been verified: a
 * transaction takes the bytes, and its commit checks size and digest before the rename that makes
 * them visible. A blob never changes; several processes may share one store.
 */
#include "cache/base/error.h"
#include "cache/base/wait.h"
#include "cache/digest.h"

enum { STORE_BLOB_PATH_SIZE = 84 };

struct store;
struct transaction;

/* Opens (and makes, 0700) the cache directory and cleans what a crash left behind. EACCES where
 * it is somebody else's or open to others. Keeps a descriptor: chdir does not matter later. NULL
 * on failure. All calls below are for any thread. */
struct store *store_open(const char *directory, struct error *err);
void store_close(struct store *store);
void store_closep(struct store **store);

/* The directory's descriptor (for fstatvfs), and its path for messages. Owned by the store. */
int store_directory_fd(const struct store *store);
const char *store_path(const struct store *store);

/* Writing below the directory has failed with that errno: the sentence, which says what to do where
 * there is no room. */
int store_fail_disk(struct error *err, const struct store *store, int code);

/* Where a blob lies, relative to the directory. */
void store_blob_path(const struct digest *digest, char path[STORE_BLOB_PATH_SIZE]);

/* A read-only descriptor of the blob, or -ENOENT (also where its size on disk is not `size`: the
 * next commit replaces it; it is not removed here, because the size may be what is wrong). The
 * caller closes it. */
int store_open_blob(struct store *store, const struct digest *digest, uint64_t size);

/* Takes the lock (a descriptor; closing it gives it back) under which one process at a time
 * fetches this digest. After getting it, look with store_open_blob() again. -EINTR by `wait`.
 * Nobody waits longer than two minutes: a process that is stopped shall not stop the others. The
 * descriptor then comes without the lock, and at worst the blob is fetched twice. */
int store_lock_blob(struct store *store, const struct digest *digest, const struct wait *wait,
	struct error *err);

/* A new blob: begin, append, then commit or abort, which both release the transaction. A
 * transaction belongs to one thread at a time. */
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

/* Puts bytes that are at hand into the store (manifests, configs, what was pushed). They are
 * checked also where the store has the blob already: 0 says that they are what the digest says. */
int store_put(struct store *store, const struct digest *digest, const void *bytes, size_t len,
	struct error *err);
/* The same from a descriptor; the file is copied (reflinked where the filesystem can) and the copy
 * checked. Where the store has the blob already the file is not looked at. */
int store_put_file(
	struct store *store, const struct digest *digest, int fd, uint64_t size, struct error *err);
