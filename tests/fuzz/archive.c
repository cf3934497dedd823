/* Archives in memory: every entry is read, half of them by small pieces. */
#include "client/archive.h"

#include <errno.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct archive *archive = archive_open_memory(data, size);
	struct archive_entry entry;
	struct error err = {0};
	unsigned count = 0;
	int r;

	while ((r = archive_next(archive, &entry, &err)) > 0 &&
		archive_unpacked(archive) < (4U << 20) && entry.data_size < (4 << 20)) {
		char piece[100];
		ssize_t got = 0;

		if (count++ % 2)
			got = archive_skip(archive, &err);
		else
			while ((got = archive_read(archive, piece, sizeof(piece), &err)) > 0)
				continue;
		if (got < 0)
			break;
	}
	if (r < 0 && (err.code != -r || !*err.text))
		abort();
	archive_close(archive);
	return 0;
}
