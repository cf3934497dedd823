/* Files that are written: the state machine of spool.c, who may use them, and what stays on disk.
 */
#include "fs/mount.h"
#include "fs/spool.h"
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

enum { LIMIT = 1 << 20 };

static struct mount mount;
static struct node *root;

static struct call waiting(void)
{
	return (struct call){.mount = &mount, .may_wait = true, .tid = gettid()};
}

static struct node *make(const char *name)
{
	struct call call = waiting();
	struct node *node = NULL;

	if (spool_new(&call, root, name, &node) < 0)
		printf("# %s\n", call.err.text);
	return node;
}

enum action { WRITE, CUT, CUT_ALL, PUBLISH, FILL, END };

static const char *const state_names[] = {"EMPTY", "DIRTY", "CLEAN"};

/* What a series of actions leaves a new file in. */
static const struct {
	const char *name;
	enum action actions[6];
	enum spool_state state;
	uint64_t size;
} cases[] = {
	{"a new file", {END}, SPOOL_EMPTY, 0},
	{"written", {WRITE, END}, SPOOL_DIRTY, 4},
	{"written twice at one place", {WRITE, WRITE, END}, SPOOL_DIRTY, 4},
	{"published", {WRITE, PUBLISH, END}, SPOOL_CLEAN, 4},
	{"written after it was published", {WRITE, PUBLISH, WRITE, END}, SPOOL_DIRTY, 4},
	{"published again", {WRITE, PUBLISH, WRITE, PUBLISH, END}, SPOOL_CLEAN, 4},
	{"cut after it was published", {WRITE, PUBLISH, CUT, END}, SPOOL_DIRTY, 2},
	{"cut to nothing", {WRITE, CUT_ALL, END}, SPOOL_EMPTY, 0},
	{"cut to nothing after it was published", {WRITE, PUBLISH, CUT_ALL, END}, SPOOL_EMPTY, 0},
	{"made longer by cutting", {CUT, END}, SPOOL_DIRTY, 2},
	{"filled with published bytes", {FILL, END}, SPOOL_CLEAN, 8},
	{"written over those", {FILL, WRITE, END}, SPOOL_DIRTY, 8},
};

static int act(struct call *call, struct spool *spool, enum action action, int published)
{
	switch (action) {
	case WRITE:
		return spool_write(call, spool, "four", 4, 0);
	case CUT:
		return spool_truncate(call, spool, 2);
	case CUT_ALL:
		return spool_truncate(call, spool, 0);
	case PUBLISH:
		spool_set_complete(spool, true);
		spool_set_state(spool, SPOOL_CLEAN);
		return 0;
	case FILL:
		return spool_fill(call, spool, published, 8);
	case END:
		break;
	}
	return 0;
}

static void test_states(int published)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct call call = waiting();
		struct node *node = make(cases[i].name);
		struct timespec mtime;
		uint64_t size;
		int r = spool_acquire(&call, node->spool);

		for (const enum action *at = cases[i].actions; *at != END; at++)
			r = r < 0 ? r : act(&call, node->spool, *at, published);
		spool_stat(node->spool, &size, &mtime);
		ok(r == 0, "%s: works", cases[i].name);
		is_text(state_names[node->spool->state], state_names[cases[i].state],
			cases[i].name);
		is_number((long long)size, (long long)cases[i].size, cases[i].name);
		ok(spool_is_dirty(node->spool) == (cases[i].state == SPOOL_DIRTY), "%s: dirty",
			cases[i].name);
		spool_release(node->spool);
		tree_unpin(mount.tree, node);
	}
}

/* The directory shows what is open or without its bytes. */
static void test_listed(void)
{
	struct call call = waiting();
	struct node *node = make("listed.tgz");
	struct spool *spool = node->spool;

	ok(spool_is_listed(spool), "a file without all its bytes");
	spool_begin_writing(&call, spool);
	spool_set_complete(spool, true);
	ok(spool_is_listed(spool), "a whole one that is open");
	spool_note_close(spool, call_process(&call) + 1);
	ok(spool_is_listed(spool), "... though a helper has closed it");
	spool_note_close(spool, call_process(&call));
	ok(!spool_is_listed(spool), "not once its opener has");
	spool_end_writing(spool);
	ok(!spool_is_listed(spool), "nor later");
	spool_write(&call, spool, "x", 1, 0);
	ok(spool_is_listed(spool), "again once it is written again");
	tree_unpin(mount.tree, node);
}

