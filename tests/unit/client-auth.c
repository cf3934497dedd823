/* Authentication against a real registry and token server (token-server.py): what is asked, with
 * whose credentials, how often, and what is said where it fails. */
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/auth.h"
#include "tests/unit/tap.h"
#include "tests/unit/temporary.h"
#include "tests/unit/token-server.h"

#include <errno.h>
#include <pthread.h>

static struct transport *transport;
static struct certs *certs;
static struct keyring *keyring;
static struct client_options options;

static struct auth *new_auth(void)
{
	struct auth_setup setup = {.transport = transport,
		.certs = certs,
		.keyring = keyring,
		.options = &options,
		.host = host};

	return auth_new(&setup);
}

/* The file of stored logins has one entry, or none for NULL. */
static void log_in(const char *entry)
{
	scoped(freep) char *text =
		entry ? must_print("{\"auths\":{\"%s\":%s}}", host, entry) : must_copy("{}");

	write_file(below("new"), text, 0600);
	rename(below("new"), below("config.json"));
}

#define PASSWORD "{\"auth\":\"YWxpY2U6b3BlbiBzZXNhbWU=\"}" /* alice:open sesame */
#define WRONG    "{\"auth\":\"bWFsbG9yeTpndWVzcw==\"}"     /* mallory:guess */
#define IDENTITY "{\"auth\":\"YWxpY2U6\",\"identitytoken\":\"identity\"}"

static int send(const char *method, const char *path, const char *authorization,
	struct response *response, struct error *err)
{
	scoped(freep) char *url = must_print("http://%s%s", host, path);
	struct request request = {.method = method, .url = url, .authorization = authorization};

	response_clear(response);
	return transport_run(transport, &request, response, NULL, err);
}

/* One request as the client makes it; the final status, or -errno. */
static int ask(struct auth *auth, const char *method, const char *path, const struct scope *scope,
	struct error *err)
{
	struct scopes scopes = {.at = scope, .count = scope ? 1 : 0};
	scoped(response_clearp) struct response response = {0};
	scoped(buf_wipep) struct buf authorization = BUF_INIT(512 << 10);
	int r = auth_authorize(auth, &scopes, &authorization, NULL, err);

	for (int i = 0; i < 6 && r == 0; i++) {
		scoped(buf_wipep) struct buf sent = authorization;

		authorization = (struct buf)BUF_INIT(512 << 10);
		r = send(method, path, buf_text(&sent), &response, err);
		if (r < 0 || response.status != 401)
			return r < 0 ? r : response.status;
		r = auth_answer(
			auth, &response, &scopes, buf_text(&sent), &authorization, NULL, err);
	}
	return r < 0 ? r : -ELOOP;
}

/* What the server was asked since the last look. */
static const char *server_log(void)
{
	static char text[4096];
	scoped(response_clearp) struct response response = {0};
	struct error err = {0};

	send("GET", "/log", "", &response, &err);
	snprintf(text, sizeof(text), "%s", buf_text(&response.body));
	return text;
}

struct auth_case {
	const char *name, *mode, *login;
	int result;
	const char *log;      /* what the server was asked; NULL: not looked at */
	const char *sentence; /* part of what is said on failure */
};

#define SCOPE(mode) "repository:" mode "/app:pull"

static const struct auth_case cases[] = {
	{"Basic", "basic", PASSWORD, 200, "401 GET basic -", NULL},
	{"Basic, a wrong password", "basic", WRONG, -EACCES, "401 GET basic -\n401 GET basic Basic",
		"chartfs login"},
	{"Basic without a login", "basic", NULL, -EACCES, "401 GET basic -", "asks for a login"},
	{"anonymous token", "normal", NULL, 200,
		"401 GET normal -\nTOKEN GET normal nobody my,service " SCOPE("normal"), NULL},
	{"token by password", "normal", PASSWORD, 200,
		"401 GET normal -\nTOKEN GET normal alice my,service " SCOPE("normal"), NULL},
	{"a wrong password at the token server", "normal", WRONG, -EACCES, NULL,
		"does not accept the stored user and password"},
	{"no anonymous tokens", "closed", NULL, -EACCES, NULL, "chartfs login"},
	{"identity token by POST", "oauth", IDENTITY, 200,
		"401 GET oauth -\nTOKEN POST oauth identity my,service " SCOPE("oauth"), NULL},
	{"an expired identity token", "oauth", "{\"identitytoken\":\"old\"}", -EACCES, NULL,
		"identity token"},
	{"identity token where POST is 404", "get404", IDENTITY, 200,
		"401 GET get404 -\nTOKEN POST get404 identity my,service " SCOPE(
			"get404") "\nTOKEN "
				  "GET get404 alice's identity my,service " SCOPE("get404"),
		NULL},
	{"identity token where POST is 405", "get405", IDENTITY, 200, NULL, NULL},
	{"registry token", "normal", "{\"registrytoken\":\"registry-token\"}", 200,
		"401 GET normal -", NULL},
	{"a refused registry token", "normal", "{\"registrytoken\":\"old\"}", -EACCES, NULL,
		"chartfs login"},
	{"a scope that only the server knows", "aws", PASSWORD, 200,
		"401 GET aws -\nTOKEN GET aws alice my,service aws", NULL},
	{"a challenge without a scope", "bare", PASSWORD, 200,
		"401 GET bare -\nTOKEN GET bare alice my,service " SCOPE("bare"), NULL},
	{"fewer rights than asked", "limited", PASSWORD, -EACCES,
		"401 GET limited -\nTOKEN GET limited alice my,service " SCOPE(
			"limited") "\n401 GET "
				   "limited Bearer",
		"does not have the right to pull"},
	{"no token in the reply", "junk", NULL, -EIO, NULL, "no token"},
	{"an endless reply", "huge", NULL, -EIO, NULL, "no token from"},
	{"a token that would end the header", "header", NULL, -EIO, NULL, "no token"},
	{"busy at first", "flaky", PASSWORD, 200, NULL, NULL},
	{"busy until a date", "dated", PASSWORD, 200, NULL, NULL},
	{"a connection that breaks", "cut", PASSWORD, 200, NULL, NULL},
	{"no token server there", "down", PASSWORD, -EIO, NULL, "answers 404"},
	{"a redirect on the same server", "near", PASSWORD, 200, NULL, NULL},
	{"a redirect to another server", "away", PASSWORD, -EACCES,
		"401 GET away -\nTOKEN GET away alice my,service " SCOPE("away"),
		"redirects to another server"},
	{"an unknown scheme", "other", PASSWORD, -EACCES, NULL, "does not know"},
};

