/* The texts of a chart: the input is Chart.yaml, and behind a NUL requirements.yaml; also values,
 * a lock and a provenance file. What is accepted is encoded. */
#include "client/chart.h"
#include "client/chart_metadata.h"
#include "client/chart_values.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chart_arena arena = CHART_ARENA_INIT(32 << 20);
	struct chart_metadata metadata = {0};
	struct buf config = BUF_INIT(32 << 20);
	struct error err = {0};
	struct digest digest = {{0}};
	char *text = malloc(size + 1);
	size_t first;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	first = strlen(text);
	if (chart_metadata_decode(&metadata, &arena, text, first, &err) == 0 &&
		(first == size || chart_metadata_decode(&metadata, &arena, text + first + 1,
					  size - first - 1, &err) == 0) &&
		chart_metadata_validate(&metadata, &arena, &err) == 0)
		chart_metadata_encode(&metadata, &config);
	chart_values_check(text, size, &err);
	chart_metadata_check_lock(text, size, &err);
	chart_check_provenance(text, size, &digest, &err);
	buf_clear(&config);
	chart_arena_clear(&arena);
	free(text);
	return 0;
}
