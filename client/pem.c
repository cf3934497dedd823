#include "client/pem.h"

#include "cache/base/scope.h"
#include "client/logins.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

static void bio_freep(BIO **bio)
{
	BIO_free(*bio);
}

static void x509_freep(X509 **certificate)
{
	X509_free(*certificate);
}

static void pkey_freep(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

/* There is nobody to ask for a passphrase. */
static int no_passphrase(char *text, int size, int is_writing, void *of)
{
	(void)text, (void)size, (void)is_writing, (void)of;
	return -1;
}

static X509 *read_certificate(const struct buf *text)
{
	scoped(bio_freep) BIO *bio = BIO_new_mem_buf(buf_text(text), (int)text->len);
	X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, no_passphrase, NULL) : NULL;

	ERR_clear_error();
	return certificate;
}

int pem_add_certificates(struct buf *pem, const char *path, struct error *err)
{
	scoped(buf_freep) struct buf text = BUF_INIT(PEM_FILE_MAX);
	scoped(x509_freep) X509 *certificate = NULL;
	int r = logins_read(path, &text, err);

	if (r < 0)
		return r;
	certificate = read_certificate(&text);
	if (!certificate)
		return fail(err, EINVAL, "%s holds no certificate (PEM)", path);
	r = buf_append(pem, buf_text(&text), text.len);
	if (r == 0)
		r = buf_add_char(pem, '\n');
	return r < 0 ? fail(err, -r, "there are too many certificates with %s", path) : 0;
}

int pem_check_pair(const char *certificate, const char *key, struct error *err)
{
	scoped(buf_freep) struct buf text = BUF_INIT(PEM_FILE_MAX);
	scoped(buf_wipep) struct buf secret = BUF_INIT(PEM_FILE_MAX);
	scoped(x509_freep) X509 *shown = NULL;
	scoped(pkey_freep) EVP_PKEY *pkey = NULL;
	scoped(bio_freep) BIO *bio = NULL;
	int r = logins_read(certificate, &text, err);

	if (r == 0)
		r = logins_read(key ? key : certificate, &secret, err);
	if (r < 0)
		return r;
	shown = read_certificate(&text);
	if (!shown)
		return fail(err, EINVAL, "%s holds no certificate (PEM)", certificate);
	bio = BIO_new_mem_buf(buf_text(&secret), (int)secret.len);
	pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) : NULL;
	ERR_clear_error();
	if (!pkey)
		return fail(err, EINVAL, "%s holds no private key (PEM, without a passphrase)",
			key ? key : certificate);
	if (X509_check_private_key(shown, pkey) == 1)
		return 0;
	ERR_clear_error();
	return fail(err, EINVAL, "the key %s is not the one of the certificate %s",
		key ? key : certificate, certificate);
}
