#pragma once
/* The scripted registry (tests/registry) as a child of a test program. Include it once, after
 * temporary.h. Failing to start or to be controlled ends the program. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

struct scripted {
	pid_t pid;
	char host[64]; /* of the registry: "127.0.0.1:PORT" */
	unsigned registry, token, blobs, api, control;
};

static void scripted_bail(const char *what)
{
	printf("Bail out! the scripted registry: %s\n", what);
	exit(EXIT_FAILURE);
}

static unsigned scripted_port(const char *ports, const char *role)
{
	const char *line = strstr(ports, role);

	return line ? (unsigned)strtoul(line + strlen(role) + 1, NULL, 10) : 0;
}

/* Starts it with a profile and further arguments, up to NULL. */
__attribute__((sentinel, unused)) static void scripted_start(
	struct scripted *scripted, const char *profile, ...)
{
	static unsigned number;
	const char *file = below("ports-%u", ++number), *argument;
	char ports[PATH_MAX], until[32];
	const char *arguments[32] = {"python3", "tests/registry/registry.py", "--profile", profile,
		"--port-file", ports, "--until", until};
	size_t count = 8;
	va_list rest;

	snprintf(ports, sizeof(ports), "%s", file);
	snprintf(until, sizeof(until), "%d", (int)getpid());
	va_start(rest, profile);
	while ((argument = va_arg(rest, const char *)) && count < 31)
		arguments[count++] = argument;
	va_end(rest);
	scripted->pid = fork();
	if (scripted->pid == 0) {
		dup2(2, 1); /* its words are no TAP */
		execvp("python3", (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	for (int i = 0; access(ports, R_OK) < 0; i++) {
		if (i > 6000 || waitpid(scripted->pid, NULL, WNOHANG) != 0)
			scripted_bail("does not start");
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	file = read_file(ports);
	scripted->registry = scripted_port(file, "registry");
	scripted->token = scripted_port(file, "token");
	scripted->blobs = scripted_port(file, "blobs");
	scripted->api = scripted_port(file, "api");
	scripted->control = scripted_port(file, "control");
	snprintf(scripted->host, sizeof(scripted->host), "127.0.0.1:%u", scripted->registry);
}

__attribute__((unused)) static void scripted_stop(struct scripted *scripted)
{
	kill(scripted->pid, SIGKILL);
	waitpid(scripted->pid, NULL, 0);
}

/* One request to the control port; the answer's body, in a static buffer. */
__attribute__((unused)) static const char *scripted_ask(
	const struct scripted *scripted, const char *method, const char *path, const char *body)
{
	static char answer[1 << 20];
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)scripted->control),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len = 0;
	char *text;
	ssize_t n;

	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		scripted_bail("its control port does not listen");
	dprintf(fd,
		"%s /%s HTTP/1.1\r\nHost: control\r\nConnection: close\r\n"
		"Content-Length: %zu\r\n\r\n%s",
		method, path, strlen(body), body);
	while (len < sizeof(answer) - 1 &&
		(n = read(fd, answer + len, sizeof(answer) - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	answer[len] = '\0';
	text = strstr(answer, "\r\n\r\n");
	if (!text || strncmp(answer, "HTTP/1.1 200", 12) != 0) {
		printf("# %s %s %s: %s\n", method, path, body, answer);
		scripted_bail("refuses what the test asks for");
	}
	return text + 4;
}

#define scripted_post(scripted, path, body) scripted_ask((scripted), "POST", (path), (body))

/* How many requests it saw; `filter` as in control.py, "" for all. */
__attribute__((unused)) static int scripted_count(
	const struct scripted *scripted, const char *filter)
{
	char path[512];

	snprintf(path, sizeof(path), "count?%s", filter);
	return atoi(scripted_ask(scripted, "GET", path, ""));
}

/* Forgets what it saw, and all faults. */
__attribute__((unused)) static void scripted_reset(const struct scripted *scripted)
{
	scripted_post(scripted, "reset?faults=1", "");
}

/* Tells of everything that the client must not have done. */
__attribute__((unused)) static void scripted_is_content(
	const struct scripted *scripted, const char *when)
{
	const char *violations = scripted_ask(scripted, "GET", "violations", "");

	if (!ok(strncmp(violations, "[]", 2) == 0, "%s: nothing that it must not do", when))
		printf("#   %.900s\n", violations);
}
