/* Who is on its way back after an open that was answered ESTALE. */
#include "fs/stale.h"
#include "tests/unit/tap.h"

int main(void)
{
	struct stale *stale = stale_new();
	struct node directory = {.ino = 5}, other_directory = {.ino = 6};

	ok(!stale_take(stale, &directory, "x.tgz", 1), "nobody was sent");
	stale_tell(stale, &directory, "x.tgz", 1);
	ok(!stale_take(stale, &directory, "x.tgz", 2), "nor this thread");
	ok(!stale_take(stale, &directory, "y.tgz", 1), "nor for this name");
	ok(!stale_take(stale, &other_directory, "x.tgz", 1), "nor for one of another directory");
	ok(stale_take(stale, &directory, "x.tgz", 1), "back");
	ok(!stale_take(stale, &directory, "x.tgz", 1), "once");
	stale_tell(stale, &directory, "x.tgz", 1);
	stale_tell(stale, &directory, "x.tgz", 1);
	ok(stale_take(stale, &directory, "x.tgz", 1), "sent twice");
	ok(!stale_take(stale, &directory, "x.tgz", 1), "... is back once");
	stale_tell(stale, &directory, "x.tgz", 3);
	stale_free(stale);
	return done();
}
