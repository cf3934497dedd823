/* Files of stored logins: read, asked, changed; and what was changed can be read again. */
#include "tests/fuzz/fuzz.h"

#include "cache/base/scope.h"
#include "client/credentials.h"

static void ask(const struct credentials *file)
{
	scoped(names_clearp) struct names hosts = {0};
	struct credentials_hit hit;

	credentials_add_hosts(file, &hosts);
	credentials_find(file, "h.io", "a/b/c", &hit);
	credentials_find(file, "registry-1.docker.io", "", &hit);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes;
	scoped(buf_wipep) struct buf changed = BUF_INIT(CREDENTIALS_SIZE_MAX);
	scoped(buf_wipep) struct buf removed = BUF_INIT(CREDENTIALS_SIZE_MAX);
	scoped(account_wipe) struct account account = {0};
	struct credentials_hit hit;
	struct error err;
	bool found;

	for (int rules = CREDENTIALS_DOCKER; rules <= CREDENTIALS_CONTAINERS; rules++) {
		scoped(credentials_freep) struct credentials *file =
			credentials_parse(text, len, (enum credentials_rules)rules, &err);

		if (file)
			ask(file);
	}
	account_set(&account, ACCOUNT_PASSWORD, "user", "secret");
	if (credentials_put(text, len, "h.io", &account, &changed, &err) == 0) {
		scoped(credentials_freep) struct credentials *file =
			credentials_parse(changed.at, changed.len, CREDENTIALS_DOCKER, &err);

		must_hold(!file || (credentials_find(file, "h.io", "", &hit) && hit.account));
		must_hold(credentials_remove(
				  changed.at, changed.len, "h.io", &removed, &found, &err) == 0);
		must_hold(found);
	}
	return 0;
}
