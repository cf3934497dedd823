"""Charts for tests, and their manifests, made as Helm makes them."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import Any

from store import Store, digest_of

CONFIG = "application/vnd.cncf.helm.config.v1+json"
CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
PROVENANCE = "application/vnd.cncf.helm.chart.provenance.v1.prov"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CREATED = "2024-01-02T03:04:05Z"


def make_archive(name: str, version: str, filler: int = 0) -> bytes:
    """A chart's .tgz, the same bytes whenever; `filler` bytes that do not compress."""
    files = {
        "Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {version}\n".encode(),
        "values.yaml": b"replicas: 1\n",
        "templates/map.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: map\n",
    }
    if filler:
        import random

        files["filler.bin"] = random.Random(f"{name}{version}").randbytes(filler)
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0,
                       compresslevel=1 if filler else 9) as packed:
        with tarfile.open(fileobj=packed, mode="w") as archive:
            for path, data in files.items():
                info = tarfile.TarInfo(f"{name}/{path}")
                info.size, info.mtime = len(data), 1704164645
                archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def put_chart(store: Store, repository: str, tag: str, archive: bytes, version: str | None = None,
              provenance: bytes | None = None, created: str | None = CREATED) -> str:
    """Stores it under the tag; the manifest's digest."""
    name = repository.rsplit("/", 1)[-1]
    version = version or tag.replace("_", "+")
    config = json.dumps({"name": name, "version": version, "apiVersion": "v2"},
                        separators=(",", ":")).encode()
    layers = [(CONTENT, archive)] + ([(PROVENANCE, provenance)] if provenance else [])
    described = [_describe(kind, data) for kind, data in layers]
    annotations = {"org.opencontainers.image.title": name,
                   "org.opencontainers.image.version": version}
    if created:
        annotations["org.opencontainers.image.created"] = created
    manifest: dict[str, Any] = {
        "schemaVersion": 2, "config": _describe(CONFIG, config),
        "layers": sorted(described, key=lambda layer: layer["digest"]),
        "annotations": dict(sorted(annotations.items()))}
    for data in (config, *(data for _, data in layers)):
        store.add_blob(repository, data)
    return store.put_manifest(repository, tag, MANIFEST,
                              json.dumps(manifest, separators=(",", ":")).encode())


def _describe(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest_of(data), "size": len(data)}


def load_charts(store: Store, wish: dict[str, Any]) -> int:
    """See control.py, POST /charts."""
    repository = wish["repository"]
    versions = wish.get("versions") or [f"{n // 10000}.{n // 100 % 100}.{n % 100}"
                                        for n in range(1, wish.get("count", 1) + 1)]
    name = repository.rsplit("/", 1)[-1]
    first = None
    for version in versions:
        tag = version.replace("+", "_")
        if first and wish.get("same"):
            with store.lock:
                store.ensure(repository).tags[tag] = first
            continue
        archive = make_archive(name, version, wish.get("filler", 0))
        first = put_chart(store, repository, tag, archive, version, created=wish.get(
            "created", CREATED))
    return len(versions)


def load_repositories(store: Store, wish: dict[str, Any]) -> int:
    """See control.py, POST /repositories."""
    names = wish.get("names") or [f"{wish.get('prefix', 'load/r')}{n:05}"
                                  for n in range(wish.get("count", 1))]
    # One manifest for all: what counts is the list.
    template = put_chart(store, names[0], "0.1.0", make_archive("app", "0.1.0"))
    made = store.repositories[names[0]]
    for name in names:
        repository = store.ensure(name)
        with store.lock:
            repository.blobs |= made.blobs
            repository.manifests[template] = made.manifests[template]
            for tag in wish.get("tags", ["0.1.0"]):
                repository.tags[tag] = template
    return len(names)
