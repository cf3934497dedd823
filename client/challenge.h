#pragma once
/* What a server asks for in WWW-Authenticate (RFC 9110 section 11.6.1; RFC 6750 section 3). Pure.
 */
#include <stdbool.h>
#include <stddef.h>

enum { CHALLENGE_SIZE_MAX = 16 << 10 };

enum challenge_scheme { CHALLENGE_NONE, CHALLENGE_OTHER, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge { /* {0} is "none yet"; release it with challenge_clear() */
	enum challenge_scheme scheme;
	char *realm; /* each NULL where it was not given */
	char *service;
	char *scope;
	char *error;
};

/* Reads one header's value, which may hold several challenges, and keeps the best of them and of
 * what `challenge` holds already (from an earlier header): Bearer with a realm, then Basic, then
 * any other; of equals the first. False where the value, or the rest of it, was not in the grammar
 * or too long; what came before that counts. */
bool challenge_add(struct challenge *challenge, const char *value, size_t len);

/* Releases the texts; no challenge remains. */
void challenge_clear(struct challenge *challenge);