static void test_case(const struct auth_case *test)
{
	struct auth *auth = new_auth();
	scoped(freep) char *repository = must_print("%s/app", test->mode);
	scoped(freep) char *path = must_print("/v2/%s/tags/list", repository);
	struct scope scope = {repository, "pull"};
	struct error err = {0};

	log_in(test->login);
	server_log();
	is_number(ask(auth, "GET", path, &scope, &err), test->result, test->name);
	if (test->log)
		is_text(server_log(), test->log, test->name);
	if (test->sentence)
		ok(strstr(err.text, test->sentence) && !strstr(err.text, "sesame") &&
				!strstr(err.text, "token-"),
			"%s: %s", test->name, err.text);
	auth_free(auth);
}

/* Later requests know what the first had to learn. */
static void test_warm(void)
{
	struct auth *auth = new_auth();
	struct scope pull = {"normal/app", "pull"}, push = {"normal/app", "pull,push"};
	struct scope catalog = {NULL, NULL};
	char before[REGISTRY_IDENTITY_SIZE], after[REGISTRY_IDENTITY_SIZE];
	struct error err = {0};

	log_in(PASSWORD);
	ask(auth, "GET", "/v2/normal/app/tags/list", &pull, &err);
	server_log();
	is_number(ask(auth, "GET", "/v2/normal/app/tags/list", &pull, &err), 200, "a cached token");
	is_text(server_log(), "", "no 401, no question");
	is_number(ask(auth, "GET", "/v2/normal/app/blobs/x", &push, &err), 200, "more rights");
	is_text(server_log(), "TOKEN GET normal alice my,service repository:normal/app:pull,push",
		"another token, but no 401");
	is_number(ask(auth, "GET", "/v2/catalogbasic/", &catalog, &err), -EACCES,
		"Basic for the catalog alone, refused");
	server_log();
	is_number(ask(auth, "GET", "/v2/normal/app/tags/list", &pull, &err), 200,
		"which does not change the rest");
	is_text(server_log(), "", "nothing is learnt anew");
	auth_identity(auth, "", before);
	log_in(WRONG);
	is_number(ask(auth, "GET", "/v2/normal/app/tags/list", &pull, &err), -EACCES,
		"other credentials have other tokens");
	auth_identity(auth, "", after);
	ok(strlen(before) == 64 && !strstr(before, "alice"), "an identity tells nothing");
	/* Files are looked at once a second for this; the question above has looked already. */
	ok(strcmp(before, after) != 0, "and changes with the credentials");
	auth_free(auth);
}

static void test_revoked(void)
{
	struct auth *auth = new_auth();
	struct scope scope = {"once/app", "pull"};
	struct error err = {0};

	log_in(PASSWORD);
	is_number(ask(auth, "GET", "/v2/once/app/tags/list", &scope, &err), 200, "a first token");
	server_log();
	is_number(ask(auth, "GET", "/v2/once/app/tags/list", &scope, &err), 200,
		"it is refused the second time, and renewed");
	is_text(server_log(),
		"401 GET once Bearer\nTOKEN GET once alice my,service repository:once/app:pull",
		"by one question");
	is_number(ask(auth, "GET", "/v2/once/app/tags/list", &scope, &err), -EACCES,
		"but not again and again");
	is_text(server_log(), "401 GET once Bearer", "which asks nothing");
	auth_free(auth);
}

