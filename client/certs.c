#include "client/certs.h"

#include "cache/base/log.h"
#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/credentials.h"
#include "client/home.h"
#include "client/pem.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

enum { ROOTS_MAX = 64 << 20, FOLDERS = 4 };

/* What one host's settings point to. */
struct trust {
	struct tls_settings settings;
	struct buf ca; /* empty: the certs' own roots */
	char *cert, *key;
};

struct certs {
	bool insecure;
	char *cert_file, *key_file;
	struct buf roots;       /* empty: the system's, which the transport knows */
	char *folders[FOLDERS]; /* certs.d directories, in their order */
	pthread_mutex_t lock;
	struct trust usual[2]; /* for hosts without a directory: [0] others, [1] registries */
	struct map trusts;     /* "HOST" or "HOST other" -> struct trust; guarded by lock */
};

/* Adds the certificates of a directory's files ($SSL_CERT_DIR); what is none is passed over. */
static int add_folder(struct buf *pem, const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	struct error ignored;
	int r = 0;

	if (!dir)
		return 0;
	while (r != -EFBIG && r != -ENOMEM && (entry = readdir(dir))) {
		scoped(freep) char *path = must_print("%s/%s", folder, entry->d_name);

		r = *entry->d_name == '.' ? 0 : pem_add_certificates(pem, path, &ignored);
	}
	closedir(dir);
	return r == -EFBIG || r == -ENOMEM ? r : 0;
}

/* The system's roots as $SSL_CERT_FILE and $SSL_CERT_DIR (directories between colons) change them:
 * each replaces its part. The file is where the distributions have it. */
static int add_system(struct buf *pem, struct error *err)
{
	static const char *const files[] = {"/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem"};
	const char *file = getenv("SSL_CERT_FILE"), *folders = getenv("SSL_CERT_DIR");
	struct error ignored;
	int r = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && !(file && *file); i++)
		if (access(files[i], R_OK) == 0)
			file = files[i];
	if (file && *file && pem_add_certificates(pem, file, &ignored) < 0)
		log_warn("the system's certificates are not used: %s", ignored.text);
	for (const char *at = folders ? folders : ""; *at && r == 0;) {
		size_t len = strcspn(at, ":");
		scoped(freep) char *folder = must_copy_n(at, len);

		r = add_folder(pem, folder);
		at += len + (at[len] == ':');
	}
	return r < 0 ? fail(err, -r, "the system has too many certificates") : 0;
}

static char *absolute(const char *path)
{
	scoped(freep) char *here = path && *path != '/' ? getcwd(NULL, 0) : NULL;

	if (!path)
		return NULL;
	return here ? must_print("%s/%s", here, path) : must_copy(path);
}

static bool is_set(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value;
}

static int read_options(
	struct certs *certs, const struct client_options *options, struct error *err)
{
	int r = 0;

	if (options->key_file && !options->cert_file)
		return fail(err, EINVAL, "key_file needs cert_file");
	if (options->ca_file || is_set("SSL_CERT_FILE") || is_set("SSL_CERT_DIR"))
		r = add_system(&certs->roots, err);
	if (r == 0 && options->ca_file)
		r = pem_add_certificates(&certs->roots, options->ca_file, err);
	if (r < 0)
		return fail_within(err, "ca_file");
	if (options->cert_file)
		r = pem_check_pair(options->cert_file, options->key_file, err);
	return r < 0 ? fail_within(err, "cert_file") : 0;
}

/* What does not depend on a directory. */
static void fill(struct certs *certs, struct trust *trust, bool is_registry)
{
	const struct buf *ca = trust->ca.len ? &trust->ca : &certs->roots;

	trust->settings.ca = ca->len ? ca->at : NULL;
	trust->settings.ca_len = ca->len;
	if (!is_registry)
		return;
	trust->settings.insecure = certs->insecure;
	trust->settings.cert = certs->cert_file ? certs->cert_file : trust->cert;
	trust->settings.key = certs->cert_file ? certs->key_file : trust->key;
}

struct certs *certs_new(const struct client_options *options, struct error *err)
{
	struct certs *certs = must_alloc(sizeof(*certs));

	pthread_mutex_init(&certs->lock, NULL);
	certs->roots = (struct buf)BUF_INIT(ROOTS_MAX);
	certs->insecure = options->insecure;
	certs->cert_file = absolute(options->cert_file);
	certs->key_file = absolute(options->key_file);
	certs->folders[0] = home_path(".config/containers/certs.d");
	certs->folders[1] = must_copy("/etc/containers/certs.d");
	certs->folders[2] = must_copy("/etc/docker/certs.d");
	certs->folders[3] = home_path(".config/docker/certs.d");
	if (read_options(certs, options, err) < 0) {
		certs_free(certs);
		return NULL;
	}
	fill(certs, &certs->usual[false], false);
	fill(certs, &certs->usual[true], true);
	return certs;
}

