#include "client/keyring.h"

#include "cache/base/clock.h"
#include "cache/base/log.h"
#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "cache/digest.h"
#include "client/answers.h"
#include "client/logins.h"
#include "client/stores.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

enum { LOOK_AGAIN_MS = 1000 };

struct keyring {
	struct account given; /* by the options */
	char *environment;    /* what selects the helpers' accounts, hashed */
	struct answers *answers;
	struct stores *stores;
	pthread_mutex_t lock; /* guards what follows; a leaf, never held while a helper runs */
	struct logins *logins;
	int64_t looked_ms;     /* when the files were looked at last */
	struct map identities; /* what was hashed -> its identity */
};

/* What is tried for one registry, in order: copies, so that no lock is held meanwhile. */
struct
try {
	struct account account; /* anonymous: the file itself has none */
	char *helper, *server;  /* NULL: none */
	bool is_listed;
};

struct tries {
	struct try at[LOGINS_MAX];
	size_t count;
};

static void tries_clear(struct tries *tries)
{
	for (size_t i = 0; i < tries->count; i++) {
		account_wipe(&tries->at[i].account);
		free(tries->at[i].helper);
		free(tries->at[i].server);
	}
	tries->count = 0;
}

static int read_given(
	struct keyring *keyring, const char *username, const char *password_file, struct error *err)
{
	scoped(buf_wipep) struct buf text = BUF_INIT(64 << 10);
	int r;

	if (!username != !password_file)
		return fail(err, EINVAL, "username and password_file must be given together");
	if (!username)
		return 0;
	r = logins_read(password_file, &text, err);
	if (r < 0)
		return fail_within(err, "password_file");
	if (text.len && text.at[text.len - 1] == '\n')
		text.at[--text.len] = '\0';
	if (text.len && text.at[text.len - 1] == '\r')
		text.at[--text.len] = '\0';
	if (!text.len)
		return fail(err, EINVAL, "password_file %s is empty", password_file);
	if (strlen(text.at) != text.len)
		return fail(err, EINVAL, "password_file %s holds a NUL byte", password_file);
	account_set(&keyring->given, ACCOUNT_PASSWORD, username, text.at);
	return 0;
}

/* The variables by which helpers choose an account. */
static char *read_environment(void)
{
	static const char *const names[] = {"AWS_ACCESS_KEY_ID", "AWS_CONFIG_FILE", "AWS_PROFILE",
		"AWS_ROLE_ARN", "AWS_SHARED_CREDENTIALS_FILE", "AZURE_CLIENT_ID",
		"AZURE_CONFIG_DIR", "AZURE_TENANT_ID", "CLOUDSDK_ACTIVE_CONFIG_NAME",
		"CLOUDSDK_CONFIG", "CLOUDSDK_CORE_ACCOUNT", "DOCKER_CONFIG", "GNUPGHOME",
		"GOOGLE_APPLICATION_CREDENTIALS", "HOME", "PASSWORD_STORE_DIR"};
	scoped(buf_freep) struct buf all = BUF_INIT(1 << 20);
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value)
			buf_printf(&all, "%s=%s\n", names[i], value);
	}
	digest = digest_of(buf_text(&all), all.len);
	digest_print(&digest, text);
	return must_copy(text);
}

static struct keyring *new_keyring(void)
{
	struct keyring *keyring = must_alloc(sizeof(*keyring));

	pthread_mutex_init(&keyring->lock, NULL);
	keyring->logins = logins_new();
	keyring->answers = answers_new();
	keyring->stores = stores_new();
	keyring->environment = read_environment();
	return keyring;
}

struct keyring *keyring_new(const char *username, const char *password_file, struct error *err)
{
	scoped(keyring_freep) struct keyring *keyring = new_keyring();

	if (read_given(keyring, username, password_file, err) < 0)
		return NULL;
	return take(keyring);
}

void keyring_free(struct keyring *keyring)
{
	if (!keyring)
		return;
	account_wipe(&keyring->given);
	logins_free(keyring->logins);
	answers_free(keyring->answers);
	stores_free(keyring->stores);
	map_clear(&keyring->identities, free);
	free(keyring->environment);
	pthread_mutex_destroy(&keyring->lock);
	free(keyring);
}

void keyring_freep(struct keyring **keyring)
{
	keyring_free(*keyring);
}

struct keyring *keyring_of(const struct account *account)
{
	struct keyring *keyring = new_keyring();

	account_copy(&keyring->given, account);
	return keyring;
}

static bool refresh_locked(struct keyring *keyring)
{
	keyring->looked_ms = clock_now_ms();
	if (!logins_refresh(keyring->logins))
		return false;
	map_clear(&keyring->identities, free);
	answers_renew(keyring->answers);
	return true;
}

static void plan_locked(
	struct keyring *keyring, const char *host, const char *repository, struct tries *tries)
{
	for (size_t i = 0; i < LOGINS_MAX; i++) {
		const struct credentials *file = logins_get(keyring->logins, i);
		struct try *try = &tries->at[tries->count];
		struct credentials_hit hit;

		if (!file || !credentials_find(file, host, repository, &hit))
			continue;
		*try = (struct try){.is_listed = hit.is_listed};
		if (hit.account)
			account_copy(&try->account, hit.account);
		if (hit.helper) {
			try->helper = must_copy(hit.helper);
			try->server = must_copy(hit.server);
		}
		tries->count++;
		if (!hit.helper)
			break; /* nothing behind it can count */
	}
}

