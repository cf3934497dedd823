#include "fs/session.h"

#include "cache/base/log.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/mount.h"
#include "fs/ops.h"

#include <linux/fuse.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

enum {
	FRONTS_MAX = 4,
	BUFFER_SIZE = 256 * 1024, /* most bytes of a WRITE, and of a reply from session_buffer() */
	STACK_SIZE = 256 * 1024,
	FIXED_DIROPS_VERSION = FUSE_MAKE_VERSION(3, 17),
};

struct front {
	pthread_t thread;
	struct mount *mount;
	struct fuse_buf in;
	void *out;
};

struct fronts {
	int ended_fd;
	atomic_bool is_initialized; /* session_init() was called */
	bool has_dirops; /* the kernel offers parallel lookups; false once that is settled */
	unsigned count;
	struct front at[FRONTS_MAX];
};

static _Thread_local struct front *this_front;

void *session_buffer(size_t size)
{
	return this_front && size <= BUFFER_SIZE ? this_front->out : NULL;
}

void session_init(void *of, struct fuse_conn_info *connection)
{
	struct mount *mount = of;
	const unsigned wanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC |
				FUSE_CAP_READDIRPLUS | FUSE_CAP_PARALLEL_DIROPS;
	const unsigned unwanted = FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_WRITEBACK_CACHE |
				  FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE |
				  FUSE_CAP_SPLICE_MOVE | FUSE_CAP_POSIX_LOCKS |
				  FUSE_CAP_FLOCK_LOCKS;

	connection->want |= wanted & connection->capable;
	connection->want &= ~unwanted;
	connection->max_background = 64;
	connection->max_write = BUFFER_SIZE;
	mount->fronts->has_dirops = connection->capable & FUSE_CAP_PARALLEL_DIROPS;
	atomic_store(&mount->fronts->is_initialized, true);
}

static ssize_t read_device(int fd, void *bytes, size_t len, void *mount)
{
	(void)mount;
	return read(fd, bytes, len);
}

/* libfuse before 3.17 offers parallel directory operations to the program, but leaves their bit
 * out of its answer to INIT, so that the kernel holds a directory's lock over each lookup: one
 * that waits for a registry would block every other there, out of reach of SIGKILL. That answer is
 * the only message of these two parts before session_open() returns. */
static ssize_t write_device(int fd, struct iovec *parts, int count, void *of)
{
	struct mount *mount = of;

	if (mount->fronts->has_dirops && count == 2 &&
		parts[0].iov_len == sizeof(struct fuse_out_header) &&
		parts[1].iov_len == sizeof(struct fuse_init_out)) {
		struct fuse_init_out *answer = parts[1].iov_base;

		if (answer->major == 7)
			answer->flags |= FUSE_PARALLEL_DIROPS;
	}
	return writev(fd, parts, count);
}

static int patch_dirops(struct mount *mount, struct error *err)
{
	static const struct fuse_custom_io io = {.read = read_device, .writev = write_device};
	int r;

	if (fuse_version() >= FIXED_DIROPS_VERSION)
		return 0;
	r = fuse_session_custom_io(mount->session, &io, fuse_session_fd(mount->session));
	return r ? fail(err, EIO, "libfuse does not take over the connection to the kernel") : 0;
}

static int make_arguments(const struct mount *mount, struct fuse_args *args)
{
	const struct options *options = mount->options;
	scoped(freep) char *fsname = must_print("fsname=%s", options->source);
	scoped(freep) char *opts = NULL;
	int r = 0;

	r |= fuse_opt_add_opt(&opts, "nosuid,nodev,default_permissions,subtype=chartfs");
	r |= fuse_opt_add_opt_escaped(&opts, fsname);
	if (r)
		return r;
	return fuse_opt_add_arg(args, "chartfs") || fuse_opt_add_arg(args, "-o") ||
	       fuse_opt_add_arg(args, opts) ||
	       (options->is_read_only && fuse_opt_add_arg(args, "-oro")) ||
	       (options->no_exec && fuse_opt_add_arg(args, "-onoexec")) ||
	       (options->allow_other && fuse_opt_add_arg(args, "-oallow_other")) ||
	       (options->is_debug && fuse_opt_add_arg(args, "-d"));
}

