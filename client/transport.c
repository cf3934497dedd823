#include "client/transport.h"

#include "cache/base/clock.h"
#include "cache/base/map.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "client/transport_private.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <strings.h>

struct transport {
	int64_t timeout_ms;
	CURLM *multi;
	pthread_t thread;
	bool is_started;
	pthread_mutex_t lock;
	struct list submitted; /* guarded by lock */
	bool some_cancelled;   /* guarded by lock */
	bool is_stopped;       /* guarded by lock */
	struct list running;   /* the thread's */
	struct map origins;    /* the thread's */
	struct trust *trusts;  /* the thread's */
	size_t active;         /* the thread's: waiting and running */
	int64_t last_sweep_ms; /* the thread's */
};

static void transfer_end(struct transfer *transfer)
{
	struct transport *transport = transfer->transport;

	pthread_mutex_lock(&transport->lock);
	transfer->is_ended = true;
	pthread_cond_signal(&transfer->changed);
	pthread_mutex_unlock(&transport->lock);
}

static void end_over(struct transfer *transfer)
{
	transfer->err.code = 0;
	failure_set(transfer, FAILURE_OVER, EINTR, "interrupted while waiting for %s",
		transfer->url.host);
}

/* Takes it out of wherever it is; its error is set, or it is done. */
static void finish(struct transfer *transfer)
{
	struct transport *transport = transfer->transport;

	list_remove(&transfer->link);
	transport->active--;
	if (transfer->easy) {
		curl_multi_remove_handle(transport->multi, transfer->easy);
		transfer->origin->running--;
	}
	transport_handle_close(transfer);
	transfer_end(transfer);
}

static void finish_done(struct transfer *transfer, CURLcode code)
{
	struct response *response = transfer->response;
	long status = 0, connects = 0, version = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
	curl_easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
	if (version == CURL_HTTP_VERSION_2_0)
		transfer->origin->speaks_http2 = true;
	response->was_reused = connects == 0;
	if (code == CURLE_WRITE_ERROR && transfer->body_is_cut)
		code = CURLE_OK;
	if (code != CURLE_OK)
		failure_describe(transfer, code);
	else
		response->status = (int)status;
	finish(transfer);
}

static void collect_done(struct transport *transport)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(transport->multi, &left))) {
		struct transfer *transfer = NULL;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
		finish_done(transfer, code);
	}
}

static void start(struct transfer *transfer)
{
	struct transport *transport = transfer->transport;

	list_remove(&transfer->link);
	list_append(&transport->running, &transfer->link);
	transfer->progress_ms = clock_now_ms();
	transfer->origin->running++;
	if (transport_handle_open(transfer, &transfer->err) < 0 ||
		curl_multi_add_handle(transport->multi, transfer->easy) != CURLM_OK) {
		if (!transfer->err.code)
			fail(&transfer->err, ENOMEM, "no memory for a transfer");
		transfer->response->failure = FAILURE_LOCAL;
		if (!transfer->easy)
			transfer->origin->running--;
		finish(transfer);
	}
}

static void start_waiting(struct transport *transport)
{
	map_for_each (entry, &transport->origins) {
		struct origin *origin = entry->value;

		list_for_each (link, &origin->waiting) {
			if (origin->running >= TRANSPORT_PER_ORIGIN)
				break;
			start(list_entry(link, struct transfer, link));
		}
	}
}

static struct origin *origin_of(struct transport *transport, const struct url *url)
{
	char name[URL_HOST_SIZE + 32];
	struct origin *origin;

	snprintf(name, sizeof(name), "%s %s %u", url->is_https ? "https" : "http", url->host,
		url->port);
	origin = map_get(&transport->origins, name);
	if (!origin) {
		if (transport->origins.count >= TRANSPORT_ORIGINS && !transport->active)
			map_clear(&transport->origins, free);
		origin = must_alloc(sizeof(*origin));
		list_init(&origin->waiting);
		map_put(&transport->origins, name, origin);
	}
	return origin;
}

