#pragma once
/* Where a chart that is put into a directory belongs (DESIGN 4, "What is pushed, and how"). */
#include "client/reference.h"
#include "fs/call.h"
#include "fs/tree.h"

struct registry;

struct target {
	struct registry *registry;
	char repository[REFERENCE_REPOSITORY_MAX + 1];
	char tag[REFERENCE_TAG_MAX + 1];
};

/* EINVAL, with the reason, where a chart of that name and version does not belong there. */
int target_of_chart(struct call *call, const struct node *directory, const char *name,
	const char *version, struct target *target);

/* EACCES where a file of that name, going by the name, would belong in a repository that has just
 * refused uploads: before its bytes are written, for programs that do not look at what close says.
 * Asks nobody. */
int target_may_push(struct call *call, const struct node *directory, const char *name);
