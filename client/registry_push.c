/* The order of a push: blobs side by side, then the manifest, the one step that others see. */
#include "cache/base/clock.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/manifest.h"
#include "client/registry_private.h"
#include "client/retry.h"
#include "client/url.h"

#include <string.h>

enum { UPLOAD_TRIES = 4 };

/* One blob on its way. */
struct upload_state {
	const struct upload *upload;
	char digest[DIGEST_TEXT_SIZE];
	char *head_path, *post_path;
	struct exchange head, post, put;
	struct buf location; /* where the PUT goes */
	bool is_there;       /* the registry has it */
};

static void upload_clear(struct upload_state *state)
{
	exchange_clear(&state->head);
	exchange_clear(&state->post);
	exchange_clear(&state->put);
	buf_clear(&state->location);
	free(state->head_path);
	free(state->post_path);
}

static void upload_prepare(
	struct upload_state *state, const char *repository, const struct upload *upload)
{
	struct scope push = {repository, "pull,push"};

	digest_print(&upload->digest, state->digest);
	state->upload = upload;
	state->head_path = must_print("/v2/%s/blobs/%s", repository, state->digest);
	state->post_path = must_print("/v2/%s/blobs/uploads/", repository);
	state->location = (struct buf)BUF_INIT(EXCHANGE_URL_SIZE);
	state->head =
		(struct exchange){.method = "HEAD", .path = state->head_path, .scopes = {push}};
	state->post = (struct exchange){.method = "POST",
		.path = state->post_path,
		.body = {.is_set = true, .bytes = ""},
		.scopes = {push}};
	state->put = (struct exchange){.method = "PUT",
		.headers = {"Content-Type: application/octet-stream"},
		.body = {.is_set = true,
			.bytes = upload->bytes,
			.fd = upload->fd,
			.size = upload->size},
		.is_once = true,
		.scopes = {push}};
	if (!upload->size)
		state->put.body.bytes = "";
}

/* From the answer to the POST: where the bytes go. Kept byte for byte. */
static int read_location(struct registry *registry, struct upload_state *state, struct error *err)
{
	const struct response *response = &state->post.response;
	const char *location = response_header(response, "Location", 0);
	scoped(buf_freep) struct buf target = BUF_INIT(EXCHANGE_URL_SIZE);
	int r;

	if (!location)
		return fail(err, EIO, "%s opened an upload without saying where",
			registry_host(registry));
	r = url_resolve(response->url, location, &target, err);
	if (r < 0)
		return r;
	buf_clear(&state->location);
	if (url_restore_scheme(response->url, buf_text(&target), &state->location) < 0 ||
		url_add_parameter(&state->location, "digest", state->digest) < 0)
		return fail(err, EIO, "the address of an upload is too long");
	state->put.path = buf_text(&state->location);
	return 0;
}

/* The answer to the POST. */
static int finish_post(struct registry *registry, const char *repository,
	struct upload_state *state, const struct wait *wait, struct error *err)
{
	int r = exchange_finish(registry->endpoint, &state->post, wait, err);

	if (r < 0)
		return registry_refused(registry, &state->post.response, repository, err);
	if (state->post.response.status == 202)
		return read_location(registry, state, err);
	return registry_fail(err, registry, STATUS_OF_PUSH, &state->post.response, repository);
}

/* Whether the PUT failed in a way that another upload session may mend. */
static bool is_worth_another(int r, const struct exchange *put)
{
	int status = put->response.status;

	if (r < 0)
		return put->response.failure == FAILURE_BROKEN;
	return retry_is_passing(status) || status == 404 || status == 416;
}

static int finish_put(struct registry *registry, const char *repository, struct upload_state *state,
	const struct wait *wait, struct error *err)
{
	int r = exchange_finish(registry->endpoint, &state->put, wait, err);
	int status = state->put.response.status;

	if (r < 0)
		return r;
	if (status == 201 || status == 200 || status == 204) {
		state->is_there = true;
		return 0;
	}
	return registry_fail(err, registry, STATUS_OF_PUSH, &state->put.response, repository);
}

/* After a failed PUT: the whole upload once more, from the POST, because what became of the first
 * session cannot be known. */
static int upload_again(struct registry *registry, const char *repository,
	struct upload_state *state, const struct wait *wait, struct error *err)
{
	struct endpoint *endpoint = registry->endpoint;
	int64_t end_ms = clock_now_ms() + endpoint_timeout_ms(endpoint);
	int r = -EIO;

