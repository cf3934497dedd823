/*
 * What close means
 *
 * close(2) reaches us as FLUSH, once for every descriptor of an open file, and its answer is the
 * only one that a writer is sure to look at. RELEASE comes after the last of them and its answer
 * reaches nobody. So the push happens in FLUSH, while the writer waits; but FLUSH does not say
 * whether more bytes will come. What really arrives:
 *
 *	cp			CREATE WRITE... FLUSH RELEASE
 *	cat x > y, dd		CREATE FLUSH WRITE... FLUSH RELEASE	the shell closes its copy
 *	(cat a; cat b) > y	CREATE FLUSH WRITE FLUSH WRITE FLUSH FLUSH RELEASE
 *
 * An archive tells by itself whether it has ended, and that decides: a spool that is EMPTY or CLEAN
 * has nothing to push and its flush is 0. A DIRTY one that is a whole chart is pushed; its flush is
 * the push's outcome, and the next flush tries again if it failed. One that has not ended is
 * harmless where a helper of the writer closes its copy, and an error for the process that opened
 * the file: for that one no more will come. One that can never become a chart is an error always.
 *
 *	EMPTY --write--> DIRTY --flush, a whole chart--> pushed: CLEAN --write--> DIRTY
 *			   \--flush, anything else--> DIRTY
 *
 * Nothing is written behind the writer's back: no bytes that close has answered with 0 wait for a
 * later push, but for the cases that the manual names (a file without a byte, a provenance that
 * came before its archive).
 */
#include "fs/spool.h"

#include "cache/base/clock.h"
#include "cache/base/log.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* For how long a RELEASE may be on its way after the close that it belongs to. */
enum { CLOSING_MS = 5000 };

int spool_new(struct call *call, struct node *parent, const char *name, struct node **node)
{
	struct mount *mount = call->mount;
	struct spool *spool = must_alloc(sizeof(*spool));
	scoped(freep) char *key = NULL;

	spool->mount = mount;
	spool->fd = staging_create(mount->staging, name, &spool->id, &call->err);
	if (spool->fd < 0) {
		free(spool);
		return -call->err.code;
	}
	pthread_mutex_init(&spool->lock, NULL);
	wait_condition_init(&spool->changed);
	clock_gettime(CLOCK_REALTIME, &spool->mtime);
	spool->name = must_copy(name);
	spool->parent = parent;
	tree_pin(mount->tree, parent);
	key = must_print("spool:%llu", (unsigned long long)spool->id);
	*node = tree_get(mount->tree, &(struct node_template){.kind = NODE_SPOOL,
					      .key = key,
					      .name = name,
					      .parent = parent,
					      .registry = parent->registry,
					      .spool = spool});
	return 0;
}

void spool_free(struct spool *spool)
{
	spool_retire(spool);
	tree_unpin(spool->mount->tree, spool->parent);
	pthread_cond_destroy(&spool->changed);
	pthread_mutex_destroy(&spool->lock);
	free(spool->name);
	free(spool);
}

int spool_acquire(struct call *call, struct spool *spool)
{
	int r = 0;

	pthread_mutex_lock(&spool->lock);
	while (r == 0 && spool->is_busy)
		r = call->may_wait ? wait_step(&call->wait, &spool->changed, &spool->lock, 0)
				   : -EWOULDBLOCK;
	if (r == 0)
		spool->is_busy = true;
	else if (r == -EINTR)
		fail(&call->err, EINTR, "interrupted while %s was being pushed", spool->name);
	pthread_mutex_unlock(&spool->lock);
	return r;
}

void spool_release(struct spool *spool)
{
	pthread_mutex_lock(&spool->lock);
	spool->is_busy = false;
	pthread_cond_broadcast(&spool->changed);
	pthread_mutex_unlock(&spool->lock);
}

bool spool_hold(struct spool *spool)
{
	bool is_there;

	pthread_mutex_lock(&spool->lock);
	is_there = spool->fd >= 0;
	spool->holds += is_there;
	pthread_mutex_unlock(&spool->lock);
	return is_there;
}

void spool_let_go(struct spool *spool)
{
	pthread_mutex_lock(&spool->lock);
	spool->holds--;
	pthread_mutex_unlock(&spool->lock);
}

