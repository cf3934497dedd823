#include "fs/login.h"

#include "cache/base/buf.h"
#include "cache/base/log.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/registry.h"
#include "fs/options.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <termios.h>

enum { SECRET_MAX = 64 * 1024, TIMEOUT_MS = 30000 };

struct login {
	const char *username, *ca_file, *registry;
	bool is_stdin, plain_http, insecure;
	char host[REFERENCE_HOST_MAX + 1];
};

/* ---- asking ---- */

static volatile sig_atomic_t caught;

static void on_signal(int signal)
{
	caught = signal;
}

/* One line of the terminal, without its end. Signals are blocked but for the wait, so that none can
 * come between the look at `caught` and the wait. */
static int read_line(int fd, const sigset_t *unblocked, struct buf *line, struct error *err)
{
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	char c;

	for (;;) {
		ssize_t len = ppoll(&readable, 1, NULL, unblocked);

		if (caught)
			return fail(err, EINTR, "interrupted");
		if (len > 0)
			len = read(fd, &c, 1);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return fail_errno(err, "reading the terminal");
		if (len == 0 || c == '\n')
			return 0;
		if (buf_add_char(line, c) < 0)
			return fail(err, EFBIG, "that line is too long");
	}
}

/* Asks on the terminal. While it does not echo, signals are caught, so that it is never left
 * without; they then do what they do. */
static int ask(const char *question, bool is_secret, struct buf *answer, struct error *err)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
	enum { COUNT = sizeof(signals) / sizeof(signals[0]) };
	const struct sigaction action = {.sa_handler = on_signal};
	struct sigaction before[COUNT];
	struct termios shown, hidden;
	sigset_t blocked, unblocked;
	scoped(closep) int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	int r;

	if (tty < 0 || tcgetattr(tty, &shown) < 0)
		return fail(err, ENOTTY,
			"there is no terminal to ask on; give -u USER and --password-stdin");
	caught = 0;
	sigemptyset(&blocked);
	for (size_t i = 0; i < COUNT; i++)
		sigaddset(&blocked, signals[i]);
	sigprocmask(SIG_BLOCK, &blocked, &unblocked);
	for (size_t i = 0; i < COUNT; i++)
		sigaction(signals[i], &action, &before[i]);
	hidden = shown;
	if (is_secret)
		hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(tty, TCSAFLUSH, &hidden);
	dprintf(tty, "%s", question);
	r = read_line(tty, &unblocked, answer, err);
	tcsetattr(tty, TCSAFLUSH, &shown);
	if (is_secret || caught)
		dprintf(tty, "\n");
	for (size_t i = 0; i < COUNT; i++)
		sigaction(signals[i], &before[i], NULL);
	sigprocmask(SIG_SETMASK, &unblocked, NULL);
	if (caught)
		raise(caught);
	return r;
}

/* The password as scripts give it: one line feed at its end, and one carriage return before that,
 * are not part of it. */
static int read_stdin(struct buf *secret, struct error *err)
{
	char part[1024];
	ssize_t len;
	int r = 0;

	while (r == 0 && (len = read(STDIN_FILENO, part, sizeof(part))) != 0) {
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			r = fail_errno(err, "reading the password");
		else if (buf_append(secret, part, (size_t)len) < 0)
			r = fail(err, EFBIG, "the password is longer than %d bytes", SECRET_MAX);
	}
	explicit_bzero(part, sizeof(part));
	if (r == 0 && secret->len && secret->at[secret->len - 1] == '\n')
		secret->at[--secret->len] = '\0';
	if (r == 0 && secret->len && secret->at[secret->len - 1] == '\r')
		secret->at[--secret->len] = '\0';
	return r;
}

static int get_secret(const struct login *login, struct buf *secret, struct error *err)
{
	int r = login->is_stdin ? read_stdin(secret, err) : ask("Password: ", true, secret, err);

	if (r)
		return r;
	if (!secret->len)
		return fail(err, EINVAL, "the password is empty");
	if (memchr(secret->at, '\0', secret->len))
		return fail(err, EINVAL, "the password holds a NUL byte");
	return 0;
}

/* ---- the arguments ---- */