	for (unsigned i = 0; i < UPLOAD_TRIES; i++) {
		int64_t delay_ms = state->put.response.status
					   ? retry_delay_of_answer(&state->put.response, i)
					   : retry_delay_of_failure(FAILURE_BROKEN, true, i);

		if (delay_ms < 0)
			delay_ms = 0; /* a session that is gone: no reason to wait */
		if (clock_now_ms() + delay_ms > end_ms)
			return -err->code;
		if (wait_sleep(wait, delay_ms) < 0)
			return fail(err, EINTR, "interrupted in an upload");
		exchange_reset(&state->post);
		exchange_start(endpoint, &state->post, wait);
		r = finish_post(registry, repository, state, wait, err);
		if (r < 0)
			return r;
		exchange_reset(&state->put);
		exchange_start(endpoint, &state->put, wait);
		r = finish_put(registry, repository, state, wait, err);
		if (r == 0 || !is_worth_another(state->put.response.status ? 0 : r, &state->put))
			return r;
	}
	return r;
}

/* A HEAD of the tag that goes beside the uploads. */
struct tag_question {
	char *path;
	struct exchange head;
};

static void tag_question_clear(struct tag_question *question)
{
	exchange_clear(&question->head);
	free(question->path);
}

static int finish_tag(struct registry *registry, const char *repository, const char *tag,
	struct tag_question *question, bool *found, struct digest *digest, const struct wait *wait,
	struct error *err)
{
	struct response *response = &question->head.response;
	const char *text;
	int r = exchange_finish(registry->endpoint, &question->head, wait, err);

	*found = false;
	if (r < 0)
		return r;
	text = response_header(response, "Docker-Content-Digest", 0);
	if (response->status == 200 && text && digest_parse(digest, text, strlen(text))) {
		*found = true;
		return 0;
	}
	if (response->status == 404)
		return 0;
	r = registry_head_manifest(registry, repository, tag, digest, wait, err);
	*found = r == 0;
	return r == -ENOENT ? 0 : r;
}

/* Starts what goes out first. All of it is finished later, come what may. */
static void start_all(struct registry *registry, struct upload_state *states, size_t count,
	struct tag_question *question, const struct wait *wait)
{
	for (size_t i = 0; i < count; i++) {
		exchange_start(registry->endpoint, &states[i].head, wait);
		exchange_start(registry->endpoint, &states[i].post, wait);
	}
	if (question->path)
		exchange_start(registry->endpoint, &question->head, wait);
}

/* Keeps the first failure. */
static void keep(int r, const struct error *err, int *first, struct error *first_err)
{
	if (r < 0 && *first == 0) {
		*first = r;
		*first_err = *err;
	}
}

/* HEADs and POSTs of all; then what the registry lacks is on its way. */
static int open_uploads(struct registry *registry, const char *repository,
	struct upload_state *states, size_t count, const struct wait *wait, struct error *err)
{
	struct error failure = {0};
	int r, first = 0;

	for (size_t i = 0; i < count; i++) {
		struct upload_state *state = &states[i];

		r = exchange_finish(registry->endpoint, &state->head, wait, &failure);
		if (r == 0) /* what else a HEAD may say, the upload will tell */
			state->is_there =
				state->head.response.status == 200 ||
				(state->head.was_redirected && state->head.response.status == 403);
		keep(r, &failure, &first, err);
		r = finish_post(registry, repository, state, wait, &failure);
		if (!state->is_there)
			keep(r, &failure, &first, err);
	}
	return first;
}

static int send_uploads(struct registry *registry, const char *repository,
	struct upload_state *states, size_t count, const struct wait *wait, struct error *err)
{
	struct error failure = {0};
	int r, first = 0;

	for (size_t i = 0; i < count; i++)
		if (!states[i].is_there)
			exchange_start(registry->endpoint, &states[i].put, wait);
	for (size_t i = 0; i < count; i++) {
		if (states[i].is_there)
			continue;
		r = finish_put(registry, repository, &states[i], wait, &failure);
		if (r < 0 && first == 0 &&
			is_worth_another(states[i].put.response.status ? 0 : r, &states[i].put))
			r = upload_again(registry, repository, &states[i], wait, &failure);
		keep(r, &failure, &first, err);
	}
	return first;
}

int registry_push_blobs(struct registry *registry, const char *repository,
	const struct upload *uploads, size_t count, const char *tag, bool *tag_found,
	struct digest *tag_digest, const struct wait *wait, struct error *err)
{
	scoped(freep) struct upload_state *states = must_alloc(count * sizeof(*states) + 1);
	struct tag_question question = {0};
	struct error failure = {0};
	int r, tag_r = 0;

