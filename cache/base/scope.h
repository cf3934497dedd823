#pragma once
/*
 * Ownership by scope: what a function acquires is released when its variable goes out of scope,
 * and ownership leaves a function only through take(). A scoped variable is declared and
 * initialised in one statement, and a function that has one uses no goto.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define scoped(release) __attribute__((cleanup(release)))

/* Hands the pointer's value over and leaves NULL behind, so that the scope releases nothing. */
#define take(pointer)                                                                              \
	({                                                                                         \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

/* As take(), for a file descriptor: leaves -1 behind. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Releases what a `void *`-like variable points to. Keeps errno. */
static inline void freep(void *pointer)
{
	int saved = errno;

	free(*(void **)pointer);
	errno = saved;
}

/* Closes a descriptor that is not negative. Keeps errno; never repeats a close (see close(2)). */
static inline void closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void fclosep(FILE **file)
{
	int saved = errno;

	if (*file)
		fclose(*file);
	errno = saved;
}
