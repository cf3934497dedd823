#pragma once
/*
 * Credential helpers: programs `docker-credential-NAME` that keep secrets elsewhere, run by their
 * protocol (docker-credential-helpers): the action is the argument, the question goes to stdin,
 * the answer comes from stdout, and a failure is an exit status with its message on stdout. No
 * shell is involved, no descriptor of ours is inherited, and what a helper does in vain is bounded
 * in time and bytes.
 */
#include "cache/base/error.h"
#include "cache/base/names.h"
#include "cache/base/wait.h"
#include "client/account.h"

#include <stdbool.h>
#include <stdint.h>

enum { HELPER_TIMEOUT_MS = 30000, HELPER_OUTPUT_MAX = 128 << 10 };

/* How long a helper may take; tests make it shorter. Set before any thread. */
extern int64_t helper_timeout_ms;

/* Whether a name can only mean a program of that kind: [A-Za-z0-9._-]+. */
bool helper_is_name(const char *name);

/* Asks for the login of `server`. A helper that has none leaves the account anonymous and returns
 * 0. EINVAL for a bad name, EACCES where the helper is missing or fails, ETIMEDOUT where it takes
 * too long, EIO for an answer that is none; EINTR when the wait is over. */
int helper_get(const char *name, const char *server, struct account *account,
	const struct wait *wait, struct error *err);

/* Adds the hosts that the helper keeps logins for. Errors as above. */
int helper_list(const char *name, struct names *hosts, const struct wait *wait, struct error *err);

/* Has the helper keep a login, or forget it. Errors as above; to forget what it does not have is
 * no error. */
int helper_store(
	const char *name, const char *server, const struct account *account, struct error *err);
int helper_erase(const char *name, const char *server, struct error *err);
