#include "fs/options.h"

#include "cache/base/buf.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "fs/option_value.h"

#include <limits.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <syslog.h>

enum kind {
	SET,      /* a bool becomes true */
	UNSET,    /* ... false */
	TEXT,     /* a text */
	PATH,     /* a path, made absolute */
	SIZE,     /* bytes: 500M, 10G */
	TIME,     /* 10, 10s, 500ms, 2m, 1h */
	OWNER,    /* a user: number or name */
	GROUP,    /* a group */
	MODE,     /* octal */
	LEVEL,    /* of the log */
	REPEATED, /* a text, several times */
	IGNORED,  /* mount(8)'s own words */
	LATER,    /* planned, not built */
};

static const struct option {
	const char *name;
	enum kind kind;
	size_t at;
} table[] = {
	{"ro", SET, offsetof(struct options, is_read_only)},
	{"rw", UNSET, offsetof(struct options, is_read_only)},
	{"noexec", SET, offsetof(struct options, no_exec)},
	{"exec", UNSET, offsetof(struct options, no_exec)},
	{"allow_other", SET, offsetof(struct options, allow_other)},
	{"check", SET, offsetof(struct options, is_check)},
	{"plain_http", SET, offsetof(struct options, plain_http)},
	{"insecure", SET, offsetof(struct options, insecure)},
	{"cache_dir", PATH, offsetof(struct options, cache_dir)},
	{"cache_size", SIZE, offsetof(struct options, cache_size)},
	{"ttl", TIME, offsetof(struct options, ttl_ms)},
	{"timeout", TIME, offsetof(struct options, timeout_ms)},
	{"ca_file", PATH, offsetof(struct options, ca_file)},
	{"cert_file", PATH, offsetof(struct options, cert_file)},
	{"key_file", PATH, offsetof(struct options, key_file)},
	{"username", TEXT, offsetof(struct options, username)},
	{"password_file", PATH, offsetof(struct options, password_file)},
	{"repository", REPEATED, offsetof(struct options, repositories)},
	{"uid", OWNER, offsetof(struct options, uid)},
	{"gid", GROUP, offsetof(struct options, gid)},
	{"umask", MODE, offsetof(struct options, umask)},
	{"log_level", LEVEL, offsetof(struct options, log_level)},
	{"immutable", LATER, 0},
	{"allow_delete", LATER, 0},
	{"verify", LATER, 0},
	{"verify_provenance", LATER, 0},
	/* fstab's and mount(8)'s words, which they hand over as they are */
	{"defaults", IGNORED, 0},
	{"default_permissions", IGNORED, 0},
	{"suid", IGNORED, 0},
	{"nosuid", IGNORED, 0},
	{"dev", IGNORED, 0},
	{"nodev", IGNORED, 0},
	{"sync", IGNORED, 0},
	{"async", IGNORED, 0},
	{"dirsync", IGNORED, 0},
	{"atime", IGNORED, 0},
	{"noatime", IGNORED, 0},
	{"diratime", IGNORED, 0},
	{"nodiratime", IGNORED, 0},
	{"relatime", IGNORED, 0},
	{"norelatime", IGNORED, 0},
	{"strictatime", IGNORED, 0},
	{"nostrictatime", IGNORED, 0},
	{"lazytime", IGNORED, 0},
	{"nolazytime", IGNORED, 0},
	{"user", IGNORED, 0},
	{"nouser", IGNORED, 0},
	{"users", IGNORED, 0},
	{"nousers", IGNORED, 0},
	{"owner", IGNORED, 0},
	{"noowner", IGNORED, 0},
	{"group", IGNORED, 0},
	{"nogroup", IGNORED, 0},
	{"auto", IGNORED, 0},
	{"noauto", IGNORED, 0},
	{"nofail", IGNORED, 0},
	{"_netdev", IGNORED, 0},
	{"comment", IGNORED, 0},
};

/* Absolute, because a program in the background has another working directory. */
static char *absolute(const char *path)
{
	scoped(freep) char *here = NULL;

	if (path[0] == '/')
		return must_copy(path);
	here = getcwd(NULL, 0);
	return must_print("%s/%s", here ? here : "", path);
}

static void replace(char **text, char *by)
{
	free(*text);
	*text = by;
}

