#include "client/credentials.h"

#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/base64.h"
#include "client/json.h"
#include "client/reference.h"
#include "client/token.h"

#include <errno.h>
#include <string.h>

#define HUB_KEY "https://index.docker.io/v1/"

struct credentials {
	enum credentials_rules rules;
	struct map accounts; /* key -> struct account; without kind: named, but nothing stored */
	struct map helpers;  /* key -> helper's name */
	char *store;         /* the helper for everything else, or NULL */
	size_t broken;
};

/* A key taken apart; the texts lie within the key. */
struct key {
	const char *host, *path;
	size_t host_len, path_len;
	bool has_scheme;
};

static bool is_hub(const char *host, size_t len)
{
	static const char *const names[] = {"docker.io", "index.docker.io", "registry-1.docker.io"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len && strncasecmp(names[i], host, len) == 0)
			return true;
	return false;
}

const char *credentials_key(const char *host)
{
	return is_hub(host, strlen(host)) ? HUB_KEY : host;
}

static bool same_host(const char *a, size_t a_len, const char *b, size_t b_len)
{
	if (a_len == b_len && strncasecmp(a, b, a_len) == 0)
		return true;
	return is_hub(a, a_len) && is_hub(b, b_len);
}

bool credentials_same_host(const char *a, const char *b)
{
	return same_host(a, strlen(a), b, strlen(b));
}

static struct key key_split(const char *text)
{
	const char *colon = strstr(text, "://");
	struct key key = {.host = colon ? colon + 3 : text, .has_scheme = colon != NULL};

	key.host_len = strcspn(key.host, "/");
	key.path = key.host + key.host_len;
	key.path += strspn(key.path, "/");
	key.path_len = strlen(key.path);
	while (key.path_len && key.path[key.path_len - 1] == '/')
		key.path_len--;
	return key;
}

/* The versions of docker's API that old clients put into their keys say nothing. */
static bool is_api_path(const struct key *key)
{
	return key->path_len == 2 && (!memcmp(key->path, "v1", 2) || !memcmp(key->path, "v2", 2));
}

static bool is_prefix(const struct key *key, const char *repository)
{
	return strncmp(key->path, repository, key->path_len) == 0 &&
	       (repository[key->path_len] == '/' || repository[key->path_len] == '\0');
}

enum { ANY_PATH, WHOLE_HOST, EXACT, NAMESPACE };

/* How well a key fits: -1 not at all, and the higher the better. */
static int key_fit(
	enum credentials_rules rules, const char *text, const char *host, const char *repository)
{
	struct key key = key_split(text);

	if (!same_host(key.host, key.host_len, host, strlen(host)))
		return -1;
	if (strcmp(text, credentials_key(host)) == 0)
		return EXACT;
	if (key.path_len == 0)
		return WHOLE_HOST;
	if (is_api_path(&key) && (key.has_scheme || rules == CREDENTIALS_DOCKER))
		return WHOLE_HOST;
	if (rules == CREDENTIALS_DOCKER)
		return ANY_PATH;
	return is_prefix(&key, repository) ? NAMESPACE + (int)key.path_len : -1;
}

bool credentials_is_key_of(const char *key, const char *host)
{
	return key_fit(CREDENTIALS_DOCKER, key, host, "") >= WHOLE_HOST;
}

/* The entry of the best fitting key, of equals the bytewise first. */
static struct map_entry *best_entry(const struct credentials *credentials, const struct map *map,
	const char *host, const char *repository, bool (*counts)(const struct map_entry *))
{
	struct map_entry *best = NULL;
	int best_fit = -1;

	map_for_each (entry, map) {
		int fit = counts && !counts(entry)
				  ? -1
				  : key_fit(credentials->rules, entry->key, host, repository);

		if (fit < 0 || fit < best_fit)
			continue;
		if (best && fit == best_fit && strcmp(entry->key, best->key) > 0)
			continue;
		best = entry;
		best_fit = fit;
	}
	return best;
}

static bool has_account(const struct map_entry *entry)
{
	return ((const struct account *)entry->value)->kind != ACCOUNT_NONE;
}

bool credentials_find(const struct credentials *credentials, const char *host,
	const char *repository, struct credentials_hit *hit)
{
	struct map_entry *account, *helper, *any;

	account = best_entry(credentials, &credentials->accounts, host, repository, has_account);
	any = best_entry(credentials, &credentials->accounts, host, repository, NULL);
	helper = best_entry(credentials, &credentials->helpers, host, "", NULL);
	*hit = (struct credentials_hit){
		.account = account ? account->value : NULL,
		.helper = helper ? helper->value : credentials->store,
		.is_listed = account || any || helper,
	};
	/* Containers' programs ask a helper for the bare host, docker for its own key. */
	if (hit->helper)
		hit->server = credentials->rules == CREDENTIALS_DOCKER ? credentials_key(host)
			      : is_hub(host, strlen(host))             ? "docker.io"
								       : host;
	return hit->account || hit->helper;
}

