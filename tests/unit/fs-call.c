#include "fs/call.h"
#include "tests/unit/tap.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process in which signals stay pending: it is stopped. */
static pid_t stopped_child(const sigset_t *blocked)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		signal(SIGWINCH, exit);
		sigprocmask(SIG_SETMASK, blocked, NULL);
		for (;;)
			raise(SIGSTOP);
	}
	waitpid(child, &status, WUNTRACED);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void test_doomed(void)
{
	static const struct {
		int signal;
		bool is_blocked, is_doomed;
	} cases[] = {{SIGWINCH, false, false}, {SIGHUP, false, true}, {SIGINT, false, true},
		{SIGQUIT, false, true}, {SIGTERM, false, true}, {SIGUSR1, false, false},
		{SIGTERM, true, false}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct call call = {0};
		sigset_t blocked;

		sigemptyset(&blocked);
		if (cases[i].is_blocked)
			sigaddset(&blocked, cases[i].signal);
		call.tid = stopped_child(&blocked);
		ok(!call_is_doomed(&call), "nothing is pending");
		kill(call.tid, cases[i].signal);
		ok(call_is_doomed(&call) == cases[i].is_doomed, "signal %d%s", cases[i].signal,
			cases[i].is_blocked ? ", blocked" : "");
		end(call.tid);
		ok(call_is_doomed(&call), "a process that is gone");
	}
	ok(call_is_doomed(&(struct call){0}), "a process that is not known");
}

static void *find_process(void *of)
{
	struct call *call = of;

	call->tid = gettid();
	call->uid = (uid_t)call_process(call);
	return NULL;
}

static void test_process(void)
{
	struct call call = {0};
	pthread_t thread;

	pthread_create(&thread, NULL, find_process, &call);
	pthread_join(thread, NULL);
	is_number(call.uid, getpid(), "a thread's process");
	is_number(call_process(&(struct call){0}), 0, "none where the thread is not known");
}

int main(void)
{
	test_doomed();
	test_process();
	return done();
}