void spool_retire(struct spool *spool)
{
	int fd = -1;

	pthread_mutex_lock(&spool->lock);
	if (!spool->holds) {
		fd = spool->fd;
		spool->fd = -1;
	}
	pthread_mutex_unlock(&spool->lock);
	if (fd < 0)
		return;
	staging_discard(spool->mount->staging, spool->id, spool->size);
	close(fd);
}

void spool_stat(struct spool *spool, uint64_t *size, struct timespec *mtime)
{
	/* Not 0, which is what mounts show of a manifest without a time. */
	static const struct timespec never = {.tv_sec = -1};

	pthread_mutex_lock(&spool->lock);
	*size = spool->size;
	*mtime = spool->is_failed ? never : spool->mtime;
	pthread_mutex_unlock(&spool->lock);
}

bool spool_is_listed(struct spool *spool)
{
	bool is_listed;

	pthread_mutex_lock(&spool->lock);
	is_listed = (spool->writers && !spool->is_closing) || !spool->is_complete;
	pthread_mutex_unlock(&spool->lock);
	return is_listed;
}

/* The bytes are about to be others: what was known of them no longer holds. */
static void change(struct spool *spool, uint64_t size)
{
	pthread_mutex_lock(&spool->lock);
	spool->size = size;
	spool->is_complete = false;
	spool->is_failed = false;
	spool->is_closing = false;
	clock_gettime(CLOCK_REALTIME, &spool->mtime);
	spool->state = size ? SPOOL_DIRTY : SPOOL_EMPTY;
	pthread_mutex_unlock(&spool->lock);
}

static int resize(struct call *call, struct spool *spool, uint64_t size)
{
	if (staging_resize(spool->mount->staging, spool->size, size) < 0)
		return fail(&call->err, ENOSPC,
			"no room for %s: files being written may take as much as cache_size",
			spool->name);
	return 0;
}

int spool_write(
	struct call *call, struct spool *spool, const void *bytes, size_t len, int64_t offset)
{
	uint64_t end = (uint64_t)offset + len;
	uint64_t size = end > spool->size ? end : spool->size;
	const char *from = bytes;
	size_t done = 0;
	int r;

	if (!len)
		return 0;
	r = resize(call, spool, size);
	if (r < 0)
		return r;
	while (done < len) {
		ssize_t n = pwrite(spool->fd, from + done, len - done, offset + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			store_fail_disk(&call->err, spool->mount->store, errno);
			r = fail_within(&call->err, "writing %s", spool->name);
			staging_resize(spool->mount->staging, size, spool->size);
			/* Bytes of it may be there: whatever was a chart is none any more. */
			change(spool, spool->size);
			return r;
		}
		done += (size_t)n;
	}
	change(spool, size);
	return 0;
}

int spool_truncate(struct call *call, struct spool *spool, uint64_t size)
{
	uint64_t old = spool->size;
	int r = resize(call, spool, size);

	if (r < 0)
		return r;
	if (ftruncate(spool->fd, (off_t)size) < 0) {
		store_fail_disk(&call->err, spool->mount->store, errno);
		r = fail_within(&call->err, "truncating %s", spool->name);
		staging_resize(spool->mount->staging, size, old);
		return r;
	}
	change(spool, size);
	return 0;
}

int spool_fill(struct call *call, struct spool *spool, int fd, uint64_t size)
{
	static const size_t step = 1 << 16;
	scoped(freep) char *block = must_alloc(step);
	uint64_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, block, step, (off_t)done);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(
				&call->err, EIO, "cannot read the published %s back", spool->name);
		r = spool_write(call, spool, block, (size_t)n, (off_t)done);
		if (r < 0)
			return r;
		done += (uint64_t)n;
	}
	spool_set_state(spool, SPOOL_CLEAN);
	return 0;
}

void spool_set_mtime(struct spool *spool, const struct timespec *mtime)
{
	pthread_mutex_lock(&spool->lock);
	spool->mtime = *mtime;
	pthread_mutex_unlock(&spool->lock);
}

void spool_set_state(struct spool *spool, enum spool_state state)
{
	pthread_mutex_lock(&spool->lock);
	spool->state = state;
	spool->is_failed = false;
	pthread_mutex_unlock(&spool->lock);
}

