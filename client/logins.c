#include "client/logins.h"

#include "cache/base/log.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/home.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

struct stamp {
	struct timespec modified, changed;
	off_t size;
	ino_t ino;
	dev_t dev;
	int error; /* the errno of a failed stat */
};

struct login_file {
	char *path; /* NULL: the text of $DOCKER_AUTH_CONFIG */
	enum credentials_rules rules;
	struct stamp stamp;
	struct credentials *credentials; /* NULL: none */
};

struct logins {
	struct login_file files[LOGINS_MAX];
	size_t count;
	bool is_read;
};

char *logins_path(void)
{
	char *path = home_variable_path("HELM_REGISTRY_CONFIG", "");

	if (!path)
		path = home_variable_path("HELM_CONFIG_HOME", "registry/config.json");
	return path ? path : home_config_path("helm/registry/config.json");
}

static void add_file(struct logins *logins, char *path, enum credentials_rules rules)
{
	logins->files[logins->count++] = (struct login_file){.path = path, .rules = rules};
}

static void add_containers(struct logins *logins)
{
	char *path = home_variable_path("REGISTRY_AUTH_FILE", "");

	if (path) {
		add_file(logins, path, CREDENTIALS_CONTAINERS);
		return;
	}
	path = home_variable_path("XDG_RUNTIME_DIR", "containers/auth.json");
	if (!path)
		path = must_print("/run/containers/%u/auth.json", (unsigned)getuid());
	add_file(logins, path, CREDENTIALS_CONTAINERS);
	add_file(logins, home_config_path("containers/auth.json"), CREDENTIALS_CONTAINERS);
}

struct logins *logins_new(void)
{
	struct logins *logins = must_alloc(sizeof(*logins));
	char *docker = home_variable_path("DOCKER_CONFIG", "config.json");

	add_file(logins, logins_path(), CREDENTIALS_DOCKER);
	add_file(logins, NULL, CREDENTIALS_DOCKER);
	add_file(logins, docker ? docker : home_path(".docker/config.json"), CREDENTIALS_DOCKER);
	add_containers(logins);
	return logins;
}

void logins_free(struct logins *logins)
{
	if (!logins)
		return;
	for (size_t i = 0; i < logins->count; i++) {
		free(logins->files[i].path);
		credentials_free(logins->files[i].credentials);
	}
	free(logins);
}

int logins_read(const char *path, struct buf *text, struct error *err)
{
	/* Not to hang where somebody has put a pipe. */
	scoped(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char chunk[8192];
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_errno(err, "cannot read %s", path);
	if (!S_ISREG(st.st_mode))
		return fail(err, EINVAL, "cannot read %s: it is no file", path);
	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, "cannot read %s", path);
		if (buf_append(text, chunk, (size_t)n) < 0)
			return fail(err, EFBIG, "cannot read %s: it is too large", path);
	}
	explicit_bzero(chunk, sizeof(chunk));
	return 0;
}

static struct stamp stamp_of(const char *path)
{
	struct stamp stamp = {0};
	struct stat st;

	if (stat(path, &st) < 0) {
		stamp.error = errno;
		return stamp;
	}
	stamp.modified = st.st_mtim;
	stamp.changed = st.st_ctim;
	stamp.size = st.st_size;
	stamp.ino = st.st_ino;
	stamp.dev = st.st_dev;
	return stamp;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same_stamp(const struct stamp *a, const struct stamp *b)
{
	return same_time(&a->modified, &b->modified) && same_time(&a->changed, &b->changed) &&
	       a->size == b->size && a->ino == b->ino && a->dev == b->dev && a->error == b->error;
}

static struct credentials *load_text(
	const char *name, const char *text, size_t len, enum credentials_rules rules)
{
	struct error err;
	struct credentials *credentials = credentials_parse(text, len, rules, &err);

	if (!credentials)
		log_warn("stored logins in %s are not used: %s; mend or remove it", name, err.text);
	else if (credentials_broken_count(credentials))
		log_warn("%s: %zu of its logins cannot be used; log in again", name,
			credentials_broken_count(credentials));
	return credentials;
}

static struct credentials *load_file(const struct login_file *file)
{
	scoped(buf_wipep) struct buf text = BUF_INIT(CREDENTIALS_SIZE_MAX);
	struct error err;
	int r = logins_read(file->path, &text, &err);

	if (r == -ENOENT || r == -ENOTDIR)
		return NULL;
	if (r < 0) {
		log_warn("stored logins are not used: %s", err.text);
		return NULL;
	}
	return load_text(file->path, buf_text(&text), text.len, file->rules);
}

static struct credentials *load_environment(void)
{
	const char *text = getenv("DOCKER_AUTH_CONFIG");

	if (!text || !*text)
		return NULL;
	return load_text("$DOCKER_AUTH_CONFIG", text, strlen(text), CREDENTIALS_DOCKER);
}

bool logins_refresh(struct logins *logins)
{
	bool has_changed = false;

	for (size_t i = 0; i < logins->count; i++) {
		struct login_file *file = &logins->files[i];
		/* Before the reading: what changes meanwhile is seen the next time. */
		struct stamp now = file->path ? stamp_of(file->path) : (struct stamp){0};

		if (logins->is_read && same_stamp(&now, &file->stamp))
			continue;
		credentials_free(file->credentials);
		file->credentials = file->path ? load_file(file) : load_environment();
		file->stamp = now;
		has_changed = true;
	}
	logins->is_read = true;
	return has_changed;
}

const struct credentials *logins_get(const struct logins *logins, size_t i)
{
	return i < logins->count ? logins->files[i].credentials : NULL;
}