/* Moves what was submitted to the queues of its origins. Returns whether the thread goes on. */
static bool admit_submitted(struct transport *transport, bool *sweep)
{
	struct list admitted = LIST_INIT(admitted);
	bool goes_on;

	pthread_mutex_lock(&transport->lock);
	list_for_each (link, &transport->submitted) {
		list_remove(link);
		list_append(&admitted, link);
	}
	*sweep = transport->some_cancelled || transport->is_stopped;
	transport->some_cancelled = false;
	goes_on = !transport->is_stopped;
	pthread_mutex_unlock(&transport->lock);
	list_for_each (link, &admitted) {
		struct transfer *transfer = list_entry(link, struct transfer, link);

		list_remove(link);
		transfer->origin = origin_of(transport, &transfer->url);
		list_append(&transfer->origin->waiting, link);
		transport->active++;
	}
	return goes_on;
}

static bool is_late(struct transfer *transfer, int64_t now_ms)
{
	int64_t since_ms = transfer->progress_ms;

	if (!transfer->easy && transfer->origin->progress_ms > since_ms)
		since_ms = transfer->origin->progress_ms;
	if (now_ms - since_ms < transfer->transport->timeout_ms)
		return false;
	failure_describe(transfer, CURLE_OPERATION_TIMEDOUT);
	return true;
}

static void sweep_list(struct transport *transport, struct list *list, int64_t now_ms)
{
	list_for_each (link, list) {
		struct transfer *transfer = list_entry(link, struct transfer, link);
		bool is_over;

		pthread_mutex_lock(&transport->lock);
		is_over = transfer->is_cancelled || transport->is_stopped;
		pthread_mutex_unlock(&transport->lock);
		if (transfer->easy && transport_handle_drains(transfer))
			transfer->progress_ms = now_ms;
		if (is_over)
			end_over(transfer);
		if (is_over || is_late(transfer, now_ms))
			finish(transfer);
	}
}

/* Ends what nobody waits for any more, and what has not moved for too long. */
static void sweep_all(struct transport *transport, bool at_once)
{
	int64_t now_ms = clock_now_ms();

	if (!at_once && now_ms - transport->last_sweep_ms < WAIT_STEP_MS)
		return;
	transport->last_sweep_ms = now_ms;
	sweep_list(transport, &transport->running, now_ms);
	map_for_each (entry, &transport->origins)
		sweep_list(transport, &((struct origin *)entry->value)->waiting, now_ms);
}

static void *transport_loop(void *of)
{
	struct transport *transport = of;
	bool goes_on = true, sweep = false;
	int running;

	while (goes_on) {
		goes_on = admit_submitted(transport, &sweep);
		if (goes_on)
			start_waiting(transport);
		curl_multi_perform(transport->multi, &running);
		collect_done(transport);
		sweep_all(transport, sweep);
		if (goes_on && (!transport->active || running))
			curl_multi_poll(transport->multi, NULL, 0,
				transport->active ? WAIT_STEP_MS : 3600 * 1000, NULL);
	}
	return NULL;
}

struct transport *transport_new(int64_t timeout_ms, struct error *err)
{
	struct transport *transport;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		fail(err, EIO, "libcurl cannot be started");
		return NULL;
	}
	transport = must_alloc(sizeof(*transport));
	transport->timeout_ms = timeout_ms;
	pthread_mutex_init(&transport->lock, NULL);
	list_init(&transport->submitted);
	list_init(&transport->running);
	return transport;
}

int transport_start(struct transport *transport, struct error *err)
{
	sigset_t all, before;
	int r;

	transport->multi = curl_multi_init();
	if (!transport->multi)
		return fail(err, ENOMEM, "no memory for libcurl");
	curl_multi_setopt(transport->multi, CURLMOPT_MAXCONNECTS, (long)TRANSPORT_KEPT);
	sigfillset(&all); /* signals are for the program's other threads; SIGPIPE for none */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&transport->thread, NULL, transport_loop, transport);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		return fail(err, r, "cannot start the thread for transfers");
	transport->is_started = true;
	return 0;
}

void transport_stop(struct transport *transport)
{
	pthread_mutex_lock(&transport->lock);
	transport->is_stopped = true;
	pthread_mutex_unlock(&transport->lock);
	if (transport->is_started)
		curl_multi_wakeup(transport->multi);
}

