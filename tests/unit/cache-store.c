#include "cache/base/scope.h"
#include "cache/quarantine.h"
#include "cache/store.h"
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* What commit() and put() are tried with. */
#define TEXT "these are the bytes"

static struct store *open_store(const char *directory)
{
	struct error err = {0};
	struct store *store = store_open(directory, &err);

	if (!store)
		printf("# %s\n", err.text);
	return store;
}

/* The blob's bytes as a text, in a static buffer; NULL where it is not there with that size. */
static const char *blob_text(struct store *store, const struct digest *digest, size_t size)
{
	static char text[4096];
	scoped(closep) int fd = store_open_blob(store, digest, size);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (len < 0)
		return NULL;
	text[len] = '\0';
	return text;
}

static struct digest put_text(struct store *store, const char *text)
{
	struct digest digest = digest_of(text, strlen(text));
	struct error err = {0};

	if (store_put(store, &digest, text, strlen(text), &err) < 0)
		printf("# %s\n", err.text);
	return digest;
}

static void test_open(void)
{
	struct error err = {0};
	struct stat status;

	store_close(open_store(below("open/a/b")));
	ok(stat(below("open/a/b"), &status) == 0 && (status.st_mode & 07777) == 0700,
		"the directory is made with those above it, closed to others");
	store_close(open_store(below("open/a/b/")));
	ok(stat(below("open/a/b/tmp"), &status) == 0 && (status.st_mode & 07777) == 0700,
		"and opened again");

	chmod(below("open/a/b"), 0750);
	ok(!store_open(below("open/a/b"), &err), "one that is open to the group is refused");
	is_number(err.code, EACCES, "with EACCES");
	ok(strstr(err.text, "chmod 700"), "and what to do: %s", err.text);

	write_file(below("file"), "", 0600);
	ok(!store_open(below("file"), &err) && err.code == ENOTDIR, "a file: %s", err.text);
	ok(!store_open(below("file/x"), &err) && err.code == ENOTDIR, "below a file: %s", err.text);
	ok(!store_open("", &err) && err.code == ENOENT, "no name: %s", err.text);
	ok(!store_open("/proc/chartfs", &err) && err.code, "one that cannot be made: %s", err.text);
	if (geteuid() == 0) {
		mkdir(below("others"), 0700);
		ok(chown(below("others"), 12345, 12345) == 0 &&
				!store_open(below("others"), &err) && err.code == EACCES,
			"somebody else's: %s", err.text);
	} else {
		ok(!store_open("/", &err) && err.code == EACCES, "somebody else's: %s", err.text);
	}
}

static void test_relative(void)
{
	scoped(closep) int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct digest digest;

	ok(chdir(temporary) == 0, "in the temporary folder");
	scoped(store_closep) struct store *store = open_store("relative");
	ok(chdir("/") == 0, "elsewhere, as a daemon");
	digest = put_text(store, TEXT);
	is_text(blob_text(store, &digest, strlen(TEXT)), TEXT, "a relative directory stays found");
	is_text(store_path(store), below("relative"), "its path is absolute");
	ok(fchdir(before) == 0, "back");
}

static void test_commit(void)
{
	scoped(store_closep) struct store *store = open_store(below("commit"));
	struct digest digest = digest_of(TEXT, strlen(TEXT));
	char path[STORE_BLOB_PATH_SIZE];
	struct error err = {0};
	struct transaction *transaction;
	struct stat status;

	is_number(store_open_blob(store, &digest, strlen(TEXT)), -ENOENT, "nothing yet");
	transaction = store_begin(store, &digest, strlen(TEXT), &err);
	is_number(store_append(transaction, TEXT, 5, &err), 0, "a piece");
	is_number(store_open_blob(store, &digest, 5), -ENOENT, "is not visible");
	is_number(store_rewind(transaction, &err), 0, "started again");
	is_number(store_append(transaction, TEXT, 3, &err), 0, "another piece");
	is_number(store_append(transaction, "", 0, &err), 0, "an empty one");
	is_number(store_append(transaction, &TEXT[3], strlen(TEXT) - 3, &err), 0, "the rest");
	is_number(store_commit(transaction, &err), 0, "committed");
	is_text(blob_text(store, &digest, strlen(TEXT)), TEXT, "visible");
	store_blob_path(&digest, path);
	ok(stat(below("commit/%s", path), &status) == 0 && (status.st_mode & 07777) == 0400,
		"where it is said to lie, and not to be written");
	is_number(count_names(below("commit/tmp"), NULL), 0, "no temporary file stays");
	is_number(err.code, 0, "the error is untouched");

	transaction = store_begin(store, &digest, strlen(TEXT), &err);
	is_number(store_append(transaction, TEXT, strlen(TEXT), &err), 0, "the same again");
	is_number(store_commit(transaction, &err), 0, "is nothing to refuse");
	is_text(blob_text(store, &digest, strlen(TEXT)), TEXT, "and still there");

	digest = put_text(store, "");
	is_text(blob_text(store, &digest, 0), "", "an empty blob");
}

