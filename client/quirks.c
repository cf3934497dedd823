#include "client/quirks.h"

#include "cache/base/memory.h"
#include "cache/base/scope.h"

#include <fnmatch.h>
#include <string.h>
#include <strings.h>

#define ECR_IMMUTABLE                                                                              \
	{                                                                                          \
		400, "", "immutable", QUIRKS_MEANS_IMMUTABLE                                       \
	}

/* The first is for whatever gives no sign of itself: Docker's registry (distribution 2 and 3),
 * RepoFlow, and what keeps to the specification. */
static const struct quirks table[] = {
	{.name = "generic",
		.title = "the registry",
		.errors = {{400, "TAG_INVALID", "", QUIRKS_MEANS_IMMUTABLE},
			{400, "", "immutab", QUIRKS_MEANS_IMMUTABLE},
			{403, "", "quota", QUIRKS_MEANS_QUOTA},
			{403, "", "does not exist", QUIRKS_MEANS_NOT_MADE},
			{404, "", "", QUIRKS_MEANS_NOT_MADE}}},
	{.name = "ecr",
		.title = "Amazon ECR",
		.hosts = {"*.dkr.ecr.*.amazonaws.com", "*.dkr.ecr.*.amazonaws.com.cn",
			"*.dkr-ecr.*.on.aws"},
		.tells = {{"WWW-Authenticate", "service=\"ecr.amazonaws.com\""}},
		.lacks = QUIRKS_NO_TAG_DELETION | QUIRKS_NO_LAST,
		.make = "aws ecr create-repository --repository-name {repository}",
		.errors = {ECR_IMMUTABLE, {404, "NAME_UNKNOWN", "", QUIRKS_MEANS_NOT_MADE}}},
	{.name = "ecr-public",
		.title = "Amazon ECR Public",
		.hosts = {"public.ecr.aws"},
		.tells = {{"WWW-Authenticate", "service=\"public.ecr.aws\""}},
		.lacks = QUIRKS_NO_CATALOG | QUIRKS_NO_MOUNT | QUIRKS_NO_TAG_DELETION |
			 QUIRKS_NO_LAST,
		.make = "aws ecr-public create-repository --region us-east-1 --repository-name "
			"{below}",
		.errors = {ECR_IMMUTABLE, {404, "NAME_UNKNOWN", "", QUIRKS_MEANS_NOT_MADE}}},
	{.name = "acr",
		.title = "Azure Container Registry",
		.hosts = {"*.azurecr.io", "*.azurecr.cn", "*.azurecr.us"},
		.tells = {{"Server", "AzureContainerRegistry"}},
		.untag_path = "/acr/v1/{repository}/_tags/{tag}",
		.errors = {{405, "", "disallowed", QUIRKS_MEANS_IMMUTABLE},
			{403, "", "disallowed", QUIRKS_MEANS_IMMUTABLE}}},
	{.name = "cloudsmith",
		.title = "Cloudsmith",
		.hosts = {"*.cloudsmith.io"},
		.tells = {{"WWW-Authenticate", "service=\"https://docker.cloudsmith.io\""}},
		.lacks = QUIRKS_NO_MOUNT,
		.make = "cloudsmith repositories create {first} FILE (whose slug is {second})",
		.errors = {{404, "", "", QUIRKS_MEANS_NOT_MADE},
			{0, "", "republish", QUIRKS_MEANS_IMMUTABLE}}},
	{.name = "hub",
		.title = "Docker Hub",
		.hosts = {"registry-1.docker.io", "docker.io", "index.docker.io"},
		.tells = {{"WWW-Authenticate", "service=\"registry.docker.io\""}},
		.lacks = QUIRKS_NO_CATALOG | QUIRKS_NO_DELETION,
		.listing = QUIRKS_LISTING_HUB,
		.listing_url = "https://hub.docker.com",
		.errors = {{400, "", "immutable", QUIRKS_MEANS_IMMUTABLE}}},
	{.name = "gar",
		.title = "Google Artifact Registry",
		.hosts = {"*-docker.pkg.dev", "gcr.io", "*.gcr.io"},
		.lacks = QUIRKS_NO_CATALOG,
		.listing = QUIRKS_LISTING_CHILD,
		.make = "gcloud artifacts repositories create {second} --project={first} "
			"--location={location} --repository-format=docker",
		.errors = {{400, "", "immutab", QUIRKS_MEANS_IMMUTABLE},
			{404, "", "", QUIRKS_MEANS_NOT_MADE}}},
	{.name = "harbor",
		.title = "Harbor",
		.tells = {{"WWW-Authenticate", "service=\"harbor-registry\""},
			{"WWW-Authenticate", "realm=\"harbor\""}},
		.lacks = QUIRKS_NO_TAG_DELETION,
		.listing = QUIRKS_LISTING_HARBOR,
		.untag_path = "/api/v2.0/projects/{first}/repositories/{escaped}/artifacts/{tag}"
			      "/tags/{tag}",
		.untags_by_password = true,
		.make = "harbor project create {first}",
		.errors = {{401, "", "project", QUIRKS_MEANS_NOT_MADE},
			{404, "", "project", QUIRKS_MEANS_NOT_MADE},
			{403, "", "exceed", QUIRKS_MEANS_QUOTA},
			{412, "PROJECTPOLICYVIOLATION", "", QUIRKS_MEANS_POLICY}}},
	{.name = "ibm",
		.title = "IBM Cloud Container Registry",
		.hosts = {"icr.io", "*.icr.io"},
		.lacks = QUIRKS_NO_CATALOG | QUIRKS_NO_MOUNT,
		.make = "ibmcloud cr namespace-add {first}",
		.errors = {{403, "", "namespace", QUIRKS_MEANS_NOT_MADE},
			{404, "", "namespace", QUIRKS_MEANS_NOT_MADE},
			{403, "", "quota", QUIRKS_MEANS_QUOTA}}},
	{.name = "artifactory",
		.title = "JFrog Artifactory",
		.hosts = {"*.jfrog.io"},
		.tells = {{"X-Jfrog-Version", ""}, {"X-Artifactory-Id", ""},
			{"X-Artifactory-Node-Id", ""}},
		.make = "jf rt repo-create TEMPLATE (whose key is {first})",
		.errors = {{403, "", "overwrite", QUIRKS_MEANS_IMMUTABLE},
			{404, "", "repository key", QUIRKS_MEANS_NOT_MADE},
			{404, "NAME_UNKNOWN", "", QUIRKS_MEANS_NOT_MADE}}},
	{.name = "ghcr",
		.title = "GitHub's registry",
		.hosts = {"ghcr.io"},
		.tells = {{"X-Github-Request-Id", ""}},
		.lacks = QUIRKS_NO_CATALOG | QUIRKS_NO_DELETION | QUIRKS_NO_REFERRERS},
	{.name = "quay",
		.title = "Quay",
		.hosts = {"quay.io", "*.quay.io"},
		.tells = {{"WWW-Authenticate", "/v2/auth\""}},
		.lacks = QUIRKS_NO_LAST | QUIRKS_NO_WHOLE_CATALOG,
		.listing = QUIRKS_LISTING_QUAY,
		.errors = {{403, "", "quota", QUIRKS_MEANS_QUOTA}}},
	{.name = "gitlab",
		.title = "GitLab",
		.hosts = {"registry.gitlab.com"},
		.tells = {{"Gitlab-Container-Registry-Version", ""},
			{"WWW-Authenticate", "/jwt/auth\""}},
		.lacks = QUIRKS_NO_CATALOG | QUIRKS_NO_REFERRERS,
		.make = "glab repo create {first}/{second}"},
	{.name = "zot",
		.title = "zot",
		.tells = {{"WWW-Authenticate", "realm=zot"}, {"WWW-Authenticate", "service=zot"}}},
};

