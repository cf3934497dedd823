#include "client/helper.h"

#include "cache/base/buf.h"
#include "cache/base/clock.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/credentials.h"
#include "client/json.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define NOT_FOUND "credentials not found in native keychain"

int64_t helper_timeout_ms = HELPER_TIMEOUT_MS;

struct run {
	const char *name;
	pid_t pid;
	int out;           /* the helper's stdout */
	int status;        /* of its end */
	struct buf answer; /* what it wrote */
};

bool helper_is_name(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return *name && strlen(name) <= 128 && strspn(name, allowed) == strlen(name);
}

/* A file of this memory that holds the question, to be the helper's stdin: unlike a pipe it is
 * never full, and nobody minds when a helper does not read it. */
static int question_open(const char *question, struct error *err)
{
	scoped(closep) int fd = memfd_create("question", MFD_CLOEXEC);
	size_t len = strlen(question), done = 0;

	if (fd < 0)
		return fail_errno(err, "cannot prepare a credential helper's input");
	while (done < len) {
		ssize_t n = write(fd, question + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, "cannot prepare a credential helper's input");
		done += (size_t)n;
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return fail_errno(err, "cannot prepare a credential helper's input");
	return take_fd(&fd);
}

/* Our environment, but for the one variable that holds secrets itself. The caller frees the array,
 * not its texts. */
static char **helper_environment(void)
{
	static const char secret[] = "DOCKER_AUTH_CONFIG=";
	size_t count = 0, kept = 0;
	char **variables;

	while (environ[count])
		count++;
	variables = must_alloc((count + 1) * sizeof(*variables));
	for (size_t i = 0; i < count; i++)
		if (strncmp(environ[i], secret, strlen(secret)) != 0)
			variables[kept++] = environ[i];
	return variables;
}

/* The helper in a process group of its own, with no signal blocked or ignored. */
static int spawn_with(struct run *run, const char *program, const char *action, int in, int out)
{
	scoped(freep) char **variables = helper_environment();
	char *const argv[] = {must_copy(program), must_copy(action), NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(
		&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	r = posix_spawnp(&run->pid, program, &actions, &attr, argv, variables);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	free(argv[0]);
	free(argv[1]);
	return r;
}

static int run_begin(struct run *run, const char *action, const char *question, struct error *err)
{
	scoped(freep) char *program = must_print("docker-credential-%s", run->name);
	scoped(closep) int in = question_open(question, err);
	int ends[2], r;

	if (in < 0)
		return in;
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return fail_errno(err, "cannot run %s", program);
	/* The flag belongs to the open file: the helper's end must block as usual. */
	fcntl(ends[1], F_SETFL, 0);
	r = spawn_with(run, program, action, in, ends[1]);
	close(ends[1]);
	run->out = ends[0];
	if (r == 0)
		return 0;
	close(ends[0]);
	if (r == ENOENT)
		return fail(err, EACCES,
			"the credential helper %s is not installed: put it on PATH, or take it out "
			"of the file of stored logins",
			program);
	return fail(err, EACCES, "cannot run the credential helper %s: %s", program,
		strerrordesc_np(r));
}

/* Reads what is there. 1 at the end, 0 for "not yet". */
static int run_read(struct run *run, struct error *err)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(run->out, chunk, sizeof(chunk))) > 0) {
		int r = buf_append(&run->answer, chunk, (size_t)n);

		explicit_bzero(chunk, sizeof(chunk));
		if (r < 0)
			return fail(err, EIO,
				"the credential helper docker-credential-%s writes without end",
				run->name);
	}
	return n == 0 || (errno != EAGAIN && errno != EINTR);
}

/* Reads until the helper has ended; what it left running in the background is not waited for. */
static int run_wait(struct run *run, const struct wait *wait, struct error *err)
{
	int64_t deadline_ms = clock_now_ms() + helper_timeout_ms;
	bool at_end = false;
	int step_ms = 1;

	for (;;) {
		struct pollfd out = {.fd = at_end ? -1 : run->out, .events = POLLIN};
		pid_t ended = waitpid(run->pid, &run->status, WNOHANG);
		int r;

		/* Where our starter had SIGCHLD ignored the kernel reaps, and the status is lost.
		 */
		if (ended == run->pid || (ended < 0 && errno == ECHILD))
			run->pid = -1;
		r = at_end ? 1 : run_read(run, err);
		if (r < 0)
			return r;
		if (run->pid < 0)
			return 0;
		if (r > 0 && !at_end)
			step_ms = 1;
		at_end = r > 0;
		if (wait_is_over(wait))
			return fail(err, EINTR, "interrupted while asking a credential helper");
		if (clock_now_ms() >= deadline_ms)
			return fail(err, ETIMEDOUT,
				"the credential helper docker-credential-%s gave no answer within "
				"%lld s: run it by hand to see what it waits for",
				run->name, (long long)(helper_timeout_ms / 1000));
		poll(&out, 1, step_ms);
		step_ms = step_ms < WAIT_STEP_MS / 2 ? step_ms * 2 : WAIT_STEP_MS;
	}
}

