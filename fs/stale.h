#pragma once
/*
 * ESTALE as the answer to OPEN makes the kernel look the name up again and open what it then finds,
 * but once in an open(2): a second ESTALE would reach the program. So it is noted who has been sent
 * to look again and is on its way back.
 */
#include "fs/tree.h"

#include <sys/types.h>

struct stale;

struct stale *stale_new(void);
void stale_free(struct stale *stale);

/* Thread `tid` is sent to look again for that name. */
void stale_tell(struct stale *stale, const struct node *parent, const char *name, pid_t tid);

/* Whether it was, and has not been back since; then it is back. */
bool stale_take(struct stale *stale, const struct node *parent, const char *name, pid_t tid);
