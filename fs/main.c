/* chartfs: the commands. Each prints its own errors and returns the exit status. */
#include "fs/login.h"
#include "fs/mount.h"
#include "fs/options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
	"chartfs shows an OCI registry as directories: reading a chart pulls it, copying one in\n"
	"pushes it.\n"
	"\n"
	"  chartfs [-f] [-d] [-o OPTION,...] SOURCE MOUNTPOINT\n"
	"  chartfs login [-u USER] [--password-stdin] [--plain-http] [--ca-file FILE] [--insecure]\n"
	"                REGISTRY\n"
	"  chartfs logout REGISTRY\n"
	"  chartfs --version | --help\n"
	"\n"
	"SOURCE is oci://HOST[:PORT][/PATH], or oci:// for every registry at once; oci:// may be left\n"
	"out before a host. PATH is a namespace or a chart. chartfs goes to the background as soon as\n"
	"the mount serves (exit status 0), and logs to syslog. Unmount with `fusermount3 -u\n"
	"MOUNTPOINT`.\n"
	"\n"
	"  -f                    stay in the foreground and log to stderr\n"
	"  -d                    the same, with every request of the kernel\n"
	"\n"
	"Options (-o), and what holds without them:\n"
	"  ro                    read only\n"
	"  allow_other           other users may use the mount too, with your rights\n"
	"  check                 fail at once where the registry does not answer\n"
	"  ttl=TIME              how long tags and listings are believed (10s; 500ms, 5m, ...)\n"
	"  timeout=TIME          how long to wait for a registry that says nothing (30s)\n"
	"  cache_dir=DIR         where blobs are kept ($XDG_CACHE_HOME/chartfs, ~/.cache/chartfs)\n"
	"  cache_size=SIZE       how much of the disk files being written may take there (10G; at\n"
	"                        least 1G)\n"
	"  repository=PATH       a repository to list where the registry has no catalog; repeatable\n"
	"  username=USER,password_file=FILE\n"
	"                        credentials of this mount (else those of `chartfs login`, of helm\n"
	"                        and of docker)\n"
	"  plain_http            http, not https (loopback hosts are tried with both anyway)\n"
	"  ca_file=FILE          more certificate authorities to trust\n"
	"  cert_file=FILE,key_file=FILE\n"
	"                        the client's own certificate and its key\n"
	"  insecure              do not check the registry's certificate\n"
	"  uid=USER,gid=GROUP,umask=OCTAL\n"
	"                        whose the files are (yours), and what others may not (022)\n"
	"  log_level=LEVEL       err, warning, info (the default) or debug\n"
	"\n"
	"The words of mount(8) and fstab(5) are accepted as well.\n";

static int run_mount(int argc, char **argv)
{
	struct options options;
	struct error err = {0};
	int status = EXIT_USAGE;

	if (options_parse(&options, argc, argv, &err))
		fprintf(stderr, "chartfs: %s\n", err.text);
	else
		status = mount_run(&options);
	options_free(&options);
	return status;
}

static int print(const char *text)
{
	return fputs(text, stdout) < 0 || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Alone, or behind a command. */
static bool asks_for_help(int argc, char **argv)
{
	const char *last = argc == 2 || argc == 3 ? argv[argc - 1] : "";

	return strcmp(last, "--help") == 0 || strcmp(last, "-h") == 0;
}

/* Where the caller has closed one of the standard files, the next file that is opened would become
 * it: messages would go into the cache, or into a connection. */
static void open_standard_files(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	open_standard_files();
	if (asks_for_help(argc, argv))
		return print(help);
	if (strcmp(command, "--version") == 0 || strcmp(command, "-V") == 0)
		return print("chartfs " CHARTFS_VERSION "\n");
	if (strcmp(command, "login") == 0)
		return login_run(argc - 2, argv + 2);
	if (strcmp(command, "logout") == 0)
		return logout_run(argc - 2, argv + 2);
	if (strcmp(command, "status") == 0 || strcmp(command, "fsck") == 0) {
		fprintf(stderr, "chartfs: the command \"%s\" is not supported yet\n", command);
		return EXIT_USAGE;
	}
	return run_mount(argc - 1, argv + 1);
}