	for (size_t i = 0; i < count; i++)
		upload_prepare(&states[i], repository, &uploads[i]);
	if (tag) {
		question.path = must_print("/v2/%s/manifests/%s", repository, tag);
		question.head = (struct exchange){.method = "HEAD",
			.path = question.path,
			.headers = {"Accept: " MANIFEST_ACCEPT},
			.scopes = {{repository, "pull,push"}}};
	}
	start_all(registry, states, count, &question, wait);
	r = open_uploads(registry, repository, states, count, wait, err);
	if (tag)
		tag_r = finish_tag(registry, repository, tag, &question, tag_found, tag_digest,
			wait, &failure);
	if (r == 0)
		r = send_uploads(registry, repository, states, count, wait, err);
	keep(tag_r, &failure, &r, err);
	for (size_t i = 0; i < count; i++)
		upload_clear(&states[i]);
	tag_question_clear(&question);
	if (r < 0)
		return fail_within(err, "push to %s/%s", registry_host(registry), repository);
	return 0;
}

/* Whether the tag means our manifest by now. */
static bool is_published(struct registry *registry, const char *repository, const char *tag,
	const struct digest *digest)
{
	struct error ignored = {0};
	struct digest found;

	return registry_head_manifest(registry, repository, tag, &found, NULL, &ignored) == 0 &&
	       digest_equal(&found, digest);
}

/* One PUT. 1: its answer was lost. */
static int put_once(struct registry *registry, const char *repository, struct exchange *put,
	const struct digest *digest, struct error *err)
{
	const struct response *response = &put->response;
	const char *named;
	struct digest theirs;
	int r = exchange_run(registry->endpoint, put, NULL, err);

	if (r < 0)
		return response->failure == FAILURE_BROKEN || response->failure == FAILURE_TIMEOUT
			       ? 1
			       : r;
	if (response->status != 201 && response->status != 200 && response->status != 202)
		return registry_fail(err, registry, STATUS_OF_PUSH, response, repository);
	named = response_header(response, "Docker-Content-Digest", 0);
	if (named && digest_parse(&theirs, named, strlen(named)) && !digest_equal(&theirs, digest))
		return fail(err, EIO, "%s stored other bytes than it was sent (%s)",
			registry_host(registry), named);
	return 0;
}

int registry_put_manifest(struct registry *registry, const char *repository, const char *tag,
	const void *bytes, size_t len, const char *media_type, const struct wait *wait,
	struct error *err)
{
	scoped(freep) char *path = must_print("/v2/%s/manifests/%s", repository, tag);
	scoped(freep) char *type = must_print("Content-Type: %s", media_type);
	scoped(exchange_clearp) struct exchange put = {.method = "PUT",
		.path = path,
		.headers = {type},
		.body = {.is_set = true, .bytes = bytes, .size = len},
		.scopes = {{repository, "pull,push"}},
		.keeps_lost = true};
	struct digest digest = digest_of(bytes, len);
	struct error failure = {0};
	int r;

	if (wait_is_over(wait))
		return fail(err, EINTR, "interrupted before the manifest was sent");
	r = put_once(registry, repository, &put, &digest, &failure);
	if (r != 0 && (r == 1 || put.attempts > 1) &&
		is_published(registry, repository, tag, &digest))
		return 0;
	if (r == 1) { /* it did not arrive: that may be mended */
		exchange_reset(&put);
		r = put_once(registry, repository, &put, &digest, &failure);
		if (r == 1)
			r = is_published(registry, repository, tag, &digest) ? 0 : -failure.code;
	}
	if (r == 0)
		return 0;
	*err = failure;
	return fail_within(err, "push of %s/%s:%s", registry_host(registry), repository, tag);
}

int registry_mount_blob(struct registry *registry, const char *repository, const char *from,
	const struct digest *digest, const struct wait *wait, struct error *err)
{
	char text[DIGEST_TEXT_SIZE];
	scoped(freep) char *path = NULL;
	int r;

	if (endpoint_quirks(registry->endpoint)->lacks & QUIRKS_NO_MOUNT)
		return fail(err, ENOTSUP, "%s mounts no blobs", registry_host(registry));
	digest_print(digest, text);
	path = must_print("/v2/%s/blobs/uploads/?mount=%s&from=%s", repository, text, from);
	scoped(exchange_clearp) struct exchange post = {.method = "POST",
		.path = path,
		.body = {.is_set = true, .bytes = ""},
		.scopes = {{repository, "pull,push"}, {from, "pull"}}};
	r = exchange_run(registry->endpoint, &post, wait, err);
	if (r < 0 && r != -EACCES)
		return fail_within(err, "push to %s/%s", registry_host(registry), repository);
	if (r == 0 && post.response.status == 201)
		return 0;
	return fail(err, ENOTSUP, "%s does not mount blobs from %s", registry_host(registry), from);
}
