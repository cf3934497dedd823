#pragma once
/* The command line of a mount: options as mount(8) and fstab hand them over, checked. */
#include "cache/base/error.h"
#include "client/reference.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct options {
	char host[REFERENCE_HOST_MAX + 1];       /* "": oci://, every registry at once */
	char path[REFERENCE_REPOSITORY_MAX + 1]; /* "": the registry's root */
	char *source;                            /* as given, for messages and /proc/mounts */
	char *mountpoint;                        /* absolute */
	bool is_foreground, is_debug, is_check;
	bool is_read_only, no_exec, allow_other;
	bool plain_http, insecure;
	char *cache_dir; /* absolute */
	uint64_t cache_size;
	int64_t ttl_ms, timeout_ms;
	char *ca_file, *cert_file, *key_file, *username, *password_file; /* NULL: not given */
	/* -o repository=R, several; NULL-terminated, or NULL. HOST/R where `host` is "". */
	char **repositories;
	uid_t uid;
	gid_t gid;
	mode_t umask;
	int log_level;
};

/* The program's exit status where its command line is wrong. */
enum { EXIT_USAGE = 2 };

/* Parses the arguments after the command's name. EINVAL with a sentence. Nothing is touched. */
int options_parse(struct options *options, int argc, char **argv, struct error *err);
void options_free(struct options *options);