static void trust_free(void *of)
{
	struct trust *trust = of;

	buf_clear(&trust->ca);
	free(trust->cert);
	free(trust->key);
	free(trust);
}

void certs_free(struct certs *certs)
{
	if (!certs)
		return;
	map_clear(&certs->trusts, trust_free);
	for (size_t i = 0; i < FOLDERS; i++)
		free(certs->folders[i]);
	buf_clear(&certs->roots);
	free(certs->cert_file);
	free(certs->key_file);
	pthread_mutex_destroy(&certs->lock);
	free(certs);
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), suffix_len = strlen(suffix);

	return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static int list_folder(const char *folder, struct names *files)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0 && (entry = readdir(dir)))
		if (has_suffix(entry->d_name, ".crt") || has_suffix(entry->d_name, ".cert") ||
			has_suffix(entry->d_name, ".key"))
			r = names_add(files, entry->d_name, strlen(entry->d_name));
	closedir(dir);
	names_sort(files);
	return r;
}

static int add_host_roots(
	struct certs *certs, struct trust *trust, const char *path, struct error *err)
{
	int r = 0;

	if (!trust->ca.len && certs->roots.len)
		r = buf_append(&trust->ca, certs->roots.at, certs->roots.len);
	else if (!trust->ca.len)
		r = add_system(&trust->ca, err);
	return r < 0 ? r : pem_add_certificates(&trust->ca, path, err);
}

/* X.cert and X.key belong together; one alone is a mistake that must not pass silently. The first
 * pair is shown. */
static int add_pair(struct trust *trust, const char *folder, const struct names *files,
	const char *name, struct error *err)
{
	bool is_key = has_suffix(name, ".key");
	size_t stem = strlen(name) - strlen(is_key ? ".key" : ".cert");
	scoped(freep) char *other =
		must_print("%.*s%s", (int)stem, name, is_key ? ".cert" : ".key");

	if (!names_has(files, other))
		return fail(err, EINVAL, "%s/%s has no %s beside it: add it or remove the other",
			folder, name, other);
	if (is_key || trust->cert)
		return 0;
	trust->cert = must_print("%s/%s", folder, name);
	trust->key = must_print("%s/%s", folder, other);
	return pem_check_pair(trust->cert, trust->key, err);
}

static int load_folder(struct certs *certs, struct trust *trust, const char *folder,
	const struct names *files, bool is_registry, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < files->count && r == 0; i++) {
		const char *name = names_get(files, i);
		scoped(freep) char *path = must_print("%s/%s", folder, name);

		if (has_suffix(name, ".crt"))
			r = add_host_roots(certs, trust, path, err);
		else if (is_registry)
			r = add_pair(trust, folder, files, name, err);
	}
	return r;
}

/* The first directory that there is for the host counts (containers-certs.d(5)). -ENOENT, without
 * a sentence: there is none. */
static int load_host(struct certs *certs, struct trust *trust, const char *host, bool is_registry,
	struct error *err)
{
	const char *names[] = {host, "docker.io"};
	size_t count = credentials_same_host(host, "docker.io") ? 2 : 1;

	for (size_t i = 0; i < FOLDERS * count; i++) {
		scoped(freep) char *folder =
			must_print("%s/%s", certs->folders[i / count], names[i % count]);
		scoped(names_clearp) struct names files = {0};

		if (list_folder(folder, &files) < 0)
			continue;
		if (load_folder(certs, trust, folder, &files, is_registry, err) < 0)
			return -(err->code = EINVAL);
		return 0;
	}
	return -ENOENT;
}

static struct trust *find_locked(
	struct certs *certs, const char *host, bool is_registry, struct error *err)
{
	scoped(freep) char *key = must_print("%s%s", host, is_registry ? "" : " other");
	struct trust *trust = map_get(&certs->trusts, key);
	int r;

	if (trust)
		return trust;
	trust = must_alloc(sizeof(*trust));
	trust->ca = (struct buf)BUF_INIT(ROOTS_MAX);
	r = load_host(certs, trust, host, is_registry, err);
	if (r == 0) {
		fill(certs, trust, is_registry);
		map_put(&certs->trusts, key, trust);
		return trust;
	}
	trust_free(trust);
	if (r == -ENOENT)
		return &certs->usual[is_registry];
	fail_within(err, "the certificates for %s", host);
	return NULL;
}

const struct tls_settings *certs_find(
	struct certs *certs, const char *host, bool is_registry, struct error *err)
{
	struct trust *trust;

	pthread_mutex_lock(&certs->lock);
	trust = find_locked(certs, host, is_registry, err);
	pthread_mutex_unlock(&certs->lock);
	return trust ? &trust->settings : NULL;
}
