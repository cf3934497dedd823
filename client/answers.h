#pragma once
/*
 * What credential helpers have answered, kept in memory: each is asked once at a time, whoever
 * waits for it; a login is kept until a registry refuses it, "none" and failures for some seconds,
 * so that a hanging helper does not hold up every file operation. May be used from any thread.
 */
#include "cache/base/error.h"
#include "cache/base/wait.h"
#include "client/account.h"

#include <stdbool.h>

struct answers;

struct answers *answers_new(void);
void answers_free(struct answers *answers);

/* As helper_get(). The account is the caller's. */
int answers_get(struct answers *answers, const char *helper, const char *server,
	struct account *account, const struct wait *wait, struct error *err);

/* Forgets the answers that gave this account, but not twice within some seconds. True: forgotten,
 * or it is not the answer any more. */
bool answers_refuse(struct answers *answers, const struct account *account);

/* Forgets that there was "none" or a failure (a login has been stored). */
void answers_renew(struct answers *answers);
