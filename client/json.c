#include "client/json.h"
#include "cache/base/buf.h"
#include "cache/base/scope.h"

#include <string.h>

static bool is_too_deep(const char *bytes, size_t len)
{
	bool in_text = false;
	unsigned depth = 0;

	for (const char *at = bytes; at < bytes + len; at++) {
		if (in_text && *at == '\\')
			at++;
		else if (*at == '"')
			in_text = !in_text;
		else if (!in_text && (*at == '[' || *at == '{') && ++depth > JSON_DEPTH_MAX)
			return true;
		else if (!in_text && (*at == ']' || *at == '}') && depth > 0)
			depth--;
	}
	return false;
}

cJSON *json_parse(const char *bytes, size_t len)
{
	scoped(buf_wipep) struct buf text = BUF_INIT(len);

	if (memchr(bytes, '\0', len) || is_too_deep(bytes, len))
		return NULL;
	/* A copy with a NUL behind it: old versions of the library read past the end without. */
	if (buf_append(&text, bytes, len) < 0)
		return NULL;
	return cJSON_ParseWithOpts(text.at, NULL, true);
}

void json_freep(cJSON **value)
{
	cJSON_Delete(*value);
	*value = NULL;
}

static void wipe(cJSON *value)
{
	for (; value; value = value->next) {
		if (value->valuestring)
			explicit_bzero(value->valuestring, strlen(value->valuestring));
		wipe(value->child);
	}
}

void json_wipep(cJSON **value)
{
	wipe(*value);
	json_freep(value);
}

const cJSON *json_member(const cJSON *object, const char *name)
{
	const cJSON *member, *found = NULL;

	if (!cJSON_IsObject(object))
		return NULL;
	cJSON_ArrayForEach (member, object)
		if (member->string && strcmp(member->string, name) == 0)
			found = member;
	return found;
}

const char *json_text(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(json_member(object, name));
}

bool json_number(const cJSON *object, const char *name, int64_t *number)
{
	const double most =
		9007199254740992; /* 2^53: up to here every whole number has its double */
	const cJSON *member = json_member(object, name);

	if (!cJSON_IsNumber(member) ||
		!(member->valuedouble >= -most && member->valuedouble <= most))
		return false;
	*number = (int64_t)member->valuedouble;
	return (double)*number == member->valuedouble;
}