void transport_free(struct transport *transport)
{
	if (!transport)
		return;
	transport_stop(transport);
	if (transport->is_started)
		pthread_join(transport->thread, NULL);
	if (transport->multi)
		curl_multi_cleanup(transport->multi);
	trust_free_all(transport->trusts);
	map_clear(&transport->origins, free);
	pthread_mutex_destroy(&transport->lock);
	free(transport);
	curl_global_cleanup();
}

void transport_freep(struct transport **transport)
{
	transport_free(*transport);
}

int64_t transport_timeout_ms(const struct transport *transport)
{
	return transport->timeout_ms;
}

struct trust **transport_trusts(struct transport *transport)
{
	return &transport->trusts;
}

/* What stands behind a line end would be a header of its own. */
static bool has_line_end(const char *authorization)
{
	return authorization && strpbrk(authorization, "\r\n");
}

struct transfer *transport_submit(
	struct transport *transport, const struct request *request, struct response *response)
{
	struct transfer *transfer = must_alloc(sizeof(*transfer));
	bool is_queued = false;

	*response = (struct response){.url = must_copy(request->url),
		.headers = BUF_INIT(TRANSPORT_HEADERS),
		.body = BUF_INIT(request->limit > TRANSPORT_ERROR_BODY ? request->limit
								       : TRANSPORT_BODY_DEFAULT)};
	transfer->transport = transport;
	transfer->request = request;
	transfer->response = response;
	transfer->progress_ms = clock_now_ms();
	list_init(&transfer->link);
	wait_condition_init(&transfer->changed);
	if (!url_parse(response->url, &transfer->url)) {
		failure_set(transfer, FAILURE_PROTOCOL, EIO, "this is no address of http or https");
		transfer->is_ended = true;
		return transfer;
	}
	if (has_line_end(request->authorization)) {
		failure_set(transfer, FAILURE_LOCAL, EACCES,
			"the credentials for %s hold a line end, and were not sent: log in again",
			transfer->url.host);
		transfer->is_ended = true;
		return transfer;
	}
	transfer->proxy = transport_proxy(&transfer->url);
	pthread_mutex_lock(&transport->lock);
	if (!transport->is_stopped && transport->is_started) {
		list_append(&transport->submitted, &transfer->link);
		is_queued = true;
	}
	pthread_mutex_unlock(&transport->lock);
	if (is_queued) {
		curl_multi_wakeup(transport->multi);
	} else {
		end_over(transfer);
		transfer->is_ended = true;
	}
	return transfer;
}

static void wait_for_end(struct transfer *transfer, const struct wait *wait)
{
	struct transport *transport = transfer->transport;

	pthread_mutex_lock(&transport->lock);
	while (!transfer->is_ended) {
		if (wait_step(wait, &transfer->changed, &transport->lock, 0) == 0)
			continue;
		transfer->is_cancelled = true;
		transport->some_cancelled = true;
		curl_multi_wakeup(transport->multi);
		wait = NULL; /* the thread ends it soon */
	}
	pthread_mutex_unlock(&transport->lock);
}

int transport_wait(struct transfer *transfer, const struct wait *wait, struct error *err)
{
	int code;

	wait_for_end(transfer, wait);
	code = transfer->response->failure == FAILURE_NONE ? 0 : transfer->err.code;
	if (code)
		*err = transfer->err;
	pthread_cond_destroy(&transfer->changed);
	free(transfer);
	return -code;
}

int transport_run(struct transport *transport, const struct request *request,
	struct response *response, const struct wait *wait, struct error *err)
{
	return transport_wait(transport_submit(transport, request, response), wait, err);
}

const char *response_header(const struct response *response, const char *name, size_t i)
{
	size_t name_len = strlen(name);
	const char *end = buf_text(&response->headers) + response->headers.len;

	for (const char *line = buf_text(&response->headers); line < end;
		line += strlen(line) + 1) {
		if (strncasecmp(line, name, name_len) != 0 || line[name_len] != ':' || i-- > 0)
			continue;
		line += name_len + 1;
		return line + strspn(line, " \t");
	}
	return NULL;
}

void response_clear(struct response *response)
{
	buf_clear(&response->headers);
	buf_clear(&response->body);
	free(response->url);
	*response = (struct response){0};
}

void response_clearp(struct response *response)
{
	response_clear(response);
}