static void run_end(struct run *run)
{
	if (run->pid > 0) {
		kill(-run->pid, SIGKILL);
		while (waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(run->out);
}

/* The message is one line, from somebody else's program. */
static int fail_with_message(const struct run *run, const struct buf *answer, struct error *err)
{
	const char *text = buf_text(answer) + strspn(buf_text(answer), " \t\r\n");
	int len = (int)strcspn(text, "\r\n");
	bool is_exit = WIFEXITED(run->status);

	return fail(err, EACCES, "the credential helper docker-credential-%s failed (%s %d): %.*s",
		run->name, is_exit ? "status" : "signal",
		is_exit ? WEXITSTATUS(run->status) : WTERMSIG(run->status),
		len && len < 200 ? len : 200, len ? text : "it gave no reason; run it by hand");
}

/* Runs one action. The answer is the caller's to wipe. 1: the helper says that it has nothing. */
static int run(const char *name, const char *action, const char *question, struct buf *answer,
	const struct wait *wait, struct error *err)
{
	struct run run = {.name = name, .answer = BUF_INIT(HELPER_OUTPUT_MAX)};
	int r;

	if (!helper_is_name(name))
		return fail(err, EINVAL,
			"the credential helper's name \"%.64s\" holds more than letters, digits, "
			"'.', '_' and '-': mend the file of stored logins",
			name);
	r = run_begin(&run, action, question, err);
	if (r < 0)
		return r;
	r = run_wait(&run, wait, err);
	run_end(&run);
	if (r < 0) {
		buf_wipe(&run.answer);
		return r;
	}
	*answer = run.answer;
	if (WIFEXITED(run.status) && WEXITSTATUS(run.status) == 0)
		return 0;
	if (strstr(buf_text(answer), NOT_FOUND))
		return 1;
	return fail_with_message(&run, answer, err);
}

static int parse_login(
	const char *name, const struct buf *answer, struct account *account, struct error *err)
{
	scoped(json_wipep) cJSON *root = json_parse(buf_text(answer), answer->len);
	const char *username = json_text(root, "Username");
	const char *secret = json_text(root, "Secret");

	if (!username || !secret)
		return fail(err, EIO,
			"the credential helper docker-credential-%s printed no login (JSON with "
			"Username and Secret): run it by hand to see what is wrong",
			name);
	if (*secret)
		account_set(account, ACCOUNT_PASSWORD, username, secret);
	return 0;
}

int helper_get(const char *name, const char *server, struct account *account,
	const struct wait *wait, struct error *err)
{
	scoped(buf_wipep) struct buf answer = BUF_INIT(HELPER_OUTPUT_MAX);
	int r = run(name, "get", server, &answer, wait, err);

	if (r != 0)
		return r < 0 ? r : 0;
	return parse_login(name, &answer, account, err);
}

int helper_list(const char *name, struct names *hosts, const struct wait *wait, struct error *err)
{
	scoped(buf_wipep) struct buf answer = BUF_INIT(HELPER_OUTPUT_MAX);
	scoped(json_wipep) cJSON *root = NULL;
	const cJSON *entry;
	int r = run(name, "list", "", &answer, wait, err);

	if (r != 0)
		return r < 0 ? r : 0;
	root = json_parse(buf_text(&answer), answer.len);
	if (!cJSON_IsObject(root))
		return fail(err, EIO,
			"the credential helper docker-credential-%s printed no list (a JSON "
			"object): run it by hand to see what is wrong",
			name);
	cJSON_ArrayForEach (entry, root)
		if (r == 0)
			r = credentials_add_host(hosts, entry->string);
	return r < 0 ? fail(err, ENOMEM, "no memory for the hosts of %s", name) : 0;
}

int helper_store(
	const char *name, const char *server, const struct account *account, struct error *err)
{
	scoped(json_wipep) cJSON *root = cJSON_CreateObject();
	bool is_identity = account->kind == ACCOUNT_IDENTITY;
	scoped(buf_wipep) struct buf answer = BUF_INIT(HELPER_OUTPUT_MAX);
	scoped(secret_freep) char *question = NULL;
	int r;

	cJSON_AddStringToObject(root, "ServerURL", server);
	cJSON_AddStringToObject(root, "Username", is_identity ? "<token>" : account->username);
	cJSON_AddStringToObject(root, "Secret", account->secret);
	question = cJSON_PrintUnformatted(root);
	if (!question)
		return fail(err, ENOMEM, "no memory for the login");
	r = run(name, "store", question, &answer, NULL, err);
	return r <= 0 ? r : fail(err, EACCES, "the credential helper %s keeps nothing", name);
}

int helper_erase(const char *name, const char *server, struct error *err)
{
	scoped(buf_wipep) struct buf answer = BUF_INIT(HELPER_OUTPUT_MAX);
	int r = run(name, "erase", server, &answer, NULL, err);

	return r < 0 ? r : 0;
}
