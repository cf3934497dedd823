#include "fs/background.h"

#include "cache/base/log.h"
#include "cache/base/scope.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

/* Waits for the child's word, or for its end. */
static int follow(pid_t child, int fd)
{
	char word;
	ssize_t len;
	int status;

	do
		len = read(fd, &word, 1);
	while (len < 0 && errno == EINTR);
	if (len == 1)
		return EXIT_SUCCESS;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return EXIT_FAILURE;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "chartfs: ended by signal %d\n", WTERMSIG(status));
	return EXIT_FAILURE;
}

bool background_fork(int *ready_fd, int *status)
{
	int ends[2];
	pid_t child;

	*status = EXIT_FAILURE;
	/* What the caller left open is not to stay open for as long as the mount lives. */
	close_range(3, ~0U, 0);
	if (pipe2(ends, O_CLOEXEC) < 0) {
		fprintf(stderr, "chartfs: pipe: %s\n", strerrordesc_np(errno));
		return true;
	}
	fflush(NULL);
	child = fork();
	if (child == 0) {
		close(ends[0]);
		*ready_fd = ends[1];
		return false;
	}
	close(ends[1]);
	if (child < 0)
		fprintf(stderr, "chartfs: fork: %s\n", strerrordesc_np(errno));
	else
		*status = follow(child, ends[0]);
	close(ends[0]);
	return true;
}

void background_ready(int ready_fd)
{
	scoped(closep) int fd = ready_fd, null = -1;

	if (fd < 0)
		return;
	/* In a session of its own Ctrl-C and the terminal's end do not reach it any more. */
	setsid();
	if (chdir("/") < 0)
		log_warn("cannot leave the working directory: %m");
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; null >= 0 && i < 3; i++)
		dup2(null, i);
	if (write(fd, "", 1) != 1)
		return; /* the parent was killed: nobody waits */
}
