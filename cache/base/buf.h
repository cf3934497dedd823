#pragma once
/*
 * A growing run of bytes that cannot be made without a limit, because its size usually comes from
 * somebody else. A NUL always stands behind the last byte. A failed append releases everything
 * and leaves an empty buffer, so that a forgotten check cannot use half a text.
 */
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *at; /* NULL until the first append */
	size_t len;
	size_t size;
	size_t limit; /* most bytes that len may reach */
};

#define BUF_INIT(most)                                                                             \
	{                                                                                          \
		.limit = (most)                                                                    \
	}

/* Each returns 0, -EFBIG past the limit or -ENOMEM. */
int buf_append(struct buf *buf, const void *bytes, size_t len);
int buf_add(struct buf *buf, const char *text);
int buf_add_char(struct buf *buf, char c);
int buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text, never NULL ("" for an empty buffer); owned by the buffer. */
const char *buf_text(const struct buf *buf);

/* Drops the bytes; the limit stays. */
void buf_clear(struct buf *buf);

/* buf_clear() for secrets: the bytes are overwritten first. */
void buf_wipe(struct buf *buf);

/* For scoped(). */
void buf_wipep(struct buf *buf);
void buf_freep(struct buf *buf);
