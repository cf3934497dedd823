#pragma once
/*
 * A directory as opendir(3) found it: a snapshot, so that offsets mean the same until closedir.
 * It holds exactly what the registry stores there and this mount's own listed things.
 */
#include "fs/call.h"
#include "fs/tree.h"

struct listing;

/* Takes the snapshot. `*is_same` tells that nothing has changed since the last one of this
 * directory, so that the kernel may keep the entries it has cached. */
int listing_open(
	struct call *call, struct node *directory, struct listing **listing, bool *is_same);
void listing_close(struct listing *listing);

/* 0, or why the directory's entries cannot be told though it could be opened: the error of whoever
 * reads them. */
int listing_check(const struct listing *listing, struct error *err);

/* The entry at an offset (0 is "."); false past the end. `*mode` has the file type. `*ino` is its
 * st_ino. Names are valid until listing_close(). */
bool listing_entry(const struct listing *listing, size_t offset, const char **name, uint64_t *ino,
	unsigned *mode);

/* The entry's node for READDIRPLUS, pinned, made without asking anybody; NULL where that cannot be
 * (then the entry goes out as a plain name). */
struct node *listing_node(struct call *call, struct listing *listing, size_t offset);