static void append(char ***texts, const char *text)
{
	size_t count = 0;
	char **longer;

	while (*texts && (*texts)[count])
		count++;
	longer = must_alloc((count + 2) * sizeof(*longer));
	if (count)
		memcpy(longer, *texts, count * sizeof(*longer));
	longer[count] = must_copy(text);
	free(*texts);
	*texts = longer;
}

static const char *example_of(enum kind kind)
{
	switch (kind) {
	case SIZE:
		return "a size, as 500M or 10G";
	case TIME:
		return "a time, as 10, 500ms, 10s or 5m";
	case OWNER:
		return "a user's number or name";
	case GROUP:
		return "a group's number or name";
	case MODE:
		return "an octal number, as 022";
	case LEVEL:
		return "err, warning, info or debug";
	default:
		return "a value";
	}
}

static bool parse_value(struct options *options, const struct option *option, const char *value)
{
	void *at = (char *)options + option->at;

	switch (option->kind) {
	case TEXT:
		replace(at, must_copy(value));
		return true;
	case PATH:
		replace(at, absolute(value));
		return true;
	case SIZE:
		return option_value_size(value, at);
	case TIME:
		return option_value_time(value, at);
	case OWNER:
		return option_value_id(value, false, at);
	case GROUP:
		return option_value_id(value, true, at);
	case MODE:
		return option_value_mode(value, at);
	case LEVEL:
		return option_value_level(value, at);
	case REPEATED:
		append(at, value);
		return true;
	default:
		return false;
	}
}

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(name, table[i].name) == 0)
			return &table[i];
	return NULL;
}

/* One of -o's words, NAME or NAME=VALUE. */
static int parse_option(struct options *options, char *text, struct error *err)
{
	char *value = strchr(text, '=');
	const struct option *option;

	if (value)
		*value++ = '\0';
	if (!*text || strncmp(text, "x-", 2) == 0 || strncmp(text, "X-", 2) == 0)
		return 0;
	if (strcmp(text, "password") == 0)
		return fail(err, EINVAL,
			"option \"password\": everybody can read a program's arguments; use "
			"password_file=FILE or `chartfs login`");
	option = find_option(text);
	if (!option)
		return fail(err, EINVAL, "unknown option \"%s\"; see chartfs --help", text);
	switch (option->kind) {
	case IGNORED:
		return 0;
	case LATER:
		return fail(err, EINVAL, "option \"%s\" is not supported yet", text);
	case SET:
	case UNSET:
		if (value)
			return fail(err, EINVAL, "option \"%s\" takes no value", text);
		*(bool *)((char *)options + option->at) = option->kind == SET;
		return 0;
	default:
		if (!value || !*value || !parse_value(options, option, value))
			return fail(err, EINVAL, "option \"%s\" needs %s%s%s%s", text,
				example_of(option->kind), value ? ", not \"" : "",
				value ? value : "", value ? "\"" : "");
		return 0;
	}
}

/* The words between commas; "\," is a comma within one, as in mount(8)'s FUSE helpers. */
static int parse_options(struct options *options, const char *text, struct error *err)
{
	scoped(freep) char *word = must_alloc(strlen(text) + 1);
	int r = 0;

	while (r == 0 && *text) {
		size_t len = 0;

		for (; *text && *text != ','; text++) {
			if (*text == '\\' && (text[1] == ',' || text[1] == '\\'))
				text++;
			word[len++] = *text;
		}
		word[len] = '\0';
		if (*text == ',')
			text++;
		r = parse_option(options, word, err);
	}
	return r;
}

static int parse_source(struct options *options, const char *source, struct error *err)
{
	static const char *const later[] = {"https://", "http://", "layout:"};

	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (strncmp(source, later[i], strlen(later[i])) == 0)
			return fail(err, EINVAL,
				"source \"%s\": %s sources are not supported yet; give "
				"oci://HOST[:PORT][/PATH]",
				source, later[i]);
	options->source = must_copy(source);
	return reference_parse_source(source, options->host, options->path, err);
}