/* Who is logged in changes while the token server is asked. */
static void test_swap(void)
{
	struct auth *auth = new_auth();
	struct scope scope = {"swap/app", "pull"};
	scoped(freep) char *other = must_print("{\"auths\":{\"%s\":" PASSWORD "}}", host);
	struct error err = {0};

	log_in(WRONG);
	write_file(below("config.json.other"), other, 0600);
	server_log();
	is_number(ask(auth, "GET", "/v2/swap/app/tags/list", &scope, &err), 200,
		"a login that takes the place of a refused one");
	is_text(server_log(),
		"401 GET swap -\nTOKEN GET swap mallory my,service repository:swap/app:pull\n"
		"TOKEN GET swap alice my,service repository:swap/app:pull",
		"is tried at once");
	log_in(WRONG);
	is_number(ask(auth, "GET", "/v2/swap/app/tags/list", &scope, &err), -EACCES,
		"its token is not for the other");
	auth_free(auth);
}

/* Both kinds of requests want the scope "aws", of one realm, for different services. */
static void test_services(void)
{
	struct auth *auth = new_auth();
	struct scope pull = {"two/app", "pull"}, catalog = {NULL, NULL};
	struct error err = {0};

	log_in(PASSWORD);
	is_number(ask(auth, "GET", "/v2/two/app/tags/list", &pull, &err), 200, "one service");
	is_number(ask(auth, "GET", "/v2/two/catalog", &catalog, &err), 200, "another");
	server_log();
	is_number(ask(auth, "GET", "/v2/two/app/tags/list", &pull, &err), 200, "the first again");
	is_number(ask(auth, "GET", "/v2/two/catalog", &catalog, &err), 200, "and the other");
	is_text(server_log(), "", "each with its own token");
	auth_free(auth);
}

static void test_deletion(const char *mode)
{
	struct auth *auth = new_auth();
	scoped(freep) char *repository = must_print("%s/app", mode);
	scoped(freep) char *path = must_print("/v2/%s/manifests/1", repository);
	struct scope scope = {repository, "delete"};
	struct error err = {0};

	log_in(PASSWORD);
	is_number(ask(auth, "DELETE", path, &scope, &err), 200, mode);
	server_log();
	is_number(ask(auth, "DELETE", path, &scope, &err), 200, mode);
	is_text(server_log(), "", "the right that is due is remembered");
	auth_free(auth);
}

static void test_no_scope(void)
{
	struct auth *auth = new_auth();
	struct scope catalog = {NULL, NULL};
	struct error err = {0};

	log_in(PASSWORD);
	server_log();
	is_number(ask(auth, "GET", "/v2/", NULL, &err), 200, "GET /v2/ with a token for nothing");
	is_number(ask(auth, "GET", "/v2/catalog/", &catalog, &err), 200, "the catalog");
	ok(strstr(server_log(), "registry:catalog:*"), "by its scope");
	auth_free(auth);
}

static void *ask_in_thread(void *of)
{
	struct scope scope = {"normal/many", "pull"};
	struct error err = {0};

	return ask(of, "GET", "/v2/normal/many/tags/list", &scope, &err) == 200 ? of : NULL;
}

static void test_flight(void)
{
	struct auth *auth = new_auth();
	struct scope scope = {"normal/one", "pull"};
	pthread_t threads[16];
	struct error err = {0};
	int good = 0;

	log_in(PASSWORD);
	ask(auth, "GET", "/v2/normal/one/tags/list", &scope, &err);
	server_log();
	for (size_t i = 0; i < 16; i++)
		pthread_create(&threads[i], NULL, ask_in_thread, auth);
	for (size_t i = 0; i < 16; i++) {
		void *result;

		pthread_join(threads[i], &result);
		good += result == auth;
	}
	is_number(good, 16, "sixteen requests at once");
	is_text(server_log(), "TOKEN GET normal alice my,service repository:normal/many:pull",
		"fetch one token");
	auth_free(auth);
}

int main(void)
{
	struct error err = {0};

	temporary_make();
	setenv("HOME", temporary, 1);
	setenv("HELM_REGISTRY_CONFIG", below("config.json"), 1);
	setenv("XDG_RUNTIME_DIR", temporary, 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("DOCKER_CONFIG");
	unsetenv("DOCKER_AUTH_CONFIG");
	unsetenv("REGISTRY_AUTH_FILE");
	setenv("no_proxy", "*", 1);
	start_server("normal");
	certs = certs_new(&options, &err);
	transport = transport_new(60000, &err);
	keyring = keyring_new(NULL, NULL, &err);
	if (!keyring || !certs || !transport || transport_start(transport, &err) < 0) {
		printf("Bail out! %s\n", err.text);
		return EXIT_FAILURE;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		test_case(&cases[i]);
	test_warm();
	test_revoked();
	test_swap();
	test_services();
	test_deletion("normal");
	test_deletion("star");
	test_deletion("quay");
	test_deletion("told");
	test_no_scope();
	test_flight();
	transport_stop(transport);
	transport_free(transport);
	certs_free(certs);
	keyring_free(keyring);
	stop_server();
	temporary_remove();
	return done();
}
