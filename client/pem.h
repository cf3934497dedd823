#pragma once
/* Files of certificates and keys (PEM, RFC 7468), as far as they can be judged before they are
 * used. */
#include "cache/base/buf.h"
#include "cache/base/error.h"

enum { PEM_FILE_MAX = 16 << 20 };

/* Appends a file's text, and a line end. -errno where it cannot be read; EINVAL where it holds no
 * certificate. */
int pem_add_certificates(struct buf *pem, const char *path, struct error *err);

/* Whether a client can show this certificate: both can be read, and the key is the certificate's.
 * `key` NULL: it is in the same file. EINVAL, or -errno. A key behind a passphrase cannot be used.
 */
int pem_check_pair(const char *certificate, const char *key, struct error *err);
