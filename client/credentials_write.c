/* How the text of a file of stored logins changes: as Helm writes it, so that both may share it. */
#include "cache/base/memory.h"
#include "cache/base/names.h"
#include "cache/base/scope.h"
#include "client/base64.h"
#include "client/credentials.h"
#include "client/json.h"

#include <errno.h>
#include <string.h>

/* Below this depth the members keep their order, as Helm leaves what it does not know. */
enum { SORTED_DEPTH = 2 };

static int print_value(struct buf *out, const cJSON *item, int depth);

static int print_indent(struct buf *out, int depth)
{
	int r = buf_add_char(out, '\n');

	for (int i = 0; i < depth && r == 0; i++)
		r = buf_add_char(out, '\t');
	return r;
}

/* Go's encoder writes the characters that are special to HTML as escapes. */
static int print_text(struct buf *out, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	int r = buf_add_char(out, '"');

	for (const char *c = text; *c && r == 0; c++) {
		unsigned char byte = (unsigned char)*c;

		if (byte == '"' || byte == '\\')
			r = buf_printf(out, "\\%c", byte);
		else if (byte == '\n')
			r = buf_add(out, "\\n");
		else if (byte == '\t')
			r = buf_add(out, "\\t");
		else if (byte == '\r')
			r = buf_add(out, "\\r");
		else if (byte < 0x20 || strchr("<>&", byte))
			r = buf_printf(out, "\\u00%c%c", hex[byte >> 4], hex[byte & 15]);
		else
			r = buf_add_char(out, (char)byte);
	}
	return r < 0 ? r : buf_add_char(out, '"');
}

static int compare_members(const void *a, const void *b)
{
	return strcmp((*(cJSON *const *)a)->string, (*(cJSON *const *)b)->string);
}

static int print_members(struct buf *out, const cJSON *item, int depth)
{
	size_t count = (size_t)cJSON_GetArraySize(item), i = 0;
	scoped(freep) const cJSON **members = must_alloc(count * sizeof(*members));
	bool is_object = cJSON_IsObject(item);
	const cJSON *member;
	int r;

	cJSON_ArrayForEach (member, item)
		members[i++] = member;
	if (is_object && depth < SORTED_DEPTH)
		qsort(members, count, sizeof(*members), compare_members);
	r = buf_add_char(out, is_object ? '{' : '[');
	for (i = 0; i < count && r == 0; i++) {
		r = i ? buf_add_char(out, ',') : 0;
		if (r == 0)
			r = print_indent(out, depth + 1);
		if (r == 0 && is_object)
			r = print_text(out, members[i]->string);
		if (r == 0 && is_object)
			r = buf_add(out, ": ");
		if (r == 0)
			r = print_value(out, members[i], depth + 1);
	}
	if (r == 0)
		r = print_indent(out, depth);
	return r < 0 ? r : buf_add_char(out, is_object ? '}' : ']');
}

static int print_value(struct buf *out, const cJSON *item, int depth)
{
	char *plain;
	int r;

	if (cJSON_IsString(item))
		return print_text(out, item->valuestring);
	if (cJSON_IsObject(item) || cJSON_IsArray(item))
		return item->child ? print_members(out, item, depth)
				   : buf_add(out, cJSON_IsObject(item) ? "{}" : "[]");
	plain = cJSON_PrintUnformatted(item);
	r = plain ? buf_add(out, plain) : -ENOMEM;
	cJSON_free(plain);
	return r;
}

static cJSON *parse_file(const char *text, size_t len, struct error *err)
{
	cJSON *root = len ? json_parse(text, len) : cJSON_CreateObject();

	if (cJSON_IsObject(root))
		return root;
	json_wipep(&root);
	fail(err, EINVAL, "it is not a JSON object; mend or remove it");
	return NULL;
}

static int print_file(const cJSON *root, struct buf *changed, struct error *err)
{
	int r = print_value(changed, root, 0);

	return r < 0 ? fail(err, -r, "it would become too large") : 0;
}

/* The entry's JSON: `auth` is USER:PASSWORD, or USER: beside an identity token, as docker has it.
 */
static cJSON *make_entry(const struct account *account)
{
	bool is_identity = account->kind == ACCOUNT_IDENTITY;
	const char *username = account->username ? account->username : "";
	scoped(buf_wipep) struct buf plain = BUF_INIT(CREDENTIALS_SIZE_MAX);
	scoped(buf_wipep) struct buf auth = BUF_INIT(2 * CREDENTIALS_SIZE_MAX);
	cJSON *entry = cJSON_CreateObject();

	if (account->kind == ACCOUNT_NONE)
		return entry;
	if (buf_printf(&plain, "%s:%s", username, is_identity ? "" : account->secret) < 0 ||
		base64_encode(plain.at, plain.len, &auth) < 0 ||
		!cJSON_AddStringToObject(entry, "auth", buf_text(&auth)) ||
		(is_identity &&
			!cJSON_AddStringToObject(entry, "identitytoken", account->secret))) {
		json_wipep(&entry);
		return NULL;
	}
	return entry;
}

/* Takes away what belongs to the host as a whole; returns how many entries that were. */
static size_t remove_entries(cJSON *auths, const char *host)
{
	scoped(names_clearp) struct names keys = {0};
	cJSON *entry;

	cJSON_ArrayForEach (entry, auths)
		if (credentials_is_key_of(entry->string, host))
			names_add(&keys, entry->string, strlen(entry->string));
	for (size_t i = 0; i < keys.count; i++) {
		entry = cJSON_DetachItemFromObjectCaseSensitive(auths, names_get(&keys, i));
		json_wipep(&entry);
	}
	return keys.count;
}

int credentials_put(const char *text, size_t len, const char *host, const struct account *account,
	struct buf *changed, struct error *err)
{
	scoped(json_wipep) cJSON *root = parse_file(text, len, err);
	cJSON *auths, *entry;

	if (!root)
		return -err->code;
	auths = cJSON_GetObjectItemCaseSensitive(root, "auths");
	if (!auths || cJSON_IsNull(auths)) {
		cJSON_DeleteItemFromObjectCaseSensitive(root, "auths");
		auths = cJSON_AddObjectToObject(root, "auths");
	}
	if (!cJSON_IsObject(auths))
		return fail(err, EINVAL, "its \"auths\" is no object; mend or remove it");
	entry = cJSON_DetachItemFromObjectCaseSensitive(auths, credentials_key(host));
	json_wipep(&entry);
	entry = make_entry(account);
	if (!entry || !cJSON_AddItemToObject(auths, credentials_key(host), entry))
		return fail(err, ENOMEM, "no memory for the login");
	return print_file(root, changed, err);
}

int credentials_remove(const char *text, size_t len, const char *host, struct buf *changed,
	bool *found, struct error *err)
{
	scoped(json_wipep) cJSON *root = parse_file(text, len, err);
	cJSON *auths;

	if (!root)
		return -err->code;
	auths = cJSON_GetObjectItemCaseSensitive(root, "auths");
	*found = cJSON_IsObject(auths) && remove_entries(auths, host) > 0;
	return print_file(root, changed, err);
}
