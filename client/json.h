#pragma once
/* JSON that somebody else wrote, over cJSON: bounded, and its members read as Go reads them. */
#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 64 };

/* Parses one JSON value. NULL for what is none, or has something behind it, is nested deeper than
 * JSON_DEPTH_MAX, holds a NUL, or for want of memory. The caller bounds `len`, and releases the
 * value. */
cJSON *json_parse(const char *bytes, size_t len);
void json_freep(cJSON **value);

/* json_freep() for a value that holds secrets: its texts are overwritten first. */
void json_wipep(cJSON **value);

/* A member by its exact name, of several the last; NULL where there is none, or `object` is NULL or
 * no object. */
const cJSON *json_member(const cJSON *object, const char *name);

/* A member that is a text; NULL where it is not. Owned by the object. */
const char *json_text(const cJSON *object, const char *name);

/* A member that is a whole number of at most 53 bits; false where it is not. */
bool json_number(const cJSON *object, const char *name, int64_t *number);