enum { KINDS = sizeof(table) / sizeof(table[0]) };

static bool fits_host(const struct quirks *quirks, const char *host)
{
	for (size_t i = 0; i < 3 && quirks->hosts[i]; i++)
		if (fnmatch(quirks->hosts[i], host, FNM_CASEFOLD) == 0)
			return true;
	return false;
}

const struct quirks *quirks_of_host(const char *host)
{
	const char *colon = strrchr(host, ':');
	scoped(freep) char *name = must_copy_n(host, colon ? (size_t)(colon - host) : strlen(host));

	for (size_t i = 1; i < KINDS; i++)
		if (fits_host(&table[i], name))
			return &table[i];
	return &table[0];
}

static bool fits_response(const struct quirks *quirks, const struct response *response)
{
	const char *value;

	for (size_t i = 0; i < 3 && quirks->tells[i].header; i++)
		for (size_t j = 0; (value = response_header(response, quirks->tells[i].header, j));
			j++)
			if (strcasestr(value, quirks->tells[i].words))
				return true;
	return false;
}

const struct quirks *quirks_of_response(const struct quirks *known, const struct response *response)
{
	if (known != &table[0])
		return known;
	for (size_t i = 1; i < KINDS; i++)
		if (fits_response(&table[i], response))
			return &table[i];
	return known;
}

