#pragma once
/* JSON as Go's encoding/json writes it. Each returns 0, or what buf_append() returned. */
#include "cache/base/buf.h"
#include "client/chart_yaml.h"

/* A quoted string: <, > and & are escaped too, and U+2028 and U+2029. The text is UTF-8. */
int chart_json_add_text(struct buf *buf, struct chart_text text);
int chart_json_add_string(struct buf *buf, const char *text);

/* A value as it comes back from "any type": all numbers are float64. */
int chart_json_add_value(struct buf *buf, const struct chart_value *value);