static int parse_words(struct options *options, int argc, char **argv, struct error *err)
{
	const char *source = NULL, *mountpoint = NULL, *opts;
	bool has_options = true;
	int r = 0;

	for (int i = 0; r == 0 && i < argc; i++) {
		const char *word = argv[i];

		if (has_options && strcmp(word, "--") == 0) {
			has_options = false;
		} else if (has_options && strncmp(word, "-o", 2) == 0) {
			opts = word[2] ? word + 2 : argv[++i];
			r = opts ? parse_options(options, opts, err)
				 : fail(err, EINVAL, "-o needs options");
		} else if (has_options && strcmp(word, "-f") == 0) {
			options->is_foreground = true;
		} else if (has_options && strcmp(word, "-d") == 0) {
			options->is_foreground = options->is_debug = true;
			options->log_level = LOG_DEBUG;
		} else if (has_options && word[0] == '-') {
			r = fail(err, EINVAL, "unknown option \"%s\"; see chartfs --help", word);
		} else if (!source) {
			source = word;
		} else if (!mountpoint) {
			mountpoint = word;
		} else {
			r = fail(err, EINVAL, "one argument too many: \"%s\"", word);
		}
	}
	if (r)
		return r;
	if (!source || !mountpoint)
		return fail(err, EINVAL,
			"a source and a mount point are needed, as in: chartfs "
			"oci://registry.example.com ~/charts");
	if (!*mountpoint)
		return fail(err, EINVAL, "the mount point is an empty word");
	options->mountpoint = realpath(mountpoint, NULL);
	if (!options->mountpoint)
		options->mountpoint = absolute(mountpoint);
	return parse_source(options, source, err);
}

static int find_cache_dir(struct options *options, struct error *err)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	const struct passwd *user;

	if (options->cache_dir)
		return 0;
	if (cache && cache[0] == '/') {
		options->cache_dir = must_print("%s/chartfs", cache);
		return 0;
	}
	if (!home || home[0] != '/') {
		user = getpwuid(getuid());
		home = user ? user->pw_dir : NULL;
	}
	if (!home || home[0] != '/')
		return fail(err, EINVAL, "no home directory is known: give -o cache_dir=DIR");
	options->cache_dir = must_print("%s/.cache/chartfs", home);
	return 0;
}

/* With oci:// alone a repository is named with its host; that is made the one that is meant. */
static int check_repository(const struct options *options, char **text, struct error *err)
{
	char host[REFERENCE_HOST_MAX + 1] = "";
	size_t len = strcspn(*text, "/");
	const char *path = *text;

	if (!options->host[0]) {
		if (len <= REFERENCE_HOST_MAX)
			reference_set_host(*text, len, host);
		path = reference_is_sure_host(host) && path[len] ? path + len + 1 : "";
	}
	if (!reference_is_repository(path))
		return fail(err, EINVAL, "option \"repository\": \"%s\" is no repository%s", *text,
			options->host[0] ? "" : "; with oci:// give HOST/REPOSITORY");
	if (*host) {
		char *meant = must_print("%s/%s", host, path);

		free(*text);
		*text = meant;
	}
	return 0;
}

static int check(const struct options *options, struct error *err)
{
	int r = 0;

	if (options->timeout_ms < 100)
		return fail(err, EINVAL, "option \"timeout\" is too short: at least 100ms");
	if (options->key_file && !options->cert_file)
		return fail(err, EINVAL, "option \"key_file\" needs \"cert_file\" too");
	if (options->username && !options->password_file)
		return fail(err, EINVAL, "option \"username\" needs \"password_file\" too");
	if (options->password_file && !options->username)
		return fail(err, EINVAL, "option \"password_file\" needs \"username\" too");
	if (options->username && !options->host[0])
		return fail(err, EINVAL,
			"option \"username\" needs a source with a host: oci:// alone would give "
			"the password to every registry");
	if (options->is_check && !options->host[0])
		return fail(err, EINVAL, "option \"check\" needs a source with a host");
	for (char **at = options->repositories; r == 0 && at && *at; at++)
		r = check_repository(options, at, err);
	return r;
}

int options_parse(struct options *options, int argc, char **argv, struct error *err)
{
	int r;

	*options = (struct options){
		.cache_size = UINT64_C(10) << 30,
		.ttl_ms = 10000,
		.timeout_ms = 30000,
		.uid = getuid(),
		.gid = getgid(),
		.umask = 022,
		.log_level = LOG_INFO,
	};
	r = parse_words(options, argc, argv, err);
	if (r == 0)
		r = find_cache_dir(options, err);
	return r ? r : check(options, err);
}

void options_free(struct options *options)
{
	for (char **at = options->repositories; at && *at; at++)
		free(*at);
	free(options->repositories);
	free(options->source);
	free(options->mountpoint);
	free(options->cache_dir);
	free(options->ca_file);
	free(options->cert_file);
	free(options->key_file);
	free(options->username);
	free(options->password_file);
	*options = (struct options){0};
}
