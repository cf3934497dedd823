#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "cache/folder.h"
#include "cache/quarantine.h"
#include "cache/store.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

enum { PIECE = 16384, ATTEMPTS = 16 };

struct transaction {
	struct store *store;
	struct hasher *hasher;
	struct digest digest;
	uint64_t size; /* to be */
	uint64_t len;  /* so far */
	int fd;
	char path[4 + FOLDER_UNIQUE_SIZE]; /* tmp/...; empty when it is no longer there */
};

/* What is not there where we put things is no "no such file" to whoever opened a chart. */
int store_fail_disk(struct error *err, const struct store *store, int code)
{
	if (code == ENOSPC || code == EDQUOT)
		return fail(err, ENOSPC,
			"the cache directory %s is full; make room there or choose another with "
			"-o cache_dir=DIR",
			store_path(store));
	if (code == ENOENT)
		return fail(err, EIO,
			"the cache directory %s was removed while in use; mount again",
			store_path(store));
	errno = code;
	return fail_errno(err, "cannot write in the cache directory %s", store_path(store));
}

static int open_temporary(struct transaction *transaction)
{
	int at = store_directory_fd(transaction->store), fd = -EEXIST;
	char unique[FOLDER_UNIQUE_SIZE];

	for (int i = 0; i < ATTEMPTS && folder_may_retry(fd); i++) {
		if (fd == -ENOENT)
			folder_make(at, "tmp");
		folder_unique(unique);
		snprintf(transaction->path, sizeof(transaction->path), "tmp/%s", unique);
		fd = folder_hold_file(at, transaction->path, O_CREAT | O_EXCL);
	}
	return fd;
}

struct transaction *store_begin(
	struct store *store, const struct digest *digest, uint64_t size, struct error *err)
{
	scoped(store_abortp) struct transaction *transaction = must_alloc(sizeof(*transaction));

	transaction->store = store;
	transaction->digest = *digest;
	transaction->size = size;
	transaction->fd = open_temporary(transaction);
	if (transaction->fd < 0) {
		transaction->path[0] = '\0';
		store_fail_disk(err, store, -transaction->fd);
		return NULL;
	}
	transaction->hasher = hasher_new();
	return take(transaction);
}

void store_abort(struct transaction *transaction)
{
	if (!transaction)
		return;
	if (transaction->path[0])
		unlinkat(store_directory_fd(transaction->store), transaction->path, 0);
	closep(&transaction->fd);
	hasher_free(transaction->hasher);
	free(transaction);
}

void store_abortp(struct transaction **transaction)
{
	int saved = errno;

	store_abort(*transaction);
	errno = saved;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t done = write(fd, bytes, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		len -= (size_t)done;
	}
	return 0;
}

int store_append(struct transaction *transaction, const void *bytes, size_t len, struct error *err)
{
	char text[DIGEST_TEXT_SIZE];
	int r;

	if (len > transaction->size - transaction->len) {
		digest_print(&transaction->digest, text);
		return fail(err, EIO, "more bytes came for %s than its %llu", text,
			(unsigned long long)transaction->size);
	}
	r = write_all(transaction->fd, bytes, len);
	if (r < 0)
		return store_fail_disk(err, transaction->store, -r);
	hasher_add(transaction->hasher, bytes, len);
	transaction->len += len;
	return 0;
}

int store_rewind(struct transaction *transaction, struct error *err)
{
	if (ftruncate(transaction->fd, 0) < 0 || lseek(transaction->fd, 0, SEEK_SET) < 0)
		return store_fail_disk(err, transaction->store, errno);
	hasher_end(transaction->hasher);
	transaction->len = 0;
	return 0;
}

static int refuse(struct transaction *transaction, const struct digest *got, struct error *err)
{
	char expected_text[DIGEST_TEXT_SIZE], got_text[DIGEST_TEXT_SIZE];
	int r = quarantine_add(store_directory_fd(transaction->store), transaction->path,
		&transaction->digest, got);

	digest_print(&transaction->digest, expected_text);
	digest_print(got, got_text);
	return fail(err, EIO,
		"wrong bytes: %llu with digest %s came for the %llu of %s; they are not used%s%s%s",
		(unsigned long long)transaction->len, got_text,
		(unsigned long long)transaction->size, expected_text, r < 0 ? "" : " and kept in ",
		r < 0 ? "" : store_path(transaction->store), r < 0 ? "" : "/quarantine");
}

/* Checks the bytes, whose digest is `got`, and makes them visible. Releases the transaction. */
static int finish(struct transaction *finished, const struct digest *got, struct error *err)
{
	scoped(store_abortp) struct transaction *transaction = finished;
	int at = store_directory_fd(transaction->store);
	char path[STORE_BLOB_PATH_SIZE];

	if (transaction->len != transaction->size || !digest_equal(got, &transaction->digest))
		return refuse(transaction, got, err);
	if (fchmod(transaction->fd, 0400) < 0)
		return store_fail_disk(err, transaction->store, errno);
	store_blob_path(&transaction->digest, path);
	if (renameat(at, transaction->path, at, path) < 0) {
		char *slash = strrchr(path, '/');
		int r = errno == ENOENT ? 0 : -errno;

		*slash = '\0';
		if (r == 0)
			r = folder_make(at, path);
		*slash = '/';
		if (r == 0 && renameat(at, transaction->path, at, path) < 0)
			r = -errno;
		if (r < 0)
			return store_fail_disk(err, transaction->store, -r);
	}
	transaction->path[0] = '\0';
	return 0;
}

int store_commit(struct transaction *transaction, struct error *err)
{
	struct digest got = hasher_end(transaction->hasher);

	return finish(transaction, &got, err);
}

static bool has_blob(struct store *store, const struct digest *digest, uint64_t size)
{
	scoped(closep) int fd = store_open_blob(store, digest, size);

	return fd >= 0;
}

int store_put(struct store *store, const struct digest *digest, const void *bytes, size_t len,
	struct error *err)
{
	struct digest got = digest_of(bytes, len);

	/* Looking is not enough: who has this answered may go on to use these very bytes. */
	if (digest_equal(&got, digest) && has_blob(store, digest, len))
		return 0;
	scoped(store_abortp) struct transaction *transaction = store_begin(store, digest, len, err);
	if (!transaction)
		return -err->code;
	int r = store_append(transaction, bytes, len, err);

	return r < 0 ? r : store_commit(take(transaction), err);
}

static int append_file(struct transaction *transaction, int fd, struct error *err)
{
	char piece[PIECE];

	while (transaction->len < transaction->size) {
		uint64_t left = transaction->size - transaction->len;
		ssize_t got = pread(fd, piece, left < sizeof(piece) ? left : sizeof(piece),
			(off_t)transaction->len);
		int r;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, "cannot read the file to be cached");
		if (got == 0)
			break; /* shorter: the commit says so */
		r = store_append(transaction, piece, (size_t)got, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int store_put_file(
	struct store *store, const struct digest *digest, int fd, uint64_t size, struct error *err)
{
	struct digest got;
	int r;

	if (has_blob(store, digest, size))
		return 0;
	scoped(store_abortp) struct transaction *transaction =
		store_begin(store, digest, size, err);
	if (!transaction)
		return -err->code;
	if (ioctl(transaction->fd, FICLONE, fd) == 0) {
		r = digest_of_file(transaction->fd, &got, &transaction->len);
		return r < 0 ? store_fail_disk(err, store, -r)
			     : finish(take(transaction), &got, err);
	}
	r = append_file(transaction, fd, err);
	return r < 0 ? r : store_commit(take(transaction), err);
}
