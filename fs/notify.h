#pragma once
/* The thread that tells the kernel to look again. No request waits for it, and it holds no lock
 * while it tells: the kernel may block it until a request of that directory has ended. */
#include "fs/tree.h"

struct mount;
struct notify;

struct notify *notify_start(struct mount *mount);
/* Ends the thread. Requests must still be answered meanwhile: it may be waiting for one. */
void notify_stop(struct notify *notify);
void notify_free(struct notify *notify); /* when nobody calls the functions below any more */

/* The name in that directory may mean something else now. Copies what it needs; never waits. */
void notify_entry(struct mount *mount, struct node *directory, const char *name);
/* The directory's entries as cached by the kernel are out of date. */
void notify_directory(struct mount *mount, struct node *directory);
