#include "fs/attr.h"

#include "client/reference.h"
#include "fs/layout.h"
#include "fs/local.h"
#include "fs/spool.h"

/* What does not change for as long as its node lives. */
enum { FOR_EVER_S = 24 * 3600 };

void attr_fill(struct mount *mount, struct node *node, struct stat *attr)
{
	const struct options *options = mount->options;
	mode_t allowed = options->is_read_only ? 0555 : 0777;
	uint64_t size = 0;
	struct timespec mtime = mount->started;

	*attr = (struct stat){.st_ino = node->ino, .st_nlink = 1};
	switch (node->kind) {
	case NODE_FILE:
		attr->st_mode = S_IFREG | (0666 & allowed & ~options->umask);
		size = node->size;
		mtime = (struct timespec){.tv_sec = tree_mtime(mount->tree, node)};
		break;
	case NODE_SPOOL:
		attr->st_mode = S_IFREG | (0666 & ~options->umask);
		spool_stat(node->spool, &size, &mtime);
		break;
	case NODE_HOSTS:
	case NODE_DIRECTORY:
	case NODE_VERSION:
	case NODE_SCRATCH:
		attr->st_mode = S_IFDIR | (0777 & allowed & ~options->umask);
		break;
	}
	attr->st_uid = options->uid;
	attr->st_gid = options->gid;
	attr->st_size = (off_t)size;
	attr->st_blocks = (blkcnt_t)((size + 511) / 512);
	attr->st_atim = attr->st_mtim = attr->st_ctim = mtime;
}

double attr_entry_timeout(struct mount *mount, const struct node *node)
{
	if (node->kind == NODE_SPOOL || node->kind == NODE_SCRATCH)
		return 0;
	if (node->kind == NODE_FILE && local_is_over(mount, node->parent, node->name))
		return 0;
	/* It may get another name, which the kernel would believe to be this node's. */
	if (node->kind != NODE_FILE && local_is_made(mount, node))
		return 0;
	return (double)mount->options->ttl_ms / 1000;
}

double attr_timeout(const struct mount *mount, const struct node *node)
{
	(void)mount;
	return node->kind == NODE_SPOOL || node->kind == NODE_SCRATCH ? 0 : FOR_EVER_S;
}

double attr_negative_timeout(const struct mount *mount, const struct node *parent, const char *name)
{
	char tag[REFERENCE_TAG_MAX + 1];
	bool may_appear = reference_is_component(name) || reference_is_sure_host(name) ||
			  layout_tag_of_name(name, tag) || layout_is_archive(name) ||
			  layout_is_provenance(name);
	bool may_be_title = parent->kind == NODE_VERSION && *name != '.';

	/* Scratch names come and go by this kernel's own calls, which it knows of. */
	if (!may_be_title && (!may_appear || layout_is_scratch(name)))
		return FOR_EVER_S;
	return mount->options->is_read_only ? (double)mount->options->ttl_ms / 1000 : 0;
}
