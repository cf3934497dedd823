/*
 * Prints what chartfs would push for each archive named on the command line, or on standard input
 * one a line: FILE, a tab, and the manifest's digest, or "refused" and the reason. FILE.prov, where
 * it exists, becomes a layer. With -v config and manifest are printed first.
 */
#include "cache/base/scope.h"
#include "client/chart.h"
#include "client/reference.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static bool is_verbose;

/* What `helm push` asks of a chart beyond that it can be loaded: its name and version are the end
 * of a reference. */
static int check_reference(const struct chart *chart, struct error *err)
{
	char tag[REFERENCE_TAG_MAX + 1];

	if (!reference_is_component(chart_name(chart)))
		return fail(err, EINVAL, "\"%s\" names no repository", chart_name(chart));
	if (!reference_tag_of_version(chart_version(chart), tag))
		return fail(err, EINVAL, "\"%s\" is no tag", chart_version(chart));
	return 0;
}

static int make_manifest(const char *path, struct buf *manifest, struct error *err)
{
	char provenance_path[4096];
	struct chart_blob archive, provenance;
	scoped(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	scoped(closep) int provenance_fd = -1;
	scoped(chart_freep) struct chart *chart = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_errno(err, "%s", path);
	chart = chart_load(fd, err);
	if (!chart || check_reference(chart, err) < 0)
		return -err->code;
	digest_of_file(fd, &archive.digest, &archive.size);
	snprintf(provenance_path, sizeof(provenance_path), "%s.prov", path);
	provenance_fd = open(provenance_path, O_RDONLY | O_CLOEXEC);
	if (provenance_fd >= 0)
		digest_of_file(provenance_fd, &provenance.digest, &provenance.size);
	if (is_verbose)
		printf("%s\n", buf_text(chart_config(chart)));
	return chart_manifest(chart, &archive, provenance_fd >= 0 ? &provenance : NULL, st.st_mtime,
		manifest, err);
}

static void print_manifest(const char *path)
{
	scoped(buf_freep) struct buf manifest = BUF_INIT(64 << 20);
	struct error err = {0};
	struct digest digest;
	char text[DIGEST_TEXT_SIZE];

	if (make_manifest(path, &manifest, &err) < 0) {
		printf("%s\trefused\t%d %s\n", path, err.code, err.text);
		return;
	}
	if (is_verbose)
		printf("%s\n", buf_text(&manifest));
	digest = digest_of(manifest.at, manifest.len);
	digest_print(&digest, text);
	printf("%s\t%s\n", path, text);
}

int main(int argc, char **argv)
{
	char line[4096];
	int first = 1;

	is_verbose = argc > 1 && strcmp(argv[1], "-v") == 0;
	first += is_verbose;
	for (int i = first; i < argc; i++)
		print_manifest(argv[i]);
	while (first == argc && fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = 0;
		print_manifest(line);
	}
	return 0;
}
