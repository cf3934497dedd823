#pragma once
/* A program that goes to the background once it works, with an exit status that says whether. */
#include <stdbool.h>

/* Forks. In the parent: true, after the child has become ready or has ended; `*status` is the exit
 * status for the parent. In the child: false, with `*ready_fd` for background_ready(). The child
 * keeps stderr until then, so that its reasons reach the person who waits. */
bool background_fork(int *ready_fd, int *status);

/* The child leaves its terminal, its working directory and its parent, which ends with status 0.
 * Nothing happens for -1 (the foreground). */
void background_ready(int ready_fd);
