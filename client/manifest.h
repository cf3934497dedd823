#pragma once
/* Manifests as read from a registry: OCI image manifests and indexes, Docker's schema 2. */
#include "cache/base/error.h"
#include "cache/digest.h"

#include <stdint.h>

enum { MANIFEST_SIZE_MAX = 4 << 20 };

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
/* Everything that chartfs can read, for the Accept header. */
#define MANIFEST_ACCEPT                                                                            \
	MANIFEST_TYPE ", application/vnd.oci.image.index.v1+json, "                                \
		      "application/vnd.docker.distribution.manifest.v2+json, "                     \
		      "application/vnd.docker.distribution.manifest.list.v2+json"
#define MANIFEST_CONFIG_TYPE "application/vnd.cncf.helm.config.v1+json"
#define MANIFEST_CHART_TYPE  "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
#define MANIFEST_LEGACY_TYPE "application/tar+gzip" /* Helm before 3.7 */
#define MANIFEST_PROV_TYPE   "application/vnd.cncf.helm.chart.provenance.v1.prov"

enum manifest_kind {
	MANIFEST_CHART,    /* has Helm's config type and a chart layer */
	MANIFEST_ARTIFACT, /* any other image manifest: shown by its layers' titles */
	MANIFEST_INDEX,    /* several manifests: an empty directory */
};

struct layer {
	const char *media_type;
	const char *title; /* org.opencontainers.image.title, or NULL */
	struct digest digest;
	uint64_t size;
};

struct manifest { /* one block with all its texts: release it with manifest_free() */
	enum manifest_kind kind;
	struct digest digest; /* of the bytes parsed */
	int64_t created;      /* seconds since 1970, 0 where there is none or it is no RFC 3339 */
	struct layer config;
	const struct layer *chart; /* into layers; NULL where there is none */
	const struct layer *provenance;
	struct layer *layers;
	size_t layer_count;
};

/* Parses verified bytes. EIO where they are no manifest. Layers whose digest is not sha256, or
 * whose size is negative, make the manifest malformed. */
struct manifest *manifest_parse(const char *bytes, size_t len, struct error *err);
void manifest_free(struct manifest *manifest);
void manifest_freep(struct manifest **manifest);
