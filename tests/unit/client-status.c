/* From an HTTP status, and a registry's words, to an errno and a sentence. */
#include "cache/base/scope.h"
#include "client/status.h"
#include "tests/unit/tap.h"

#include <errno.h>

#define ERRORS(code, message) "{\"errors\":[{\"code\":\"" code "\",\"message\":\"" message "\"}]}"

static const struct {
	const char *host;
	enum status_of of;
	int status;
	const char *body;
	int errnum;
	const char *words; /* that the sentence has */
} cases[] = {
	{"r.example", STATUS_OF_READ, 404, ERRORS("NAME_UNKNOWN", "who"), ENOENT,
		"NAME_UNKNOWN who"},
	{"r.example", STATUS_OF_READ, 404, "404 page not found\n", ENOENT, "404 page not found"},
	{"r.example", STATUS_OF_READ, 404, "", ENOENT, "answers 404"},
	{"r.example", STATUS_OF_READ, 401, "", EACCES, "401"},
	{"r.example", STATUS_OF_READ, 403, ERRORS("DENIED", "no"), EACCES, "DENIED no"},
	{"r.example", STATUS_OF_READ, 400, "", EIO, "400"},
	{"r.example", STATUS_OF_READ, 405, "", ENOTSUP, "405"},
	{"r.example", STATUS_OF_READ, 412, ERRORS("PROJECTPOLICYVIOLATION", "scan"), EACCES,
		"scan"},
	{"r.example", STATUS_OF_READ, 429, ERRORS("TOOMANYREQUESTS", "slow"), EAGAIN,
		"try again later"},
	{"r.example", STATUS_OF_READ, 500, "", EAGAIN, "500"},
	{"r.example", STATUS_OF_READ, 599, "", EAGAIN, "599"},
	{"r.example", STATUS_OF_READ, 302, "", EIO, "302"},
	{"r.example", STATUS_OF_READ, 204, "", EIO, "204"},
	{"r.example", STATUS_OF_PUSH, 409, "", EEXIST, "push another version"},
	{"r.example", STATUS_OF_PUSH, 412, "", EEXIST, "push another version"},
	{"r.example", STATUS_OF_PUSH, 413, "", EFBIG, "413"},
	{"r.example", STATUS_OF_PUSH, 507, "", ENOSPC, "507"},
	{"r.example", STATUS_OF_PUSH, 405, "", EPERM, "405"},
	{"r.example", STATUS_OF_PUSH, 400, ERRORS("MANIFEST_INVALID", "bad"), EINVAL, "bad"},
	{"r.example", STATUS_OF_PUSH, 400, ERRORS("TAG_INVALID", "x"), EEXIST, "another version"},
	{"r.example", STATUS_OF_PUSH, 404, ERRORS("NAME_UNKNOWN", "no"), ENOENT,
		"created there first"},
	{"r.example", STATUS_OF_PUSH, 403, ERRORS("DENIED", "Quota has been exceeded"), EDQUOT,
		"quota"},
	{"r.example", STATUS_OF_DELETION, 405, ERRORS("UNSUPPORTED", "no"), EPERM,
		"does not delete"},
	{"r.example", STATUS_OF_DELETION, 404, "", ENOENT, "404"},
	{"1.dkr.ecr.eu-west-1.amazonaws.com", STATUS_OF_PUSH, 404, ERRORS("NAME_UNKNOWN", "no"),
		ENOENT, "'aws ecr create-repository --repository-name ns/team/app'"},
	{"1.dkr.ecr.eu-west-1.amazonaws.com", STATUS_OF_PUSH, 400,
		ERRORS("TAG_INVALID", "cannot be overwritten because the repository is immutable."),
		EEXIST, "immutable"},
	{"public.ecr.aws", STATUS_OF_PUSH, 404, ERRORS("NAME_UNKNOWN", "no"), ENOENT,
		"--repository-name team/app'"},
	{"europe-west3-docker.pkg.dev", STATUS_OF_PUSH, 404, ERRORS("NAME_UNKNOWN", "no"), ENOENT,
		"create team --project=ns --location=europe-west3"},
	{"de.icr.io", STATUS_OF_PUSH, 403, ERRORS("DENIED", "namespace ns does not exist"), ENOENT,
		"ibmcloud cr namespace-add ns"},
	{"de.icr.io", STATUS_OF_PUSH, 403,
		ERRORS("DENIED", "You have exceeded your storage quota."), EDQUOT, "quota"},
	{"x.azurecr.io", STATUS_OF_PUSH, 405,
		ERRORS("DENIED", "The operation is disallowed on this"), EEXIST, "disallowed"},
	{"x.jfrog.io", STATUS_OF_PUSH, 403, ERRORS("DENIED", "permissions to overwrite artifact"),
		EEXIST, "overwrite"},
	{"x.jfrog.io", STATUS_OF_PUSH, 403, ERRORS("DENIED", "no"), EACCES, "DENIED no"},
	{"r.example", STATUS_OF_PUSH, 403, ERRORS("DENIED", "namespace ns does not exist"), ENOENT,
		"created there first"},
	{"registry.gitlab.com", STATUS_OF_PUSH, 403, ERRORS("DENIED", "no"), EACCES,
		"created first, as by 'glab repo create ns/team'"},
	{"quay.io", STATUS_OF_PUSH, 401, ERRORS("UNAUTHORIZED", "not authorized"), EACCES,
		"may not push there, or it has to be created first"},
};

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		scoped(response_clearp) struct response response = {
			.status = cases[i].status, .body = BUF_INIT(1 << 16)};
		struct error err = {0};
		int r;

		buf_add(&response.body, cases[i].body);
		r = status_fail(&err, cases[i].of, &response, quirks_of_host(cases[i].host),
			cases[i].host, "ns/team/app");
		ok(r == -cases[i].errnum && err.code == cases[i].errnum, "%s: %d is %s",
			cases[i].host, cases[i].status, strerrorname_np(cases[i].errnum));
		if (!ok(strstr(err.text, cases[i].words), "and its sentence says %s",
			    cases[i].words))
			printf("#   %s\n", err.text);
	}
	return done();
}
