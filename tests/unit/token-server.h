#pragma once
/* Runs token-server.py beside one test program. Include it once, after tap.h. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t server;
static int server_end;
static char host[64]; /* HOST:PORT of the server */

/* `mode` is how it answers GET /v2/. */
static void start_server(const char *mode)
{
	int to[2], from[2];
	char line[16] = "";
	size_t len = 0;

	if (pipe2(to, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0 || (server = fork()) < 0)
		exit(EXIT_FAILURE);
	if (server == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		execlp("python3", "python3", "tests/unit/token-server.py", mode, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	server_end = to[1];
	/* Byte by byte up to the line's end: it may come in pieces. */
	while (len < sizeof(line) - 1 && read(from[0], line + len, 1) == 1 && line[len] != '\n')
		len++;
	close(from[0]);
	if (len == 0 || line[len] != '\n') {
		printf("Bail out! tests/unit/token-server.py does not start\n");
		exit(EXIT_FAILURE);
	}
	line[len] = '\0';
	snprintf(host, sizeof(host), "127.0.0.1:%s", line);
}

static void stop_server(void)
{
	close(server_end);
	waitpid(server, NULL, 0);
}
