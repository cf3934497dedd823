#pragma once
/*
 * The files of stored logins, in the order in which they are asked: Helm's, docker's (before it
 * what $DOCKER_AUTH_CONFIG holds), containers'. They are read again when they have changed; one
 * that cannot be read is one warning in the log and counts as empty. No lock: the keyring has it.
 */
#include "cache/base/error.h"
#include "client/credentials.h"

#include <stdbool.h>
#include <stddef.h>

enum { LOGINS_MAX = 5 };

struct logins;

/* Finds the files by the environment; reads nothing yet. */
struct logins *logins_new(void);
void logins_free(struct logins *logins);

/* Looks whether files have changed and reads those; true if any has. */
bool logins_refresh(struct logins *logins);

/* The i-th file, or NULL where it is not there. */
const struct credentials *logins_get(const struct logins *logins, size_t i);

/* Helm's file, where a login is stored; the caller frees it. */
char *logins_path(void);

/* Reads a whole file of stored logins into the buffer. -ENOENT where there is none (and then the
 * error is filled too). */
int logins_read(const char *path, struct buf *text, struct error *err);
