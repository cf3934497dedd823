#pragma once
/*
 * The body of a failed reply, made fit for a sentence. Its form should be {"errors": [{"code",
 * "message", "detail"}]} (OCI distribution spec 1.1, "Error codes"); bare objects, HTML pages,
 * plain texts and empty bodies are seen as well. Pure.
 */
#include <stddef.h>

enum { ERROR_BODY_CODE_SIZE = 64, ERROR_BODY_MESSAGE_SIZE = 201 };

struct error_body {
	char code[ERROR_BODY_CODE_SIZE]; /* of the first error, as "MANIFEST_UNKNOWN"; or "" */
	char message[ERROR_BODY_MESSAGE_SIZE]; /* clean UTF-8 on one line, cut; or "" */
};

/* Reads what there is; nothing in a body is an error. */
void error_body_read(const char *bytes, size_t len, struct error_body *body);
