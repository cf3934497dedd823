#pragma once
/*
 * Folders and locked files below a directory's descriptor `at`; paths are relative to it. Made for
 * a cache directory that several processes share and that any of them may leave by a crash.
 */
#include <stdbool.h>

enum { FOLDER_UNIQUE_SIZE = 17 };

/* Makes the folder and those above it, closed to others. 0 also where it is there; -errno. */
int folder_make(int at, const char *path);

/* Calls `visit` for each name but "." and ".." with the folder's own descriptor. The visited file
 * may be removed or moved meanwhile. 0 also where there is no such folder; -errno. */
int folder_visit(
	int at, const char *path, void (*visit)(void *of, int folder, const char *name), void *of);

/* Opens a file (mode 0600; `flags` as O_CREAT, O_EXCL) for reading and writing and locks it for as
 * long as the descriptor is open: who gets the lock of an existing file knows that its owner is
 * dead. -EWOULDBLOCK where another holds it, -ESTALE where the file was removed before the lock
 * was had, -errno. Files made so are removed only by who holds their lock; thus a file is either
 * held by its maker, or the maker was told. */
int folder_hold_file(int at, const char *path, int flags);

/* Whether a failed attempt to make and hold a new file may be repeated under another name. */
bool folder_may_retry(int result);

/* 16 random hex digits. */
void folder_unique(char text[FOLDER_UNIQUE_SIZE]);