bool spool_is_dirty(struct spool *spool)
{
	bool is_dirty;

	pthread_mutex_lock(&spool->lock);
	is_dirty = spool->state == SPOOL_DIRTY;
	pthread_mutex_unlock(&spool->lock);
	return is_dirty;
}

void spool_set_complete(struct spool *spool, bool is_complete)
{
	pthread_mutex_lock(&spool->lock);
	spool->is_complete = is_complete;
	pthread_mutex_unlock(&spool->lock);
}

void spool_set_failed(struct spool *spool, bool is_failed)
{
	pthread_mutex_lock(&spool->lock);
	spool->is_failed = is_failed;
	pthread_mutex_unlock(&spool->lock);
}

void spool_move(struct spool *spool, struct node *parent, const char *name)
{
	struct node *old = spool->parent;
	char *old_name = spool->name;

	tree_pin(spool->mount->tree, parent);
	pthread_mutex_lock(&spool->lock); /* whoever waits for it may want to name it */
	spool->parent = parent;
	spool->name = must_copy(name);
	pthread_mutex_unlock(&spool->lock);
	tree_unpin(spool->mount->tree, old);
	free(old_name);
}

struct node *spool_place(struct spool *spool, char **name)
{
	struct node *parent;

	pthread_mutex_lock(&spool->lock);
	parent = spool->parent;
	tree_pin(spool->mount->tree, parent);
	*name = must_copy(spool->name);
	pthread_mutex_unlock(&spool->lock);
	return parent;
}

void spool_unlink(struct spool *spool)
{
	pthread_mutex_lock(&spool->lock);
	spool->is_unlinked = true;
	pthread_mutex_unlock(&spool->lock);
}

bool spool_is_unlinked(struct spool *spool)
{
	bool is_unlinked;

	pthread_mutex_lock(&spool->lock);
	is_unlinked = spool->is_unlinked;
	pthread_mutex_unlock(&spool->lock);
	return is_unlinked;
}

int spool_await_writer(struct call *call, struct spool *spool)
{
	int64_t deadline_ms = clock_now_ms() + CLOSING_MS;
	int r = 0;

	pthread_mutex_lock(&spool->lock);
	while (r == 0 && spool->writers && spool->is_closing)
		r = call->may_wait
			    ? wait_step(&call->wait, &spool->changed, &spool->lock, deadline_ms)
			    : -EWOULDBLOCK;
	if (r == -EINTR)
		fail(&call->err, EINTR, "interrupted while %s was being closed", spool->name);
	else if (r != -EWOULDBLOCK && spool->writers)
		r = fail(&call->err, EBUSY, "%s is being written already", spool->name);
	else if (r == -ETIMEDOUT)
		r = 0;
	pthread_mutex_unlock(&spool->lock);
	return r;
}

int spool_begin_writing(struct call *call, struct spool *spool)
{
	pid_t process = call_process(call);
	int r = 0;

	pthread_mutex_lock(&spool->lock);
	if (spool->writers) {
		r = fail(&call->err, EBUSY, "%s is being written already", spool->name);
	} else {
		spool->writers = 1;
		spool->is_closing = false;
		spool->opener = process;
	}
	pthread_mutex_unlock(&spool->lock);
	return r;
}

void spool_note_close(struct spool *spool, pid_t process)
{
	pthread_mutex_lock(&spool->lock);
	if (!process || !spool->opener || process == spool->opener)
		spool->is_closing = true;
	pthread_mutex_unlock(&spool->lock);
}

void spool_end_writing(struct spool *spool)
{
	pthread_mutex_lock(&spool->lock);
	spool->writers = 0;
	pthread_cond_broadcast(&spool->changed);
	pthread_mutex_unlock(&spool->lock);
}

void spool_keep(struct spool *spool, const char *reason)
{
	char path[4096];
	struct error err;

	if (staging_keep(spool->mount->staging, spool->id, spool->name, spool->size, path,
		    sizeof(path), &err) < 0) {
		log_err("%s; its bytes could not be kept: %s", reason, err.text);
		return;
	}
	log_err("%s; its bytes are kept in %s", reason, path);
	pthread_mutex_lock(&spool->lock);
	spool->size = 0; /* they are not ours to account for any more */
	spool->state = SPOOL_CLEAN;
	pthread_mutex_unlock(&spool->lock);
}
