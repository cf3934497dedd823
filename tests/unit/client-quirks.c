/* The table of registry kinds: how they are recognised, and its templates. */
#include "cache/base/scope.h"
#include "client/quirks.h"
#include "tests/unit/tap.h"

static const char *const hosts[][2] = {
	{"123456789012.dkr.ecr.eu-central-1.amazonaws.com", "ecr"},
	{"public.ecr.aws", "ecr-public"},
	{"example.azurecr.io", "acr"},
	{"docker.cloudsmith.io", "cloudsmith"},
	{"registry-1.docker.io", "hub"},
	{"europe-west3-docker.pkg.dev", "gar"},
	{"de.icr.io", "ibm"},
	{"icr.io:443", "ibm"},
	{"example.jfrog.io", "artifactory"},
	{"ghcr.io", "ghcr"},
	{"GHCR.io", "ghcr"},
	{"quay.io", "quay"},
	{"registry.gitlab.com", "gitlab"},
	{"harbor.example.com", "generic"},
	{"localhost:5000", "generic"},
	{"[::1]:5000", "generic"},
	{"evil-ghcr.io.example", "generic"},
};

static const char *const answers[][2] = {
	{"WWW-Authenticate: Bearer realm=\"https://h/service/token\",service=\"harbor-registry\"",
		"harbor"},
	{"WWW-Authenticate: Basic realm=\"harbor\"", "harbor"},
	{"WWW-Authenticate: bearer realm=zot,service=zot", "zot"},
	{"WWW-Authenticate: basic realm=zot", "zot"},
	{"WWW-Authenticate: Bearer realm=\"https://gitlab.example/jwt/auth\",service=\"x\"",
		"gitlab"},
	{"WWW-Authenticate: Bearer realm=\"https://quay.example/v2/auth\",service=\"x\"", "quay"},
	{"WWW-Authenticate: Basic realm=\"https://x/\",service=\"ecr.amazonaws.com\"", "ecr"},
	{"x-jfrog-version: Artifactory/7", "artifactory"},
	{"X-Artifactory-Id: 1", "artifactory"},
	{"server: AzureContainerRegistry", "acr"},
	{"Server: nginx", "generic"},
	{"Docker-Distribution-Api-Version: registry/2.0", "generic"},
};

static const char *const templates[][2] = {
	{"plain", "plain"},
	{"{repository}|{first}|{second}|{below}|{tag}", "a/b/c-d|a|b|b/c-d|1.0"},
	{"{escaped}", "b%252Fc-d"},
	{"{host} {location}", "europe-west3-docker.pkg.dev europe-west3"},
};

int main(void)
{
	struct quirks_place place = {"europe-west3-docker.pkg.dev", "a/b/c-d", "1.0"};
	struct quirks_place bare = {"h", "app", NULL};

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		is_text(quirks_of_host(hosts[i][0])->name, hosts[i][1], hosts[i][0]);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		scoped(response_clearp) struct response response = {.headers = BUF_INIT(1000)};

		buf_append(&response.headers, answers[i][0], strlen(answers[i][0]) + 1);
		is_text(quirks_of_response(quirks_of_host("r.example"), &response)->name,
			answers[i][1], answers[i][0]);
		is_text(quirks_of_response(quirks_of_host("ghcr.io"), &response)->name, "ghcr",
			"a known host stays what it is");
	}
	for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
		scoped(buf_freep) struct buf text = BUF_INIT(1000);

		quirks_print(&text, templates[i][0], &place);
		is_text(buf_text(&text), templates[i][1], templates[i][0]);
	}
	scoped(buf_freep) struct buf text = BUF_INIT(1000);
	quirks_print(&text, "{first}|{second}|{below}|{tag}", &bare);
	is_text(buf_text(&text), "app|||", "what there is none of is nothing");
	return done();
}