static void test_abort(void)
{
	scoped(store_closep) struct store *store = open_store(below("abort"));
	struct digest digest = digest_of(TEXT, strlen(TEXT));
	struct error err = {0};
	struct transaction *transaction = store_begin(store, &digest, strlen(TEXT), &err);

	is_number(store_append(transaction, TEXT, strlen(TEXT), &err), 0, "all bytes");
	is_number(count_names(below("abort/tmp"), NULL), 1, "lie in a temporary file");
	store_abort(transaction);
	is_number(count_names(below("abort/tmp"), NULL), 0, "an abort removes them");
	is_number(store_open_blob(store, &digest, strlen(TEXT)), -ENOENT, "nothing came of it");
	store_abort(NULL);
}

static void test_mismatch(void)
{
	static const struct {
		const char *name, *bytes;
		size_t size;
	} cases[] = {
		{"other bytes", "these are not bytes", sizeof(TEXT) - 1},
		{"too few bytes", "these are", sizeof(TEXT) - 1},
		{"no bytes", "", sizeof(TEXT) - 1},
		{"the bytes, but another size was told", TEXT, sizeof(TEXT) + 10},
	};
	scoped(store_closep) struct store *store = open_store(below("mismatch"));
	struct digest digest = digest_of(TEXT, strlen(TEXT));
	char expected[DIGEST_TEXT_SIZE], got[DIGEST_TEXT_SIZE], name[NAME_MAX + 1];
	struct error err = {0};
	struct transaction *transaction;

	digest_print(&digest, expected);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_t len = strlen(cases[i].bytes);
		struct digest wrong = digest_of(cases[i].bytes, len);

		digest_print(&wrong, got);
		transaction = store_begin(store, &digest, cases[i].size, &err);
		store_append(transaction, cases[i].bytes, len, &err);
		is_number(store_commit(transaction, &err), -EIO, cases[i].name);
		ok(err.code == EIO && strstr(err.text, expected) && strstr(err.text, got),
			"both digests are told: %s", err.text);
		ok(store_open_blob(store, &digest, cases[i].size) == -ENOENT &&
				store_open_blob(store, &digest, len) == -ENOENT &&
				store_open_blob(store, &wrong, len) == -ENOENT,
			"and never served");
		is_number(count_names(below("mismatch/quarantine"), name), (long long)i + 1,
			"but kept for a look");
		is_number(count_names(below("mismatch/tmp"), NULL), 0, "not in tmp");
	}
	is_number(store_put(store, &digest, "wrong", 5, &err), -EIO, "put checks");
	put_text(store, TEXT);
	is_number(store_put(store, &digest, "wrong", 5, &err), -EIO,
		"also where the blob is there: the caller may go on with its bytes");
	is_text(blob_text(store, &digest, strlen(TEXT)), TEXT, "which stays as it is");

	transaction = store_begin(store, &digest, 5, &err);
	is_number(store_append(transaction, "12345", 5, &err), 0, "up to the size");
	is_number(store_append(transaction, "6", 1, &err), -EIO, "not past it");
	store_abort(transaction);
}

static void test_quarantine(void)
{
	scoped(store_closep) struct store *store = open_store(below("quarantine"));
	struct digest digest = digest_of(TEXT, strlen(TEXT));
	struct error err = {0};
	char text[32];

	for (int i = 0; i < QUARANTINE_FILES + 5; i++) {
		snprintf(text, sizeof(text), "wrong %d", i);
		store_put(store, &digest, text, strlen(text), &err);
	}
	is_number(count_names(below("quarantine/quarantine"), NULL), QUARANTINE_FILES,
		"the quarantine is bounded");
	ok(strstr(err.text, "kept in"), "the newest is in it: %s", err.text);
}

