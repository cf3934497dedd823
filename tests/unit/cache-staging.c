#include "cache/base/log.h"
#include "cache/base/scope.h"
#include "cache/staging.h"
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static struct store *open_store(void)
{
	struct error err = {0};
	struct store *store = store_open(below("cache"), &err);

	if (!store) {
		printf("Bail out! %s\n", err.text);
		exit(EXIT_FAILURE);
	}
	return store;
}

/* A staged file with that text. */
static uint64_t stage(struct staging *staging, const char *name, const char *text)
{
	struct error err = {0};
	uint64_t id = 0;
	scoped(closep) int fd = staging_create(staging, name, &id, &err);

	ok(fd >= 0 && staging_resize(staging, 0, strlen(text)) == 0 &&
			write(fd, text, strlen(text)) == (ssize_t)strlen(text),
		"staged %s", name);
	return id;
}

static void test_files(void)
{
	scoped(store_closep) struct store *store = open_store();
	struct error err = {0};
	struct staging *staging = staging_open(store, 1000, &err);
	struct staging *second = staging_open(store, 1000, &err);
	uint64_t a, b;
	struct stat status;
	char name[NAME_MAX + 1];

	ok(staging && second, "two in one store");
	is_number(count_names(below("cache/spool"), name), 2, "each has a folder");
	ok(stat(below("cache/spool/%s", name), &status) == 0 && (status.st_mode & 07777) == 0700,
		"closed to others");
	staging_close(second);
	is_number(count_names(below("cache/spool"), name), 1, "a close removes it");
	a = stage(staging, "app-1.0.0.tgz", "one");
	b = stage(staging, "app-1.0.0.tgz", "two");
	ok(a != b, "two files of one name are two");
	is_number(count_names(below("cache/spool/%s", name), NULL), 3, "beside the lock");
	staging_discard(staging, a, 3);
	staging_discard(staging, a, 3);
	is_number(count_names(below("cache/spool/%s", name), NULL), 2, "one is discarded, once");
	staging_close(staging);
	is_number(count_names(below("cache/spool"), NULL), 0, "the end removes what is left");
	is_number(count_names(below("cache/failed"), NULL), 0, "and keeps nothing by itself");
	staging_close(NULL);
}

static void test_budget(void)
{
	static const struct {
		uint64_t old_size, size;
		int result;
	} steps[] = {
		{0, 600, 0},
		{0, 401, -ENOSPC},
		{0, 400, 0},
		{600, 601, -ENOSPC},
		{600, 600, 0},
		{0, UINT64_MAX, -ENOSPC},
		{600, 100, 0},
		{400, 900, 0},
		{0, 1, -ENOSPC},
		{900, 0, 0},
		{100, 0, 0},
		{0, 1000, 0},
		{0, 1, -ENOSPC},
	};
	scoped(store_closep) struct store *store = open_store();
	struct error err = {0};
	struct staging *staging = staging_open(store, 1000, &err);
	char path[PATH_MAX];
	uint64_t id;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		int r = staging_resize(staging, steps[i].old_size, steps[i].size);

		ok(r == steps[i].result, "step %zu: %llu to %llu %s", i,
			(unsigned long long)steps[i].old_size, (unsigned long long)steps[i].size,
			steps[i].result ? "is refused" : "fits");
	}
	staging_resize(staging, 1000, 0);
	id = stage(staging, "x.tgz", "12345");
	staging_discard(staging, id, 5);
	is_number(staging_resize(staging, 0, 1000), 0, "discarding gives room back");
	staging_resize(staging, 1000, 0);
	id = stage(staging, "x.tgz", "12345");
	is_number(staging_keep(staging, id, "x.tgz", 5, path, sizeof(path), &err), 0, "kept");
	is_number(staging_resize(staging, 0, 1000), 0, "keeping gives room back");
	unlink(path);
	staging_close(staging);
}

static void test_keep(void)
{
	static const struct {
		const char *name, *ending;
	} cases[] = {
		{"app-1.0.0.tgz", "Z-app-1.0.0.tgz"},
		{"app-1.0.0.tgz", "-app-1.0.0.tgz"},
		{"../../etc/passwd", "Z-.._.._etc_passwd"},
		{"", "Z-unnamed"},
		{"a\nb\x7f.tgz", "Z-a_b_.tgz"},
		{"\xc3\xa9.tgz", "Z-\xc3\xa9.tgz"},
	};
	scoped(store_closep) struct store *store = open_store();
	struct error err = {0};
	struct staging *staging = staging_open(store, 1000, &err);
	char path[PATH_MAX], longest[256];
	uint64_t id;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		id = stage(staging, "temporary", "bytes");
		is_number(staging_keep(staging, id, cases[i].name, 5, path, sizeof(path), &err), 0,
			"kept");
		ok(strstr(path, cases[i].ending) &&
				!strcmp(strstr(path, cases[i].ending), cases[i].ending),
			"as %s", path);
		is_text(read_file(path), "bytes", "with its bytes");
	}
	is_number(count_names(below("cache/failed"), NULL), sizeof(cases) / sizeof(*cases),
		"files of one name and time do not replace each other");
	memset(longest, 'x', 255);
	longest[255] = '\0';
	longest[199] = '\xc3';
	longest[200] = '\xa9';
	id = stage(staging, longest, "bytes");
	is_number(
		staging_keep(staging, id, longest, 5, path, sizeof(path), &err), 0, "a long name");
	ok(path[strlen(path) - 1] == 'x', "is cut between two characters");
	is_number(staging_keep(staging, id, "x", 5, path, sizeof(path), &err), -EBADF,
		"a file is kept once");
	staging_close(staging);
}

