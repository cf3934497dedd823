#pragma once
/*
 * Semantic versions as Helm reads them: Masterminds/semver v3, strict (StrictNewVersion: three
 * numbers, no 'v') or loose (NewVersion: "1", "v1.2", "01.2.3"). Pure.
 */
#include <stdbool.h>
#include <stdint.h>

struct semver {
	uint64_t major, minor, patch;
	const char *prerelease; /* into the parsed text, with its length; not NUL-terminated */
	const char *metadata;
	unsigned prerelease_len, metadata_len;
};

bool semver_parse_strict(const char *text, struct semver *version);
bool semver_parse_loose(const char *text, struct semver *version);

/* SemVer 2.0.0 precedence (section 11); metadata does not count. Numbers of a prerelease that
 * exceed 64 bits are compared as texts, as Helm does. */
int semver_compare(const struct semver *a, const struct semver *b);

/* A total order over version texts for listings: precedence, then bytewise. Texts that are no
 * version come last. */
int semver_compare_text(const char *a, const char *b);