static void *release_later(void *of)
{
	usleep(20000);
	spool_end_writing(of);
	return NULL;
}

static void test_writers(void)
{
	struct call call = waiting(), front = {.mount = &mount, .tid = gettid()};
	struct node *node = make("writers.tgz");
	struct spool *spool = node->spool;
	pthread_t thread;

	is_number(spool_await_writer(&front, spool), 0, "nobody writes");
	is_number(spool_begin_writing(&call, spool), 0, "the first");
	is_number(spool_begin_writing(&call, spool), -EBUSY, "the second");
	is_number(spool_await_writer(&front, spool), -EBUSY, "one who writes is not waited for");
	spool_note_close(spool, call_process(&call));
	is_number(spool_await_writer(&front, spool), -EWOULDBLOCK, "one who has closed it is");
	pthread_create(&thread, NULL, release_later, spool);
	is_number(spool_await_writer(&call, spool), 0, "until it is released");
	pthread_join(thread, NULL);
	is_number(spool_begin_writing(&call, spool), 0, "then the next one");
	spool_end_writing(spool);

	is_number(spool_acquire(&front, spool), 0, "acquired");
	is_number(spool_acquire(&front, spool), -EWOULDBLOCK, "by one at a time");
	spool_release(spool);
	tree_unpin(mount.tree, node);
}

static void test_room(void)
{
	struct call call = waiting();
	struct node *node = make("room.tgz"), *other = make("other.tgz");

	is_number(spool_truncate(&call, node->spool, LIMIT), 0, "up to the limit");
	is_number(spool_write(&call, other->spool, "x", 1, 0), -ENOSPC, "not beyond");
	ok(other->spool->state == SPOOL_EMPTY, "what did not fit is not there");
	ok(spool_hold(node->spool), "held");
	spool_retire(node->spool);
	is_number(spool_write(&call, other->spool, "x", 1, 0), -ENOSPC, "what is held stays");
	spool_let_go(node->spool);
	spool_retire(node->spool);
	ok(!spool_hold(node->spool), "what is retired is gone");
	is_number(spool_write(&call, other->spool, "x", 1, 0), 0, "and its room is free");
	tree_unpin(mount.tree, node);
	is_number(spool_truncate(&call, other->spool, LIMIT), 0, "but once");
	tree_unpin(mount.tree, other);
}

static void test_names(void)
{
	struct node *node = make("first.tgz");

	ok(!spool_is_unlinked(node->spool), "a name");
	spool_move(node->spool, root, "second.tgz");
	is_text(node->spool->name, "second.tgz", "another");
	is_text(node->name, "first.tgz", "the node's stays");
	spool_unlink(node->spool);
	ok(spool_is_unlinked(node->spool), "none");
	tree_unpin(mount.tree, node);
}

static int open_published(void)
{
	int fd = open(below("published"), O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, "8 bytes.", 8) != 8) {
		printf("Bail out! no temporary file\n");
		exit(EXIT_FAILURE);
	}
	return fd;
}

int main(void)
{
	struct error err = {0};
	int published;

	temporary_make();
	published = open_published();
	mount.store = store_open(below("cache"), &err);
	mount.staging = mount.store ? staging_open(mount.store, LIMIT, &err) : NULL;
	if (!mount.staging) {
		printf("Bail out! %s\n", err.text);
		return EXIT_FAILURE;
	}
	mount.tree = tree_new();
	root = tree_get(
		mount.tree, &(struct node_template){
				    .kind = NODE_DIRECTORY, .key = "h", .name = "", .path = ""});
	tree_set_root(mount.tree, root);
	test_states(published);
	test_listed();
	test_writers();
	test_room();
	test_names();
	tree_free(mount.tree);
	staging_close(mount.staging);
	store_close(mount.store);
	close(published);
	temporary_remove();
	return done();
}
