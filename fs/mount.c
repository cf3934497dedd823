#include "fs/mount.h"

#include "cache/base/clock.h"
#include "cache/base/log.h"
#include "cache/base/scope.h"
#include "fs/background.h"
#include "fs/file.h"
#include "fs/local.h"
#include "fs/lookup.h"
#include "fs/notify.h"
#include "fs/pool.h"
#include "fs/publish.h"
#include "fs/resolve.h"
#include "fs/session.h"
#include "fs/stale.h"

#include <malloc.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum { WORKERS = 64, LOOK_AGAIN_MS = 50 };

static const uint64_t spool_least = UINT64_C(1) << 30;

void mount_begin_push(struct mount *mount)
{
	atomic_fetch_add(&mount->pushes, 1);
}

void mount_end_push(struct mount *mount)
{
	atomic_fetch_sub(&mount->pushes, 1);
}

/* ---- the start ---- */

static void get_signals(sigset_t *signals)
{
	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGHUP);
}

/* What holds for the process as a whole, before there is any other thread. */
static void prepare_process(void)
{
	const struct rlimit none = {0, 0};
	struct rlimit files;
	sigset_t signals;

	/* Each file open for reading, or waiting to be published, is a descriptor. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	/* Passwords and tokens are not to end up in a core dump, nor charts be read by others. */
	setrlimit(RLIMIT_CORE, &none);
	umask(077);
	/* Seventy threads would otherwise have eight arenas for each processor. */
	mallopt(M_ARENA_MAX, 2);
	signal(SIGPIPE, SIG_IGN);
	/* Blocked in every thread: wait_for_end() takes them. */
	get_signals(&signals);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

/* A second mount would hide the first, which then cannot be unmounted. */
static int check_not_mounted(const char *path, struct error *err)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct mntent entry;
	char text[8192];
	int r = 0;

	while (r == 0 && mounts && getmntent_r(mounts, &entry, text, sizeof(text)))
		if (strcmp(entry.mnt_dir, path) == 0 && strcmp(entry.mnt_type, "fuse.chartfs") == 0)
			r = fail(err, EBUSY, "%s is mounted on %s already; unmount it first",
				entry.mnt_fsname, path);
	if (mounts)
		endmntent(mounts);
	return r;
}

static int check_mountpoint(const char *path, struct error *err)
{
	struct statvfs space;
	struct stat attr;

	/* The kernel may know the attributes by heart; only statfs always asks the program. */
	if (stat(path, &attr) == 0 && statvfs(path, &space) == 0) {
		if (S_ISDIR(attr.st_mode))
			return check_not_mounted(path, err);
		return fail(err, ENOTDIR, "mount point %s is no directory", path);
	}
	if (errno == ENOTCONN)
		return fail(err, ENOTCONN,
			"mount point %s is left over from a mount whose program has died (\"Transport "
			"endpoint is not connected\"); run `fusermount3 -u %s`, then mount again",
			path, path);
	if (errno == ENOENT)
		return fail(err, ENOENT, "mount point %s does not exist; make it with mkdir", path);
	return fail_errno(err, "mount point %s", path);
}

static int open_cache(struct mount *mount, struct error *err)
{
	uint64_t limit = mount->options->cache_size;

	if (limit < spool_least)
		limit = spool_least;
	mount->store = store_open(mount->options->cache_dir, err);
	if (!mount->store)
		return -err->code;
	mount->staging = staging_open(mount->store, limit, err);
	return mount->staging ? 0 : -err->code;
}

static int open_client(struct mount *mount, struct error *err)
{
	const struct options *options = mount->options;
	struct client_options client = {
		.timeout_ms = options->timeout_ms,
		.plain_http = options->plain_http,
		.insecure = options->insecure,
		.ca_file = options->ca_file,
		.cert_file = options->cert_file,
		.key_file = options->key_file,
		.username = options->username,
		.password_file = options->password_file,
	};

	mount->client = client_new(&client, err);
	return mount->client ? 0 : -err->code;
}

static bool is_signalled(void *of)
{
	sigset_t pending;

	(void)of;
	sigpending(&pending);
	return sigismember(&pending, SIGTERM) || sigismember(&pending, SIGINT) ||
	       sigismember(&pending, SIGHUP);
}

static int check_registry(struct mount *mount, struct error *err)
{
	const char *host = mount->options->host;
	const struct wait wait = {.is_over = is_signalled};
	int r;

	if (!mount->options->is_check)
		return 0;
	r = registry_ping(client_registry(mount->client, host), &wait, err);
	return r ? fail_within(err, "checking %s", host) : 0;
}