static void test_wrong_size(void)
{
	scoped(store_closep) struct store *store = open_store(below("size"));
	struct digest digest = put_text(store, TEXT);
	char path[STORE_BLOB_PATH_SIZE];

	store_blob_path(&digest, path);
	chmod(below("size/%s", path), 0600);
	write_file(below("size/%s", path), "short", 0600);
	is_number(store_open_blob(store, &digest, strlen(TEXT)), -ENOENT,
		"a file of another size (lost by a crash) is absent");
	put_text(store, TEXT);
	is_text(blob_text(store, &digest, strlen(TEXT)), TEXT, "and replaced by the next commit");
	is_number(store_open_blob(store, &digest, 1), -ENOENT, "a wrong size asked for");
	is_text(blob_text(store, &digest, strlen(TEXT)), TEXT, "does not harm the blob");
	unlink(below("size/%s", path));
	ok(symlink("/etc/passwd", below("size/%s", path)) == 0, "a link in a blob's place");
	ok(store_open_blob(store, &digest, strlen(TEXT)) < 0, "is not followed");
}

static void test_put_file(void)
{
	scoped(store_closep) struct store *store = open_store(below("putfile"));
	struct digest digest = digest_of(TEXT, strlen(TEXT)), big;
	struct error err = {0};
	scoped(closep) int fd = open(below("source"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	scoped(closep) int blob = -1;
	char piece[1000];
	uint64_t size;

	is_number(write(fd, TEXT, strlen(TEXT)), (long long)strlen(TEXT), "a file");
	is_number(store_put_file(store, &digest, fd, strlen(TEXT), &err), 0, "is put");
	is_text(blob_text(store, &digest, strlen(TEXT)), TEXT, "whatever its offset");
	is_number(store_put_file(store, &digest, -1, strlen(TEXT), &err), 0, "once is enough");
	big = digest_of("x", 1);
	is_number(store_put_file(store, &big, fd, strlen(TEXT), &err), -EIO, "it is checked");
	is_number(store_put_file(store, &big, fd, 1000, &err), -EIO, "for its size too");
	is_number(store_put_file(store, &big, -1, 1000, &err), -EBADF, "a failed read is told");
	is_number(count_names(below("putfile/tmp"), NULL), 0, "nothing stays in tmp");

	memset(piece, 'y', sizeof(piece));
	for (int i = 0; i < 100; i++)
		if (write(fd, piece, sizeof(piece)) < 0)
			break;
	digest_of_file(fd, &big, &size);
	is_number(store_put_file(store, &big, fd, size, &err), 0, "a file of several pieces");
	blob = store_open_blob(store, &big, size);
	ok(blob >= 0 && digest_of_file(blob, &digest, &size) == 0 && digest_equal(&big, &digest),
		"is copied whole");
}

static void test_emptied(void)
{
	scoped(store_closep) struct store *store = open_store(below("emptied"));
	struct digest digest;
	struct error err = {0};

	rmdir(below("emptied/tmp"));
	digest = put_text(store, TEXT);
	is_text(blob_text(store, &digest, strlen(TEXT)), TEXT, "a cache emptied in use goes on");
	store_close(take(store));

	scoped(store_closep) struct store *removed = open_store(below("removed"));
	rmdir(below("removed/tmp"));
	rmdir(below("removed"));
	is_number(
		store_put(removed, &digest, TEXT, strlen(TEXT), &err), -EIO, "one removed is EIO");
	ok(strstr(err.text, "removed while in use"), "and says so: %s", err.text);
}

/* Runs `child` in a process; returns its id once it has written a byte to its pipe. */
static pid_t start(void (*child)(int ready))
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
		child(ends[1]);
		_exit(EXIT_SUCCESS);
	}
	close(ends[1]);
	ok(pid > 0 && read(ends[0], &byte, 1) == 1, "a process has begun");
	close(ends[0]);
	return pid;
}

/* Begins what is never finished. */
static void half_fetch(int ready)
{
	struct digest digest = digest_of(TEXT, strlen(TEXT));
	struct error err = {0};
	struct store *store = store_open(below("crash"), &err);
	struct transaction *transaction = store_begin(store, &digest, strlen(TEXT), &err);

	if (store_append(transaction, TEXT, 5, &err) == 0 &&
		store_lock_blob(store, &digest, NULL, &err) >= 0 && write(ready, "!", 1) == 1)
		for (;;)
			pause();
}

static bool at_once(void *of)
{
	(void)of;
	return true;
}

