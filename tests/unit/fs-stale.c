/* Who is on its way back after an open that was answered ESTALE. */
#include "fs/stale.h"
#include "tests/unit/tap.h"

int main(void)
{
	struct stale *stale = stale_new();
	struct node directory = {.ino = 5}, other_directory = {.ino = 6};
	struct node published = {.name = "x.tgz", .parent = &directory};
	struct node written = {.kind = NODE_SPOOL, .name = "x.tgz", .parent = &directory};
	struct node other = {.name = "y.tgz", .parent = &directory};
	struct node elsewhere = {.name = "x.tgz", .parent = &other_directory};

	ok(!stale_take(stale, &published, 1), "nobody was sent");
	stale_tell(stale, &published, 1);
	ok(!stale_take(stale, &published, 2), "nor this thread");
	ok(!stale_take(stale, &other, 1), "nor for this name");
	ok(!stale_take(stale, &elsewhere, 1), "nor for one of another directory");
	ok(stale_take(stale, &written, 1), "back, for what has the name now");
	ok(!stale_take(stale, &written, 1), "once");
	stale_tell(stale, &published, 1);
	stale_tell(stale, &published, 1);
	ok(stale_take(stale, &published, 1), "sent twice");
	ok(!stale_take(stale, &published, 1), "... is back once");
	stale_tell(stale, &published, 3);
	stale_free(stale);
	return done();
}