static enum quirks_meaning meaning_by(
	const struct quirks *quirks, int status, const char *code, const char *message)
{
	size_t most = sizeof(quirks->errors) / sizeof(quirks->errors[0]);

	for (size_t i = 0; i < most && quirks->errors[i].meaning; i++) {
		const struct quirks_error *error = &quirks->errors[i];

		if ((!error->status || error->status == status) &&
			(!error->code[0] || strcmp(error->code, code) == 0) &&
			strcasestr(message, error->words))
			return error->meaning;
	}
	return QUIRKS_MEANS_NOTHING;
}

enum quirks_meaning quirks_meaning(
	const struct quirks *quirks, int status, const char *code, const char *message)
{
	enum quirks_meaning meaning = meaning_by(quirks, status, code, message);

	return meaning ? meaning : meaning_by(&table[0], status, code, message);
}

static int add_escaped(struct buf *text, const char *path)
{
	int r = 0;

	for (; *path && r == 0; path++)
		r = *path == '/' ? buf_add(text, "%252F") : buf_add_char(text, *path);
	return r;
}

static int add_place(
	struct buf *text, const char *name, size_t len, const struct quirks_place *place)
{
	const char *repository = place->repository;
	size_t first = strcspn(repository, "/");
	const char *below = repository + first + (repository[first] == '/');

#define IS(word) (len == strlen(word) && memcmp(name, word, len) == 0)
	if (IS("host"))
		return buf_add(text, place->host);
	if (IS("location")) {
		const char *end = strstr(place->host, "-docker.");

		return buf_append(text, place->host,
			end ? (size_t)(end - place->host) : strcspn(place->host, "."));
	}
	if (IS("repository"))
		return buf_add(text, repository);
	if (IS("first"))
		return buf_append(text, repository, first);
	if (IS("second"))
		return buf_append(text, below, strcspn(below, "/"));
	if (IS("below"))
		return buf_add(text, below);
	if (IS("escaped"))
		return add_escaped(text, below);
	return buf_add(text, place->tag ? place->tag : "");
#undef IS
}

int quirks_print(struct buf *text, const char *template, const struct quirks_place *place)
{
	int r = 0;

	while (*template && r == 0) {
		size_t plain = strcspn(template, "{"), name;

		r = buf_append(text, template, plain);
		template += plain;
		if (!*template || r < 0)
			break;
		name = strcspn(template + 1, "}");
		r = add_place(text, template + 1, name, place);
		template += name + 2;
	}
	return r;
}
