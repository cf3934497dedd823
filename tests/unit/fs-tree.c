/* Nodes: what makes two the same, and what keeps them. */
#include "fs/spool.h"
#include "fs/tree.h"
#include "tests/unit/tap.h"

#include <pthread.h>

static int freed_spools;

/* In the place of spool.c's. */
void spool_free(struct spool *spool)
{
	(void)spool;
	freed_spools++;
}

static struct node *get(struct tree *tree, struct node *parent, enum node_kind kind,
	const char *key, const char *name, const char *path, const char *tag)
{
	return tree_get(tree, &(struct node_template){.kind = kind,
				      .key = key,
				      .name = name,
				      .parent = parent,
				      .path = path,
				      .tag = tag});
}

static void test_identity(void)
{
	struct tree *tree = tree_new();
	struct node *root = get(tree, NULL, NODE_DIRECTORY, "h", "", "", NULL);
	struct node *app = get(tree, root, NODE_DIRECTORY, "h/app", "app", "app", NULL);
	struct node *version = get(tree, app, NODE_VERSION, "h/app:1.0.0", "1.0.0", "app", "1.0.0");
	struct node *again = get(tree, app, NODE_VERSION, "h/app:1.0.0", "1.0.0", "app", "1.0.0");
	struct node *file = get(tree, version, NODE_FILE, "h/app:1.0.0/app-1.0.0.tgz@00",
		"app-1.0.0.tgz", "app", "1.0.0");
	char path[64], small[8];

	tree_set_root(tree, root);
	ok(version == again, "one key, one node");
	ok(file->ino != version->ino && version->ino != app->ino, "inode numbers differ");
	is_number((long long)file->ino, (long long)tree_ino(file->key), "a number is its key's");
	is_text(file->tag, "1.0.0", "a shared tag");
	is_text(version->name, "1.0.0", "a name that is the tag");
	is_text(file->path, "app", "a shared path");
	tree_print_path(tree, file, path, sizeof(path));
	is_text(path, "/app/1.0.0/app-1.0.0.tgz", "a path");
	tree_print_path(tree, file, small, sizeof(small));
	ok(strlen(small) < sizeof(small), "a path that does not fit is cut");
	tree_print_path(tree, root, path, sizeof(path));
	is_text(path, "/", "the root's path");
	is_number((long long)tree_id(tree, root), 1, "the root is number 1");
	ok(tree_pin_id(tree, 1) == root, "and number 1 the root");
	ok(tree_pin_id(tree, tree_id(tree, file)) == file, "a number is its node's");
	is_number((long long)tree_swap_seen(tree, app, 7), 0, "no listing has been seen");
	is_number((long long)tree_swap_seen(tree, app, 8), 7, "what was seen is told");
	tree_free(tree);
}

/* A child keeps its parents; a node goes with its last pin and the kernel's last lookup. */
static void test_counts(void)
{
	struct tree *tree = tree_new();
	struct node *root = get(tree, NULL, NODE_DIRECTORY, "h", "", "", NULL);
	struct node *a = get(tree, root, NODE_DIRECTORY, "h/a", "a", "a", NULL);
	struct node *b = get(tree, a, NODE_DIRECTORY, "h/a/b", "b", "a/b", NULL);
	uint64_t id;

	tree_set_root(tree, root);
	id = tree_id(tree, b);
	tree_look(tree, b);
	tree_look(tree, b);
	tree_unpin(tree, b);
	tree_unpin(tree, a);
	is_number(a->pins, 1, "a child pins its parent");
	tree_forget(tree, id, 1);
	is_number((long long)b->lookups, 1, "one lookup is left");
	tree_pin(tree, b);
	tree_forget(tree, id, 1);
	is_number(b->pins, 1, "a pin keeps what the kernel has forgotten");
	tree_unpin(tree, b);
	is_number(root->pins, 1, "with the last child its parents are gone");
	tree_free(tree);
}

/* A file may come under another manifest; until then the user's own time holds. */
static void test_times(void)
{
	struct tree *tree = tree_new();
	struct node *root = get(tree, NULL, NODE_DIRECTORY, "h", "", "", NULL);
	struct node_template template = {
		.kind = NODE_FILE, .key = "h/a@1", .name = "a", .parent = root, .mtime = 10};
	struct node *file = tree_get(tree, &template);

	tree_set_root(tree, root);
	tree_set_mtime(tree, file, 15);
	tree_unpin(tree, tree_get(tree, &template));
	is_number(tree_mtime(tree, file), 15, "a time that the user has set holds");
	template.mtime = 20;
	tree_unpin(tree, tree_get(tree, &template));
	is_number(tree_mtime(tree, file), 20, "until the registry has another");
	tree_unpin(tree, file);
	tree_free(tree);
}

static void test_spool(void)
{
	struct tree *tree = tree_new();
	struct node *root = get(tree, NULL, NODE_DIRECTORY, "h", "", "", NULL);
	struct node_template template = {.kind = NODE_SPOOL,
		.key = "spool:1",
		.name = "x.tgz",
		.parent = root,
		.spool = (struct spool *)&template};
	struct node *one = tree_get(tree, &template), *other = tree_get(tree, &template);

	tree_set_root(tree, root);
	ok(one != other, "a file that is written is never found by its key");
	tree_unpin(tree, one);
	is_number(freed_spools, 1, "its spool goes with it");
	tree_free(tree);
	is_number(freed_spools, 2, "and with the tree");
}

static void test_many(void)
{
	struct tree *tree = tree_new();
	struct node *root = get(tree, NULL, NODE_DIRECTORY, "h", "", "", NULL);
	enum { COUNT = 5000 };
	static struct node *nodes[COUNT];
	int wrong = 0;
	char key[32];

	tree_set_root(tree, root);
	for (int i = 0; i < COUNT; i++) {
		snprintf(key, sizeof(key), "h/%d", i);
		nodes[i] = get(tree, root, NODE_DIRECTORY, key, key + 2, key + 2, NULL);
	}
	for (int i = 0; i < COUNT; i++) {
		snprintf(key, sizeof(key), "h/%d", i);
		wrong += get(tree, root, NODE_DIRECTORY, key, key + 2, key + 2, NULL) != nodes[i];
		tree_unpin(tree, nodes[i]);
		tree_unpin(tree, nodes[i]);
	}
	is_number(wrong, 0, "many nodes are found again");
	is_number(root->pins, 1, "and all go");
	tree_free(tree);
}

static void *get_and_forget(void *of)
{
	struct tree *tree = of;

	for (int i = 0; i < 2000; i++) {
		struct node *node =
			get(tree, tree_root(tree), NODE_DIRECTORY, "h/x", "x", "x", NULL);
		uint64_t id = tree_id(tree, node);

		tree_look(tree, node);
		tree_unpin(tree, node);
		tree_forget(tree, id, 1);
	}
	return NULL;
}

static void test_threads(void)
{
	struct tree *tree = tree_new();
	struct node *root = get(tree, NULL, NODE_DIRECTORY, "h", "", "", NULL);
	pthread_t threads[4];

	tree_set_root(tree, root);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, get_and_forget, tree);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	is_number(root->pins, 1, "nothing is left of nodes that four threads found and forgot");
	tree_free(tree);
}

int main(void)
{
	test_identity();
	test_counts();
	test_times();
	test_spool();
	test_many();
	test_threads();
	return done();
}
