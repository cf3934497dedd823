/* Which certificates are trusted, parsed once: a system's 140 cost 30 ms and 3 MB, which by curl's
 * own means every connection would pay. The transport thread's alone. */
#include "cache/base/log.h"
#include "cache/base/memory.h"
#include "cache/base/scope.h"
#include "cache/digest.h"
#include "client/transport_private.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

struct trust {
	struct trust *next;
	struct digest digest; /* of the certificates' text; of nothing for the system's */
	X509_STORE *store;
};

/* curl knows where its builder's system keeps them. Two places may hold different ones. */
static void add_system(X509_STORE *store)
{
	const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
	bool has_some = false;

	if (info->cainfo && access(info->cainfo, R_OK) == 0)
		has_some = X509_STORE_load_file(store, info->cainfo) == 1;
	if (info->capath && access(info->capath, R_OK) == 0)
		has_some |= X509_STORE_load_path(store, info->capath) == 1;
	if (!has_some && X509_STORE_set_default_paths(store) != 1)
		log_warn("the system's certificates cannot be read");
}

static void add_texts(X509_STORE *store, const char *text, size_t len)
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	X509 *certificate;

	while (bio && (certificate = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL))) {
		X509_STORE_add_cert(store, certificate);
		X509_free(certificate);
	}
	BIO_free(bio);
	ERR_clear_error(); /* the end of the texts is one */
}

/* NULL for want of memory. */
static X509_STORE *find_store(struct trust **trusts, const struct tls_settings *tls)
{
	bool is_system = !tls || !tls->ca;
	struct digest digest = is_system ? digest_of("", 0) : digest_of(tls->ca, tls->ca_len);
	struct trust *trust;
	X509_STORE *store;

	for (trust = *trusts; trust; trust = trust->next)
		if (digest_equal(&trust->digest, &digest))
			return trust->store;
	store = X509_STORE_new();
	if (!store)
		return NULL;
	X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
	if (is_system)
		add_system(store);
	else
		add_texts(store, tls->ca, tls->ca_len);
	trust = must_alloc(sizeof(*trust));
	*trust = (struct trust){.next = *trusts, .digest = digest, .store = store};
	*trusts = trust;
	return store;
}

CURLcode trust_use(CURL *easy, void *context, void *of)
{
	struct transfer *transfer = of;
	X509_STORE *store =
		find_store(transport_trusts(transfer->transport), transfer->request->tls);

	(void)easy;
	if (!store)
		return CURLE_OUT_OF_MEMORY;
	SSL_CTX_set1_cert_store(context, store);
	return CURLE_OK;
}

void trust_free_all(struct trust *trusts)
{
	while (trusts) {
		struct trust *next = trusts->next;

		X509_STORE_free(trusts->store);
		free(trusts);
		trusts = next;
	}
}
