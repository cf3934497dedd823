#include "fs/options.h"
#include "tests/unit/tap.h"

#include <errno.h>
#include <syslog.h>

enum { WORDS = 10 };

static int parse(struct options *options, const char *const *words, struct error *err)
{
	char *argv[WORDS] = {0};
	int argc = 0;
	int r;

	for (; argc < WORDS && words[argc]; argc++)
		argv[argc] = strdup(words[argc]);
	r = options_parse(options, argc, argv, err);
	while (argc)
		free(argv[--argc]);
	return r;
}

static void test_refusals(void)
{
	static const struct {
		const char *words[WORDS];
		const char *text; /* a part of the sentence */
	} cases[] = {
		{{NULL}, "a source and a mount point are needed"},
		{{"oci://localhost:5000"}, "a source and a mount point are needed"},
		{{"oci://localhost:5000", "/mnt", "more"}, "one argument too many: \"more\""},
		{{"oci://localhost:5000", "/mnt", "-o"}, "-o needs options"},
		{{"oci://localhost:5000", "/mnt", "-x"}, "unknown option \"-x\""},
		{{"oci://localhost:5000", "/mnt", "-o", "ro,fast"}, "unknown option \"fast\""},
		{{"oci://localhost:5000", "/mnt", "-o", "ro=1"}, "\"ro\" takes no value"},
		{{"oci://localhost:5000", "/mnt", "-o", "ttl"}, "\"ttl\" needs a time"},
		{{"oci://localhost:5000", "/mnt", "-o", "ttl="}, "\"ttl\" needs a time"},
		{{"oci://localhost:5000", "/mnt", "-o", "ttl=-1"}, "not \"-1\""},
		{{"oci://localhost:5000", "/mnt", "-o", "ttl=10d"}, "not \"10d\""},
		{{"oci://localhost:5000", "/mnt", "-o", "ttl=99999999h"}, "not \"99999999h\""},
		{{"oci://localhost:5000", "/mnt", "-o", "timeout=0"}, "\"timeout\" is too short"},
		{{"oci://localhost:5000", "/mnt", "-o", "cache_size=10X"}, "needs a size"},
		{{"oci://localhost:5000", "/mnt", "-o", "cache_size=10GB"}, "needs a size"},
		{{"oci://localhost:5000", "/mnt", "-o", "cache_size=99999999T"}, "needs a size"},
		{{"oci://localhost:5000", "/mnt", "-o", "cache_size=99999999999999999999"},
			"needs a size"},
		{{"oci://localhost:5000", "/mnt", "-o", "umask=088"}, "needs an octal"},
		{{"oci://localhost:5000", "/mnt", "-o", "umask=7777"}, "needs an octal"},
		{{"oci://localhost:5000", "/mnt", "-o", "uid=no-such-user-here"}, "needs a user"},
		{{"oci://localhost:5000", "/mnt", "-o", "uid=4294967295"}, "needs a user"},
		{{"oci://localhost:5000", "/mnt", "-o", "log_level=loud"}, "needs err, warning"},
		{{"oci://localhost:5000", "/mnt", "-o", "immutable"}, "not supported yet"},
		{{"oci://localhost:5000", "/mnt", "-o", "allow_delete"}, "not supported yet"},
		{{"oci://localhost:5000", "/mnt", "-o", "verify=k.pub"}, "not supported yet"},
		{{"oci://localhost:5000", "/mnt", "-o", "password=x"}, "password_file=FILE"},
		{{"oci://localhost:5000", "/mnt", "-o", "username=me"}, "\"password_file\" too"},
		{{"oci://localhost:5000", "/mnt", "-o", "password_file=f"}, "\"username\" too"},
		{{"oci://localhost:5000", "/mnt", "-o", "key_file=f"}, "\"cert_file\" too"},
		{{"oci://", "/mnt", "-o", "username=me,password_file=f"}, "source with a host"},
		{{"oci://", "/mnt", "-o", "check"}, "source with a host"},
		{{"oci://", "/mnt", "-o", "repository=a/b"}, "give HOST/REPOSITORY"},
		{{"oci://localhost:5000", "/mnt", "-o", "repository=A"}, "is no repository"},
		{{"https://charts.example.com", "/mnt"}, "https:// sources are not supported yet"},
		{{"layout:/srv/x", "/mnt"}, "layout: sources are not supported yet"},
		{{"oci://me@localhost:5000", "/mnt"}, ""},
		{{"oci://localhost:5000/app:1.0", "/mnt"}, ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options options;
		struct error err = {0};
		int r = parse(&options, cases[i].words, &err);

		if (!ok(r == -EINVAL && err.text[0] && strstr(err.text, cases[i].text),
			    "refused: %s %s", cases[i].words[0] ? cases[i].words[0] : "nothing",
			    cases[i].text))
			printf("#   returned %d, \"%s\"\n", r, err.text);
		options_free(&options);
	}
}

static void test_values(void)
{
	static const char *const words[WORDS] = {"-o",
		"rw,noatime,x-systemd.automount,_netdev,user=me,ttl=500ms,timeout=2m,ro",
		"localhost:5000/team/app", "/", "-f",
		"-ocache_size=3k,umask=077,uid=12,gid=13,log_level=debug,cache_dir=/c\\,d", "-o",
		"username=me,password_file=/p,repository=a,repository=b/c,noexec,check,nofail"};
	struct options options;
	struct error err = {0};

	is_number(parse(&options, words, &err), 0, "everything that is known is taken");
	is_text(options.host, "localhost:5000", "the host");
	is_text(options.path, "team/app", "the path");
	is_text(options.source, "localhost:5000/team/app", "the source as given");
	is_text(options.mountpoint, "/", "the mount point");
	ok(options.is_foreground && !options.is_debug && options.is_read_only, "flags");
	ok(options.no_exec && options.is_check && !options.insecure, "more flags");
	is_number(options.ttl_ms, 500, "milliseconds");
	is_number(options.timeout_ms, 120000, "minutes");
	is_number((long long)options.cache_size, 3072, "kibibytes");
	is_number(options.umask, 077, "umask");
	is_number(options.uid, 12, "uid");
	is_number(options.gid, 13, "gid");
	is_number(options.log_level, LOG_DEBUG, "log level");
	is_text(options.cache_dir, "/c,d", "an escaped comma");
	is_text(options.username, "me", "user name");
	ok(options.repositories && options.repositories[0] && options.repositories[1] &&
			!options.repositories[2],
		"two repositories");
	is_text(options.repositories[1], "b/c", "the second");
	options_free(&options);
}

/* The host of a repository is the one that is meant, as in SOURCE. */
static void test_hosts(void)
{
	static const char *const words[WORDS] = {"oci://", "/", "-o",
		"cache_dir=/c,repository=docker.io/library/x,repository=Charts.Example:5000/y"};
	struct options options;
	struct error err = {0};

	is_number(parse(&options, words, &err), 0, "repositories with their hosts");
	is_text(options.repositories[0], "registry-1.docker.io/library/x", "docker.io's");
	is_text(options.repositories[1], "charts.example:5000/y", "in lower case");
	options_free(&options);
}

static void test_defaults(void)
{
	static const char *const words[WORDS] = {"oci://", "there"};
	struct options options;
	struct error err = {0};

	setenv("XDG_CACHE_HOME", "/x/cache", 1);
	is_number(parse(&options, words, &err), 0, "oci:// alone");
	ok(!options.host[0] && !options.path[0], "has no host");
	ok(options.mountpoint[0] == '/', "the mount point is made absolute");
	is_text(options.cache_dir, "/x/cache/chartfs", "cache_dir by XDG_CACHE_HOME");
	is_number((long long)options.cache_size, 10ll << 30, "10 GiB");
	is_number(options.ttl_ms, 10000, "ttl 10 s");
	is_number(options.timeout_ms, 30000, "timeout 30 s");
	is_number(options.umask, 022, "umask 022");
	options_free(&options);

	setenv("XDG_CACHE_HOME", "relative", 1);
	setenv("HOME", "/h", 1);
	parse(&options, words, &err);
	is_text(options.cache_dir, "/h/.cache/chartfs", "a relative XDG_CACHE_HOME is ignored");
	options_free(&options);

	unsetenv("XDG_CACHE_HOME");
	unsetenv("HOME");
	is_number(parse(&options, words, &err), 0, "without HOME");
	ok(options.cache_dir[0] == '/', "cache_dir by the passwd entry: %s", options.cache_dir);
	options_free(&options);
}

int main(void)
{
	test_refusals();
	test_values();
	test_defaults();
	test_hosts();
	return done();
}