/* A file in the place of failed/: nothing can be moved there. */
static void test_cannot_keep(void)
{
	scoped(store_closep) struct store *store = open_store();
	struct error err = {0};
	struct staging *staging = staging_open(store, 1000, &err);
	char path[PATH_MAX], name[NAME_MAX + 1];
	uint64_t id = stage(staging, "app-2.0.0.tgz", "precious");

	rename(below("cache/failed"), below("aside"));
	write_file(below("cache/failed"), "", 0600);
	is_number(staging_keep(staging, id, "app-2.0.0.tgz", 8, path, sizeof(path), &err), -ENOTDIR,
		"what cannot be moved");
	ok(strstr(err.text, "it stays in"), "stays: %s", err.text);
	staging_close(staging);
	is_number(count_names(below("cache/spool"), NULL), 1, "past the end");
	unlink(below("cache/failed"));
	staging_close(staging_open(store, 1000, &err));
	is_number(count_names(below("cache/failed"), name), 1, "the next start keeps it");
	ok(strstr(name, "-app-2.0.0.tgz"), "by its name: %s", name);
	is_text(read_file(below("cache/failed/%s", name)), "precious", "with its bytes");
	is_number(count_names(below("cache/spool"), NULL), 0, "and tidies up");
	unlink(below("cache/failed/%s", name));
}

/* Stages two files, one of them empty, and waits for its death. */
static void stage_and_wait(int ready)
{
	struct error err = {0};
	struct store *store = store_open(below("cache"), &err);
	struct staging *staging = store ? staging_open(store, 1000, &err) : NULL;
	uint64_t id;
	int fd = staging ? staging_create(staging, "lost-1.0.0.tgz", &id, &err) : -1;

	if (fd >= 0 && write(fd, "lost", 4) == 4 &&
		staging_create(staging, "empty.tgz", &id, &err) >= 0 && write(ready, "!", 1) == 1)
		for (;;)
			pause();
}

static pid_t start(void)
{
	int ends[2];
	pid_t pid;
	char byte;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		stage_and_wait(ends[1]);
		_exit(EXIT_SUCCESS);
	}
	close(ends[1]);
	ok(pid > 0 && read(ends[0], &byte, 1) == 1, "a process has staged files");
	close(ends[0]);
	return pid;
}

static void test_crash(void)
{
	struct error err = {0};
	pid_t pid = start();

	scoped(store_closep) struct store *store = open_store();
	staging_close(staging_open(store, 1000, &err));
	is_number(count_names(below("cache/spool"), NULL), 1, "a start leaves a living one's");
	is_number(count_names(below("cache/failed"), NULL), 0, "and keeps nothing of it");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);

	char name[NAME_MAX + 1] = "";
	struct staging *staging = staging_open(store, 1000, &err);
	is_number(count_names(below("cache/spool"), NULL), 1, "a dead one's folder goes");
	is_number(count_names(below("cache/failed"), name), 1, "what it staged is kept");
	ok(strstr(name, "Z-lost-1.0.0.tgz"), "by its name: %s", name);
	is_text(read_file(below("cache/failed/%s", name)), "lost", "with its bytes");
	staging_close(staging);
}

/* Processes that start, stage and end at once must not take each other for dead. */
static void test_beside(void)
{
	enum { PROCESSES = 8, ROUNDS = 20 };
	pid_t pids[PROCESSES];
	int status, good = 0, before = count_names(below("cache/failed"), NULL);

	for (int i = 0; i < PROCESSES; i++) {
		fflush(stdout);
		pids[i] = fork();
		if (pids[i])
			continue;
		for (int round = 0; round < ROUNDS; round++) {
			struct error err = {0};
			struct store *store = store_open(below("cache"), &err);
			struct staging *staging = store ? staging_open(store, 100, &err) : NULL;
			uint64_t id;
			int fd = staging ? staging_create(staging, "x.tgz", &id, &err) : -1;
			struct stat kept;

			if (fd < 0 || write(fd, "x", 1) != 1 || fstat(fd, &kept) < 0 ||
				!kept.st_nlink) {
				fprintf(stderr, "# %s\n", err.text);
				_exit(EXIT_FAILURE);
			}
			close(fd);
			staging_close(staging);
			store_close(store);
		}
		_exit(EXIT_SUCCESS);
	}
	for (int i = 0; i < PROCESSES; i++)
		if (waitpid(pids[i], &status, 0) == pids[i] && status == 0)
			good++;
	is_number(good, PROCESSES, "processes that come and go beside each other");
	is_number(count_names(below("cache/failed"), NULL), before, "lose nothing to each other");
	is_number(count_names(below("cache/spool"), NULL), 0, "and leave nothing");
}

int main(void)
{
	log_open(LOG_TO_STDERR, LOG_CRIT);
	temporary_make();
	test_files();
	test_budget();
	test_keep();
	test_cannot_keep();
	test_crash();
	test_beside();
	temporary_remove();
	return done();
}
