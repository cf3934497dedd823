#pragma once
/* Changing a file of stored logins: what it held is kept but for the one login, and at every moment
 * it is whole, readable by its owner only, and where it was (a symbolic link is followed). */
#include "cache/base/error.h"
#include "client/account.h"

#include <stdbool.h>

/* Stores the login, by the file's own helper where it names one for the host. */
int login_file_put(
	const char *path, const char *host, const struct account *account, struct error *err);

/* Forgets the host's logins there, in the helper too; `*found` says whether there were any. */
int login_file_remove(const char *path, const char *host, bool *found, struct error *err);
