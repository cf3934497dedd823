#include "cache/base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Makes room for `more` bytes and the NUL. Moves by hand: realloc could leave a secret behind. */
static int grow(struct buf *buf, size_t more)
{
	size_t need, size;
	char *at;

	if (more > buf->limit || buf->len > buf->limit - more) {
		buf_wipe(buf);
		return -EFBIG;
	}
	need = buf->len + more + 1;
	if (need <= buf->size)
		return 0;
	size = buf->size < 64 ? 64 : buf->size;
	while (size < need)
		size *= 2;
	if (size > buf->limit + 1)
		size = buf->limit + 1;
	at = malloc(size);
	if (!at) {
		buf_wipe(buf);
		return -ENOMEM;
	}
	if (buf->at) {
		memcpy(at, buf->at, buf->len);
		explicit_bzero(buf->at, buf->len);
		free(buf->at);
	}
	buf->at = at;
	buf->size = size;
	return 0;
}

int buf_append(struct buf *buf, const void *bytes, size_t len)
{
	int r = grow(buf, len);

	if (r < 0)
		return r;
	if (len)
		memcpy(buf->at + buf->len, bytes, len);
	buf->len += len;
	buf->at[buf->len] = '\0';
	return 0;
}

int buf_add(struct buf *buf, const char *text)
{
	return buf_append(buf, text, strlen(text));
}

int buf_add_char(struct buf *buf, char c)
{
	return buf_append(buf, &c, 1);
}

int buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args, again;
	int len, r;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	r = len < 0 ? -EINVAL : grow(buf, (size_t)len);
	if (r == 0) {
		vsnprintf(buf->at + buf->len, (size_t)len + 1, format, again);
		buf->len += (size_t)len;
	}
	va_end(again);
	return r;
}

const char *buf_text(const struct buf *buf)
{
	return buf->at ? buf->at : "";
}

void buf_clear(struct buf *buf)
{
	free(buf->at);
	*buf = (struct buf)BUF_INIT(buf->limit);
}

void buf_wipe(struct buf *buf)
{
	if (buf->at)
		explicit_bzero(buf->at, buf->len);
	buf_clear(buf);
}

void buf_wipep(struct buf *buf)
{
	buf_wipe(buf);
}

void buf_freep(struct buf *buf)
{
	int saved = errno;

	buf_clear(buf);
	errno = saved;
}
