#pragma once
/* One mount's life, and what all of its parts share. */
#include "cache/facts.h"
#include "cache/flight.h"
#include "cache/staging.h"
#include "cache/store.h"
#include "client/registry.h"
#include "fs/options.h"

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
	struct pool *pool;
	struct notify *notify;
	struct fuse_session *session;
	struct timespec started; /* the time that directories show */
	atomic_bool is_ending; /* every wait ends, but those of pushes past their point of return */
};

/* Mounts, serves and unmounts. Returns the program's exit status; in the background the parent
 * returns as soon as the mount serves, or has failed. */
int mount_run(const struct options *options);

/* Between these a push is under way: SIGTERM and SIGINT wait for it to end before they unmount. */
void mount_begin_push(struct mount *mount);
void mount_end_push(struct mount *mount);