static void test_crash(void)
{
	static const struct wait over = {.is_over = at_once};
	struct digest digest = digest_of(TEXT, strlen(TEXT)), other = digest_of("x", 1);
	struct error err = {0};
	pid_t pid = start(half_fetch);

	scoped(store_closep) struct store *beside = open_store(below("crash"));
	is_number(
		count_names(below("crash/tmp"), NULL), 1, "a start leaves a living process's file");
	is_number(
		store_lock_blob(beside, &digest, &over, &err), -EINTR, "and cannot have its lock");
	ok(strstr(err.text, "another process"), "%s", err.text);
	scoped(closep) int free_lock = store_lock_blob(beside, &other, &over, &err);
	ok(free_lock >= 0, "another digest's lock is free");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	scoped(closep) int lock = store_lock_blob(beside, &digest, NULL, &err);
	ok(lock >= 0, "a dead process's lock is free");
	is_number(store_lock_blob(beside, &digest, &over, &err), -EINTR,
		"it is ours alone, within the process too");
	closep(&lock);
	lock = store_lock_blob(beside, &digest, &over, &err);
	ok(lock >= 0, "closing it gives it back");

	scoped(store_closep) struct store *after = open_store(below("crash"));
	is_number(count_names(below("crash/tmp"), NULL), 0, "the next start removes its file");
	is_number(store_open_blob(after, &digest, strlen(TEXT)), -ENOENT, "nothing came of it");
}

/* What every process on a shared store does; each download adds a byte to a file. */
static int fetch_shared(void)
{
	struct digest digest = digest_of(TEXT, strlen(TEXT));
	struct error err = {0};
	scoped(store_closep) struct store *store = store_open(below("shared"), &err);
	scoped(closep) int lock = store ? store_lock_blob(store, &digest, NULL, &err) : -1;
	scoped(closep) int log = open(below("downloads"), O_WRONLY | O_APPEND | O_CREAT, 0600);

	if (lock < 0 || log < 0)
		return EXIT_FAILURE;
	if (!blob_text(store, &digest, strlen(TEXT))) {
		struct transaction *transaction = store_begin(store, &digest, strlen(TEXT), &err);

		if (!transaction || write(log, "1", 1) != 1 ||
			store_append(transaction, TEXT, strlen(TEXT), &err) < 0 ||
			store_commit(transaction, &err) < 0)
			return EXIT_FAILURE;
	}
	return blob_text(store, &digest, strlen(TEXT)) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void test_shared(void)
{
	enum { PROCESSES = 8 };
	pid_t pids[PROCESSES];
	int status, good = 0;

	for (int i = 0; i < PROCESSES; i++) {
		fflush(stdout);
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(fetch_shared());
	}
	for (int i = 0; i < PROCESSES; i++)
		if (waitpid(pids[i], &status, 0) == pids[i] && status == 0)
			good++;
	is_number(good, PROCESSES, "processes started at once on one store all have the blob");
	is_text(read_file(below("downloads")), "1", "and one fetched it");
}

static bool tell(const char *path, const char *text)
{
	scoped(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Enters a mount namespace of its own, where it may mount. */
static bool enter_namespace(void)
{
	char user[64], group[64];

	snprintf(user, sizeof(user), "0 %u 1", geteuid());
	snprintf(group, sizeof(group), "0 %u 1", getegid());
	if (geteuid() == 0) {
		if (unshare(CLONE_NEWNS) < 0)
			return false;
	} else if (unshare(CLONE_NEWNS | CLONE_NEWUSER) < 0 ||
		   !tell("/proc/self/setgroups", "deny") || !tell("/proc/self/uid_map", user) ||
		   !tell("/proc/self/gid_map", group)) {
		return false;
	}
	/* A slave: what is unmounted outside does not live on in here. */
	return mount("none", "/", "none", MS_REC | MS_SLAVE, NULL) == 0;
}

/* Fills a filesystem of 64 KiB; returns 0 where all is as it shall be, 2 where there can be no such
 * filesystem. */
static int fill_up(void)
{
	struct digest digest = digest_of("x", 1);
	struct error err = {0};
	char piece[4096] = "";
	int r = 0;

	if (!enter_namespace() || mkdir(below("full"), 0700) < 0 ||
		mount("none", below("full"), "tmpfs", 0, "size=64k,mode=700") < 0)
		return 2;
	scoped(store_closep) struct store *store = open_store(below("full"));
	if (!store)
		return 1;
	scoped(store_abortp) struct transaction *transaction =
		store_begin(store, &digest, 1 << 20, &err);
	while (transaction && r == 0)
		r = store_append(transaction, piece, sizeof(piece), &err);
	return r == -ENOSPC && err.code == ENOSPC && strstr(err.text, "is full") ? 0 : 1;
}

static void test_full(void)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(fill_up());
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		printf("ok %d # SKIP no small filesystem can be mounted here\n", ++tap_count);
	else
		is_number(status, 0, "a full filesystem is ENOSPC, and what to do is told");
}

int main(void)
{
	temporary_make();
	test_open();
	test_relative();
	test_commit();
	test_abort();
	test_mismatch();
	test_quarantine();
	test_wrong_size();
	test_put_file();
	test_emptied();
	test_crash();
	test_shared();
	test_full();
	temporary_remove();
	return done();
}