static void make_tree(struct mount *mount)
{
	/* With one registry a share of the workers for the others would be wasted. */
	unsigned most_of_one = mount->options->host[0] ? WORKERS : WORKERS / 2;
	struct node *root;

	mount->facts = facts_new();
	mount->flights = flights_new();
	mount->tree = tree_new();
	mount->local = local_new();
	mount->stale = stale_new();
	mount->resolve = resolve_new(mount);
	mount->pool = pool_new(WORKERS, most_of_one);
	root = lookup_root(mount);
	tree_set_root(mount->tree, root);
}

/* Everything up to the moment at which the mount answers. */
static int start(struct mount *mount, struct error *err)
{
	int r;

	clock_gettime(CLOCK_REALTIME, &mount->started);
	pthread_mutex_init(&mount->files_lock, NULL);
	list_init(&mount->files);
	r = check_mountpoint(mount->options->mountpoint, err);
	if (r == 0)
		r = open_cache(mount, err);
	if (r == 0)
		r = open_client(mount, err);
	if (r)
		return r;
	if (!mount->options->is_foreground)
		log_open(LOG_TO_SYSLOG, mount->options->log_level);
	r = client_start(mount->client, err);
	if (r == 0)
		r = check_registry(mount, err);
	if (r)
		return r;
	make_tree(mount);
	r = session_open(mount, err);
	if (r)
		return r;
	mount->notify = notify_start(mount);
	return mount->notify ? 0 : fail(err, EAGAIN, "cannot start a thread");
}

/* ---- the end ---- */

/* Waits until the mount is unmounted, or a signal asks for it. Pushes in progress go on until they
 * end by themselves, or until a second signal. */
static void wait_for_end(struct mount *mount, int ended_fd)
{
	sigset_t signals;
	struct signalfd_siginfo signal;
	unsigned asked = 0;
	scoped(closep) int signal_fd = -1;

	get_signals(&signals);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	while (asked < 2 && !(asked && !atomic_load(&mount->pushes))) {
		struct pollfd fds[] = {
			{.fd = ended_fd, .events = POLLIN}, {.fd = signal_fd, .events = POLLIN}};

		if (poll(fds, 2, asked ? LOOK_AGAIN_MS : -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		if (fds[1].revents && read(signal_fd, &signal, sizeof(signal)) > 0) {
			asked++;
			log_info("signal %u: unmounting %s%s", signal.ssi_signo,
				mount->options->mountpoint,
				!atomic_load(&mount->pushes) ? ""
				: asked == 1                 ? " after the pushes in progress"
							     : "; pushes in progress are given up");
		}
	}
	atomic_store(&mount->is_ending, true);
}

/* In the reverse order of start(), from wherever that got to. */
static void end(struct mount *mount)
{
	atomic_store(&mount->is_ending, true);
	if (mount->client)
		client_stop(mount->client);
	notify_stop(mount->notify);
	session_stop(mount);
	pool_free(mount->pool);
	if (mount->resolve)
		resolve_stop(mount->resolve);
	if (mount->local)
		publish_end(mount);
	file_free_all(mount);
	session_close(mount);
	notify_free(mount->notify);
	mount->notify = NULL;
	if (mount->local)
		local_free(mount, mount->local);
	stale_free(mount->stale);
	tree_free(mount->tree);
	if (mount->resolve)
		resolve_free(mount->resolve);
	if (mount->facts)
		facts_free(mount->facts);
	if (mount->flights)
		flights_free(mount->flights);
	client_free(mount->client);
	if (mount->staging)
		staging_close(mount->staging);
	store_close(mount->store);
	pthread_mutex_destroy(&mount->files_lock);
}

static int serve(struct mount *mount, int ready_fd, struct error *err)
{
	int r = session_start(mount, err);

	if (r)
		return r;
	log_info("%s is mounted on %s", mount->options->source, mount->options->mountpoint);
	background_ready(ready_fd);
	wait_for_end(mount, session_ended_fd(mount));
	return 0;
}

static int live(const struct options *options, int ready_fd)
{
	struct mount mount = {.options = options};
	struct error err = {0};
	int r;

	prepare_process();
	log_open(LOG_TO_STDERR, options->log_level);
	r = start(&mount, &err);
	if (r == 0)
		r = serve(&mount, ready_fd, &err);
	end(&mount);
	if (r == 0)
		log_info("%s is unmounted", options->mountpoint);
	else
		fprintf(stderr, "chartfs: %s\n", err.text);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}

int mount_run(const struct options *options)
{
	int ready_fd = -1, status;

	if (!options->is_foreground && background_fork(&ready_fd, &status))
		return status;
	return live(options, ready_fd);
}