static int try_one(struct keyring *keyring, const struct try *try, struct account *account,
	struct error *trouble, const struct wait *wait, struct error *err)
{
	struct error failure = {0};
	int r = 0;

	if (try->helper)
		r = answers_get(
			keyring->answers, try->helper, try->server, account, wait, &failure);
	if (r == -EINTR) {
		*err = failure;
		return r;
	}
	if (r < 0)
		log_warn("no login for %s from its helper: %s", try->server, failure.text);
	if (account->kind == ACCOUNT_NONE && try->account.kind != ACCOUNT_NONE)
		account_copy(account, &try->account);
	else if (r < 0 && try->is_listed)
		return fail(err, failure.code, "%s", failure.text);
	else if (r < 0)
		*trouble = failure;
	return 0;
}

int keyring_find(struct keyring *keyring, const char *host, const char *repository,
	struct account *account, struct error *trouble, const struct wait *wait, struct error *err)
{
	scoped(tries_clear) struct tries tries = {0};
	int r = 0;

	*trouble = (struct error){0};
	if (keyring->given.kind != ACCOUNT_NONE) {
		account_copy(account, &keyring->given);
		return 0;
	}
	pthread_mutex_lock(&keyring->lock);
	refresh_locked(keyring);
	plan_locked(keyring, host, repository, &tries);
	pthread_mutex_unlock(&keyring->lock);
	for (size_t i = 0; i < tries.count && r == 0 && account->kind == ACCOUNT_NONE; i++)
		r = try_one(keyring, &tries.at[i], account, trouble, wait, err);
	return r;
}

bool keyring_refuse(struct keyring *keyring, const struct account *account)
{
	bool has_changed;

	if (keyring->given.kind != ACCOUNT_NONE)
		return false;
	pthread_mutex_lock(&keyring->lock);
	has_changed = refresh_locked(keyring);
	pthread_mutex_unlock(&keyring->lock);
	return answers_refuse(keyring->answers, account) || has_changed;
}

/* The identity of one account is slow to make on purpose, so it is kept under a quick hash. */
static const char *account_identity_locked(
	struct keyring *keyring, const struct account *account, const char *host)
{
	scoped(buf_wipep) struct buf plain = BUF_INIT(2 * CREDENTIALS_SIZE_MAX);
	char quick[DIGEST_TEXT_SIZE], *identity;
	struct digest digest;

	buf_printf(&plain, "%d\n%s\n%s\n%s", (int)account->kind, host,
		account->username ? account->username : "", account->secret);
	digest = digest_of(buf_text(&plain), plain.len);
	digest_print(&digest, quick);
	identity = map_get(&keyring->identities, quick);
	if (!identity) {
		identity = must_alloc(ACCOUNT_IDENTITY_SIZE);
		account_identity(account, host, identity);
		map_put(&keyring->identities, quick, identity);
	}
	return identity;
}

void keyring_identity(struct keyring *keyring, const char *host, const char *repository,
	char identity[ACCOUNT_IDENTITY_SIZE])
{
	scoped(tries_clear) struct tries tries = {0};
	scoped(buf_freep) struct buf all = BUF_INIT(64 << 10);
	char text[DIGEST_TEXT_SIZE];
	struct digest digest;

	pthread_mutex_lock(&keyring->lock);
	if (keyring->given.kind != ACCOUNT_NONE) {
		buf_add(&all, account_identity_locked(keyring, &keyring->given, host));
	} else {
		if (!keyring->looked_ms || clock_now_ms() >= keyring->looked_ms + LOOK_AGAIN_MS)
			refresh_locked(keyring);
		plan_locked(keyring, host, repository, &tries);
	}
	for (size_t i = 0; i < tries.count; i++) {
		const struct try *try = &tries.at[i];

		if (try->helper)
			buf_printf(
				&all, "%s %s %s\n", try->helper, try->server, keyring->environment);
		if (try->account.kind != ACCOUNT_NONE)
			buf_add(&all, account_identity_locked(keyring, &try->account, host));
	}
	pthread_mutex_unlock(&keyring->lock);
	identity[0] = '\0';
	if (!all.len)
		return;
	digest = digest_of(all.at, all.len);
	digest_print(&digest, text);
	memcpy(identity, strchr(text, ':') + 1, ACCOUNT_IDENTITY_SIZE);
}

int keyring_add_hosts(struct keyring *keyring, struct names *hosts)
{
	scoped(names_clearp) struct names helpers = {0};
	int r = 0;

	pthread_mutex_lock(&keyring->lock);
	refresh_locked(keyring);
	for (size_t i = 0; i < LOGINS_MAX && r == 0; i++) {
		const struct credentials *file = logins_get(keyring->logins, i);

		const char *helper = file ? credentials_store(file) : NULL;

		if (file)
			r = credentials_add_hosts(file, hosts);
		if (r == 0 && helper)
			r = names_add(&helpers, helper, strlen(helper));
	}
	pthread_mutex_unlock(&keyring->lock);
	for (size_t i = 0; i < helpers.count && r == 0; i++)
		r = stores_add_hosts(keyring->stores, names_get(&helpers, i), hosts);
	return r;
}