int credentials_add_host(struct names *hosts, const char *text)
{
	struct key key = key_split(text);
	scoped(freep) char *host = must_copy_n(key.host, key.host_len);

	if (is_hub(host, key.host_len))
		return names_add(hosts, "registry-1.docker.io", strlen("registry-1.docker.io"));
	for (char *c = host; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
	return reference_is_sure_host(host) ? names_add(hosts, host, key.host_len) : 0;
}

int credentials_add_hosts(const struct credentials *credentials, struct names *hosts)
{
	int r = 0;

	map_for_each (entry, &credentials->accounts)
		if (r == 0)
			r = credentials_add_host(hosts, entry->key);
	map_for_each (entry, &credentials->helpers)
		if (r == 0)
			r = credentials_add_host(hosts, entry->key);
	return r;
}

static const char *text_member(const cJSON *object, const char *name)
{
	const char *text = json_text(object, name);

	return text && *text ? text : NULL;
}

/* `auth` is base64 of USER:PASSWORD, split at the first colon; some writers pad the password with
 * NULs, which end the text here anyway, or put line ends between the digits, as base64(1) does:
 * docker and Helm pass over those. */
static bool decode_auth(const char *auth, char **username, char **password)
{
	scoped(buf_wipep) struct buf digits = BUF_INIT(CREDENTIALS_SIZE_MAX);
	scoped(buf_wipep) struct buf plain = BUF_INIT(CREDENTIALS_SIZE_MAX);
	const char *text, *colon;
	int r = 0;

	for (size_t len; *auth && r == 0; auth += len + strspn(auth + len, "\r\n")) {
		len = strcspn(auth, "\r\n");
		r = buf_append(&digits, auth, len);
	}
	if (r < 0 || base64_decode(buf_text(&digits), digits.len, &plain) < 0)
		return false;
	text = buf_text(&plain);
	colon = strchr(text, ':');
	if (!colon)
		return false;
	*username = must_copy_n(text, (size_t)(colon - text));
	*password = must_copy(colon + 1);
	return true;
}

static bool parse_account(const cJSON *entry, struct account *account)
{
	const char *identity = text_member(entry, "identitytoken");
	const char *bearer = text_member(entry, "registrytoken");
	const char *auth = text_member(entry, "auth");
	scoped(freep) char *username = NULL;
	scoped(secret_freep) char *password = NULL;

	if (!cJSON_IsObject(entry))
		return false;
	if (auth && !decode_auth(auth, &username, &password))
		return false;
	if (bearer && !token_is_text(bearer))
		return false;
	if (!auth && text_member(entry, "username")) {
		username = must_copy(text_member(entry, "username"));
		if (text_member(entry, "password"))
			password = must_copy(text_member(entry, "password"));
	}
	if (identity)
		account_set(account, ACCOUNT_IDENTITY, username, identity);
	else if (bearer)
		account_set(account, ACCOUNT_BEARER, username, bearer);
	else if (password && *password)
		account_set(account, ACCOUNT_PASSWORD, username, password);
	return true;
}

static void account_release(void *account)
{
	account_wipe(account);
	free(account);
}

static void put_account(struct credentials *credentials, const cJSON *entry)
{
	struct account *account = must_alloc(sizeof(*account)), *before;

	if (!parse_account(entry, account))
		credentials->broken++;
	before = map_put(&credentials->accounts, entry->string, account);
	if (before)
		account_release(before);
}

static int parse_sections(struct credentials *credentials, const cJSON *root, struct error *err)
{
	const cJSON *auths = json_member(root, "auths");
	const cJSON *helpers = json_member(root, "credHelpers");
	const char *store = text_member(root, "credsStore");
	const cJSON *entry;

	if (auths && !cJSON_IsObject(auths) && !cJSON_IsNull(auths))
		return fail(err, EINVAL, "\"auths\" is no object");
	if (helpers && !cJSON_IsObject(helpers) && !cJSON_IsNull(helpers))
		return fail(err, EINVAL, "\"credHelpers\" is no object");
	cJSON_ArrayForEach (entry, auths)
		put_account(credentials, entry);
	cJSON_ArrayForEach (entry, helpers) {
		const char *name = cJSON_GetStringValue(entry);

		if (name && *name)
			free(map_put(&credentials->helpers, entry->string, must_copy(name)));
		else
			credentials->broken++;
	}
	if (store)
		credentials->store = must_copy(store);
	return 0;
}

struct credentials *credentials_parse(
	const char *text, size_t len, enum credentials_rules rules, struct error *err)
{
	scoped(json_wipep) cJSON *root = json_parse(text, len);
	scoped(credentials_freep) struct credentials *credentials = NULL;

	if (!cJSON_IsObject(root)) {
		fail(err, EINVAL, "it is not a JSON object");
		return NULL;
	}
	credentials = must_alloc(sizeof(*credentials));
	credentials->rules = rules;
	if (parse_sections(credentials, root, err) < 0)
		return NULL;
	return take(credentials);
}

const char *credentials_store(const struct credentials *credentials)
{
	return credentials->store;
}

size_t credentials_broken_count(const struct credentials *credentials)
{
	return credentials->broken;
}

void credentials_free(struct credentials *credentials)
{
	if (!credentials)
		return;
	map_clear(&credentials->accounts, account_release);
	map_clear(&credentials->helpers, free);
	free(credentials->store);
	free(credentials);
}

void credentials_freep(struct credentials **credentials)
{
	credentials_free(*credentials);
}
