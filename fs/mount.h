#pragma once
/* One mount's life, and what all of its parts share. */
#include "cache/base/list.h"
#include "cache/facts.h"
#include "cache/flight.h"
#include "cache/staging.h"
#include "cache/store.h"
#include "client/registry.h"
#include "fs/call.h"
#include "fs/options.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

struct mount {
	const struct options *options;
	struct client *client;
	struct store *store;
	struct facts *facts;
	struct flights *flights;
	struct staging *staging;
	struct tree *tree;
	struct resolve *resolve; /* see resolve.h: made after facts and client, freed first */
	struct local *local;
	struct stale *stale;
	struct pool *pool;
	struct notify *notify;
	struct fuse_session *session; /* libfuse's, for notify.c */
	struct fronts *fronts;        /* see session.c */
	pthread_mutex_t files_lock;
	struct list files;       /* see file.c; guarded by files_lock */
	struct timespec started; /* the time that directories show */
	atomic_uint pushes;      /* in progress */
	atomic_bool is_ending;   /* every wait is over */
};

/* Mounts, serves and unmounts. Returns the program's exit status; in the background the parent
 * returns as soon as the mount serves, or has failed. */
int mount_run(const struct options *options);

/* Between these a push is under way: SIGTERM and SIGINT wait for it to end before they unmount, for
 * as long as it takes by its own deadlines; a second signal ends it too. */
void mount_begin_push(struct mount *mount);
void mount_end_push(struct mount *mount);
