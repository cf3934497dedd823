/* Runs the harness it is linked with over the files given as arguments. Each input lies in a heap
 * block of exactly its size, so that sanitizers and valgrind see a read past its end. */
#include "cache/base/scope.h"
#include "tests/fuzz/fuzz.h"

static int replay(const char *path)
{
	scoped(fclosep) FILE *file = fopen(path, "rb");
	scoped(freep) uint8_t *bytes = NULL;
	long size;

	if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
		perror(path);
		return -1;
	}
	rewind(file);
	bytes = malloc((size_t)size);
	if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size) {
		perror(path);
		return -1;
	}
	LLVMFuzzerTestOneInput(bytes, (size_t)size);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: %s FILE...\n", argv[0]);
		return 2;
	}
	for (int i = 1; i < argc; i++)
		if (replay(argv[i]) < 0)
			return EXIT_FAILURE;
	printf("%s: %d inputs\n", argv[0], argc - 1);
	return EXIT_SUCCESS;
}