static int parse_flag(struct login *login, int argc, char **argv, int *at, struct error *err)
{
	const char *word = argv[*at], **value = NULL;

	if (strcmp(word, "--password-stdin") == 0)
		login->is_stdin = true;
	else if (strcmp(word, "--plain-http") == 0)
		login->plain_http = true;
	else if (strcmp(word, "--insecure") == 0)
		login->insecure = true;
	else if (strcmp(word, "-u") == 0 || strcmp(word, "--username") == 0)
		value = &login->username;
	else if (strcmp(word, "--ca-file") == 0)
		value = &login->ca_file;
	else if (strcmp(word, "-p") == 0 || strncmp(word, "--password", 10) == 0)
		return fail(err, EINVAL,
			"everybody can read a program's arguments: no password there; use "
			"--password-stdin");
	else
		return fail(err, EINVAL, "unknown option \"%s\"; see chartfs --help", word);
	if (value && ++*at == argc)
		return fail(err, EINVAL, "%s needs a value", word);
	if (value)
		*value = argv[*at];
	return 0;
}

static int parse(struct login *login, bool has_flags, int argc, char **argv, struct error *err)
{
	char path[REFERENCE_REPOSITORY_MAX + 1];
	int r = 0;

	for (int i = 0; r == 0 && i < argc; i++) {
		if (argv[i][0] == '-' && has_flags)
			r = parse_flag(login, argc, argv, &i, err);
		else if (argv[i][0] == '-')
			r = fail(err, EINVAL, "unknown option \"%s\"; see chartfs --help", argv[i]);
		else if (login->registry)
			r = fail(err, EINVAL, "one argument too many: \"%s\"", argv[i]);
		else
			login->registry = argv[i];
	}
	if (r)
		return r;
	if (!login->registry)
		return fail(err, EINVAL, "which registry? as in registry.example.com:5000");
	r = reference_parse_source(login->registry, login->host, path, err);
	if (r)
		return r;
	if (!login->host[0] || path[0])
		return fail(err, EINVAL, "\"%s\" is no registry: give HOST[:PORT] alone",
			login->registry);
	if (login->is_stdin && !login->username)
		return fail(err, EINVAL, "--password-stdin needs -u USER");
	return 0;
}

/* ---- the commands ---- */

static int open_client(const struct login *login, struct client **client, struct error *err)
{
	const struct client_options options = {.timeout_ms = TIMEOUT_MS,
		.plain_http = login->plain_http,
		.insecure = login->insecure,
		.ca_file = login->ca_file};
	int r;

	*client = client_new(&options, err);
	if (!*client)
		return -err->code;
	r = client_start(*client, err);
	if (r) {
		client_free(*client);
		*client = NULL;
	}
	return r;
}

static void close_client(struct client **client)
{
	if (!*client)
		return;
	client_stop(*client);
	client_free(*client);
}

static int do_login(struct login *login, struct error *err)
{
	scoped(buf_wipep) struct buf secret = BUF_INIT(SECRET_MAX);
	scoped(buf_freep) struct buf username = BUF_INIT(1024);
	scoped(close_client) struct client *client = NULL;
	int r = 0;

	if (!login->username) {
		r = ask("Username: ", false, &username, err);
		login->username = buf_text(&username);
	}
	if (r == 0 && !login->username[0])
		r = fail(err, EINVAL, "the user's name is empty");
	if (r == 0)
		r = get_secret(login, &secret, err);
	if (r == 0)
		r = open_client(login, &client, err);
	if (r == 0)
		r = client_login(client, login->host, login->username, buf_text(&secret), err);
	if (r == 0)
		printf("Logged in to %s as %s\n", login->host, login->username);
	return r;
}

static int do_logout(struct login *login, struct error *err)
{
	scoped(close_client) struct client *client = NULL;
	int r = open_client(login, &client, err);

	if (r == 0)
		r = client_logout(client, login->host, err);
	if (r == 0)
		printf("Logged out of %s\n", login->host);
	return r;
}

static void prepare(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGPIPE, SIG_IGN);
	log_open(LOG_TO_STDERR, LOG_WARNING);
}

static int run(const char *command, bool has_flags, int (*act)(struct login *, struct error *),
	int argc, char **argv)
{
	struct login login = {0};
	struct error err = {0};
	int status = EXIT_USAGE;
	int r;

	prepare();
	r = parse(&login, has_flags, argc, argv, &err);
	if (r == 0) {
		status = EXIT_FAILURE;
		r = act(&login, &err);
	}
	if (r == 0 && fflush(stdout) == 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "chartfs: %s: %s\n", command, r ? err.text : "cannot write the answer");
	return status;
}

int login_run(int argc, char **argv)
{
	return run("login", true, do_login, argc, argv);
}

int logout_run(int argc, char **argv)
{
	return run("logout", false, do_logout, argc, argv);
}
