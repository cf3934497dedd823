#include "fs/target.h"

#include "cache/base/scope.h"
#include "cache/facts.h"
#include "fs/layout.h"
#include "fs/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int set_repository(
	struct call *call, struct target *target, const char *directory, const char *name)
{
	int len = snprintf(target->repository, sizeof(target->repository), "%s%s%s", directory,
		*directory && *name ? "/" : "", name);

	if (len < 0 || (size_t)len >= sizeof(target->repository) ||
		!reference_is_repository(target->repository))
		return fail(&call->err, EINVAL,
			"%s%s%s is no name for a repository: lower-case letters, digits and single "
			". _ - between them",
			directory, *directory && *name ? "/" : "", name);
	return 0;
}

static int in_version(struct call *call, const struct node *directory, const char *name,
	const char *version, struct target *target)
{
	char own[REFERENCE_TAG_MAX + 1];

	if (strcmp(reference_last_component(directory->path), name) != 0)
		return fail(&call->err, EINVAL,
			"chart %s does not belong in %s, which takes only chart %s", name,
			directory->path, reference_last_component(directory->path));
	if (strcmp(target->tag, directory->tag) != 0) {
		reference_version_of_tag(directory->tag, own);
		return fail(&call->err, EINVAL,
			"version %s of %s does not belong in the directory of version %s", version,
			name, own);
	}
	return set_repository(call, target, directory->path, "");
}

/* Whether the directory is a chart: a repository with tags. */
static int is_chart(struct call *call, const struct node *directory, bool *is)
{
	scoped(fact_releasep) struct fact *tags = NULL;
	int r = resolve_tags(call, directory->registry, directory->path, &tags);

	*is = r == 0 && ((const struct names *)fact_value(tags))->count > 0;
	/* Who may push may not always list: then the directory's name alone decides. */
	return r == -ENOENT || r == -EACCES ? 0 : r;
}

static int in_directory(
	struct call *call, const struct node *directory, const char *name, struct target *target)
{
	bool is;
	int r;

	if (*directory->path && strcmp(reference_last_component(directory->path), name) == 0)
		return set_repository(call, target, directory->path, "");
	if (*directory->path && layout_is_version(reference_last_component(directory->path))) {
		r = resolve_has_children(call, directory->registry, directory->path, &is);
		if (r < 0)
			return r;
		if (!is)
			return fail(&call->err, EINVAL,
				"chart %s does not belong in %s, which reads as a version", name,
				directory->path);
	}
	if (*directory->path) {
		r = is_chart(call, directory, &is);
		if (r < 0)
			return r;
		if (is)
			return fail(&call->err, EINVAL,
				"chart %s does not belong in %s, which is a chart itself", name,
				directory->path);
	}
	return set_repository(call, target, directory->path, name);
}

int target_of_chart(struct call *call, const struct node *directory, const char *name,
	const char *version, struct target *target)
{
	if (!directory->registry || directory->kind == NODE_SCRATCH)
		return fail(&call->err, EINVAL, "charts belong in a registry's directories");
	target->registry = directory->registry;
	if (!reference_is_component(name))
		return fail(&call->err, EINVAL,
			"chart name %s is no name for a repository: lower-case letters, digits and "
			"single . _ - between them",
			name);
	if (!reference_tag_of_version(version, target->tag))
		return fail(&call->err, EINVAL, "version %s of chart %s is no tag", version, name);
	if (directory->kind == NODE_VERSION)
		return in_version(call, directory, name, version, target);
	return in_directory(call, directory, name, target);
}

int target_may_push(struct call *call, const struct node *directory, const char *name)
{
	const char *path = directory->path;
	char chart[REFERENCE_REPOSITORY_MAX + 1], version[REFERENCE_TAG_MAX + 1];
	bool is_provenance;
	size_t at = 0;
	int r = 0;

	if (!directory->registry || directory->kind == NODE_SCRATCH || layout_is_scratch(name))
		return 0;
	if (directory->kind == NODE_VERSION)
		return resolve_may_push(call, directory->registry, path);
	while (r == 0 &&
		(at = layout_split_alias(name, at, NULL, chart, version, &is_provenance))) {
		struct error ignored = call->err;
		struct target target;

		if (*path && strcmp(reference_last_component(path), chart) == 0)
			r = resolve_may_push(call, directory->registry, path);
		else if (set_repository(call, &target, path, chart) == 0)
			r = resolve_may_push(call, directory->registry, target.repository);
		else
			call->err = ignored;
	}
	return r;
}