int session_open(struct mount *mount, struct error *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	struct fuse_buf in = {0};
	int r = 0;

	mount->fronts = must_alloc(sizeof(*mount->fronts));
	mount->fronts->ended_fd = -1;
	if (make_arguments(mount, &args) == 0)
		mount->session = fuse_session_new(&args, &ops_table, sizeof(ops_table), mount);
	fuse_opt_free_args(&args);
	if (!mount->session)
		return fail(err, EINVAL, "libfuse refuses the mount's options");
	if (fuse_session_mount(mount->session, mount->options->mountpoint))
		return fail(err, EIO, "cannot mount on %s: see the message above",
			mount->options->mountpoint);
	r = patch_dirops(mount, err);
	while (r == 0 && !atomic_load(&mount->fronts->is_initialized)) {
		r = fuse_session_receive_buf(mount->session, &in);
		if (r == -EINTR || r == -EAGAIN) {
			r = 0;
		} else if (r <= 0) {
			r = fail(err, EIO, "%s was unmounted before it could be used",
				mount->options->mountpoint);
		} else {
			fuse_session_process_buf(mount->session, &in);
			r = 0;
		}
	}
	free(in.mem);
	mount->fronts->has_dirops = false;
	if (r == 0 && fuse_session_exited(mount->session))
		r = fail(err, EPROTO, "this kernel's FUSE is too old");
	return r;
}

static void *serve(void *of)
{
	struct front *front = of;
	struct mount *mount = front->mount;
	struct fuse_session *session = mount->session;
	uint64_t one = 1;

	this_front = front;
	front->out = must_alloc(BUFFER_SIZE);
	while (!fuse_session_exited(session)) {
		int r = fuse_session_receive_buf(session, &front->in);

		if (r == -EINTR || r == -EAGAIN)
			continue;
		if (r < 0)
			log_err("reading requests of the kernel: %s", strerrordesc_np(-r));
		if (r <= 0)
			break;
		fuse_session_process_buf(session, &front->in);
	}
	free(front->out);
	free(front->in.mem);
	if (write(mount->fronts->ended_fd, &one, sizeof(one)) < 0)
		log_err("cannot tell that the mount has ended: %m");
	return NULL;
}

static void ignore_signal(int signal)
{
	(void)signal;
}

int session_ended_fd(const struct mount *mount)
{
	return mount->fronts->ended_fd;
}

int session_start(struct mount *mount, struct error *err)
{
	/* To interrupt a read of the device, see session_stop(): no SA_RESTART. */
	struct sigaction action = {.sa_handler = ignore_signal};
	struct fronts *fronts = mount->fronts;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned wanted = processors < 2 ? 2 : processors > FRONTS_MAX ? FRONTS_MAX : processors;
	pthread_attr_t attributes;
	int r = 0;

	sigaction(SIGUSR1, &action, NULL);
	fronts->ended_fd = eventfd(0, EFD_CLOEXEC);
	if (fronts->ended_fd < 0)
		return fail_errno(err, "eventfd");
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	while (r == 0 && fronts->count < wanted) {
		struct front *front = &fronts->at[fronts->count];

		front->mount = mount;
		r = pthread_create(&front->thread, &attributes, serve, front);
		fronts->count += r == 0;
	}
	pthread_attr_destroy(&attributes);
	return r ? fail(err, r, "cannot start a thread: error %d", r) : 0;
}

void session_stop(struct mount *mount)
{
	struct fronts *fronts = mount->fronts;

	if (!fronts || !mount->session)
		return;
	fuse_session_exit(mount->session);
	for (unsigned i = 0; i < fronts->count; i++) {
		struct timespec until;

		/* Again and again: the signal may come just before the thread reads. */
		do {
			pthread_kill(fronts->at[i].thread, SIGUSR1);
			clock_gettime(CLOCK_REALTIME, &until);
			until.tv_nsec += 20000000;
			if (until.tv_nsec >= 1000000000) {
				until.tv_nsec -= 1000000000;
				until.tv_sec++;
			}
		} while (pthread_timedjoin_np(fronts->at[i].thread, NULL, &until) != 0);
	}
	fronts->count = 0;
}

void session_close(struct mount *mount)
{
	if (mount->session) {
		fuse_session_unmount(mount->session);
		fuse_session_destroy(mount->session);
	}
	if (mount->fronts)
		closep(&mount->fronts->ended_fd);
	free(mount->fronts);
	mount->fronts = NULL;
	mount->session = NULL;
}
