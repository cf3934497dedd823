#!/usr/bin/env python3
"""Makes charts, and puts them into a registry without chartfs.

charts.py make NAME VERSION FILE [--extra KEY=VALUE ...] [--size BYTES] [--mtime SECONDS]
    a packaged chart of fixed bytes; --size adds a file of that many random-looking bytes
charts.py push URL REPOSITORY TAG FILE [--user USER:PASSWORD] [--prov FILE] [--count N]
    the chart as `helm push` would store it (a simple one: name, version and apiVersion only);
    with --count the same manifest under TAG.1 .. TAG.N
charts.py spread URL TAG FILE REPOSITORY ... [--user USER:PASSWORD]
    the same chart into many repositories
charts.py artifact URL REPOSITORY TAG TITLE=FILE ...
    an artifact that is no chart, one layer a file
charts.py prov FILE
    a provenance text for the archive, to standard output (its signature is none)
"""

import argparse
import base64
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request

CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
CONFIG = "application/vnd.cncf.helm.config.v1+json"
PROV = "application/vnd.cncf.helm.chart.provenance.v1.prov"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def noise(size: int, seed: str) -> bytes:
    """Bytes that do not compress, the same for the same seed."""
    blocks = []
    for i in range(size // 32 + 1):
        blocks.append(hashlib.sha256(f"{seed} {i}".encode()).digest())
    return b"".join(blocks)[:size]


def make(args: argparse.Namespace) -> None:
    lines = ["apiVersion: v2", f"name: {args.name}", f"version: {args.version}"]
    lines += [extra.replace("=", ": ", 1) for extra in args.extra]
    files = {
        "Chart.yaml": ("\n".join(lines) + "\n").encode(),
        "values.yaml": b"replicas: 1\n",
        "templates/cm.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n",
    }
    left, i = args.size, 0
    while left > 0:  # Helm takes at most 5 MiB a file
        part = min(left, 5 << 20)
        files[f"data/{i}.bin"] = noise(part, f"{args.name} {args.version} {i}")
        left, i = left - part, i + 1
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{args.name}/{name}")
            info.size, info.mode, info.mtime = len(data), 0o644, 1600000000
            tar.addfile(info, io.BytesIO(data))
    with open(args.file, "wb") as out:
        with gzip.GzipFile("", "wb", 1 if args.size else 6, out, 0) as packed:
            packed.write(raw.getvalue())
    os.utime(args.file, (args.mtime, args.mtime))


class Registry:
    def __init__(self, url: str, user: str | None):
        self.url = url.rstrip("/")
        self.headers = {}
        if user:
            self.headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()

    def ask(self, method: str, where: str, body: bytes | None = None, **headers: str):
        url = urllib.parse.urljoin(self.url + "/", where)
        request = urllib.request.Request(url, data=body, method=method, headers=self.headers)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        return urllib.request.urlopen(request, timeout=60)

    def blob(self, repository: str, data: bytes) -> None:
        try:
            self.ask("HEAD", f"/v2/{repository}/blobs/{digest_of(data)}").close()
            return
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
        with self.ask("POST", f"/v2/{repository}/blobs/uploads/", b"") as reply:
            where = reply.headers["Location"]
        where += ("&" if "?" in where else "?") + "digest=" + digest_of(data)
        self.ask("PUT", where, data, Content_Type="application/octet-stream").close()

    def manifest(self, repository: str, tag: str, manifest: dict) -> str:
        body = json.dumps(manifest, separators=(",", ":")).encode()
        self.ask("PUT", f"/v2/{repository}/manifests/{tag}", body, Content_Type=MANIFEST).close()
        return digest_of(body)


def layer(media_type: str, data: bytes, **annotations: str) -> dict:
    made = {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}
    if annotations:
        made["annotations"] = annotations
    return made


def push(args: argparse.Namespace) -> None:
    registry = Registry(args.url, args.user)
    with open(args.file, "rb") as source:
        archive = source.read()
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        member = next(m for m in tar if m.name.endswith("/Chart.yaml"))
        text = tar.extractfile(member).read().decode()
    fields = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    name, version = fields["name"], fields["version"]
    config = json.dumps(
        {"name": name, "version": version, "apiVersion": "v2"}, separators=(",", ":")
    ).encode()
    layers = [layer(CHART, archive)]
    registry.blob(args.repository, config)
    registry.blob(args.repository, archive)
    if args.prov:
        with open(args.prov, "rb") as source:
            prov = source.read()
        registry.blob(args.repository, prov)
        layers.append(layer(PROV, prov))
    layers.sort(key=lambda one: one["digest"])
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(os.stat(args.file).st_mtime))
    manifest = {
        "schemaVersion": 2,
        "config": layer(CONFIG, config),
        "layers": layers,
        "annotations": {
            "org.opencontainers.image.created": created,
            "org.opencontainers.image.title": name,
            "org.opencontainers.image.version": version,
        },
    }
    tags = [f"{args.tag}.{i}" for i in range(1, args.count + 1)] if args.count else [args.tag]
    for tag in tags:
        print(registry.manifest(args.repository, tag, manifest))


def spread(args: argparse.Namespace) -> None:
    for repository in args.repositories:
        args.repository = repository
        push(args)


def artifact(args: argparse.Namespace) -> None:
    registry = Registry(args.url, args.user)
    layers = []
    for item in args.files:
        title, path = item.split("=", 1)
        with open(path, "rb") as source:
            data = source.read()
        registry.blob(args.repository, data)
        layers.append(
            layer("application/octet-stream", data, **{"org.opencontainers.image.title": title})
        )
    registry.blob(args.repository, b"{}")
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "application/vnd.example.thing",
        "config": layer("application/vnd.oci.empty.v1+json", b"{}"),
        "layers": layers,
    }
    print(registry.manifest(args.repository, args.tag, manifest))


def prov(args: argparse.Namespace) -> None:
    with open(args.file, "rb") as source:
        archive = source.read()
    sys.stdout.write(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n"
        "apiVersion: v2\nname: x\nversion: 1.0.0\n\n...\nfiles:\n"
        f"  {os.path.basename(args.file)}: {digest_of(archive)}\n"
        "-----BEGIN PGP SIGNATURE-----\n\nnone\n-----END PGP SIGNATURE-----\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    commands = parser.add_subparsers(required=True)
    one = commands.add_parser("make")
    one.add_argument("name")
    one.add_argument("version")
    one.add_argument("file")
    one.add_argument("--extra", action="append", default=[])
    one.add_argument("--size", type=int, default=0)
    one.add_argument("--mtime", type=int, default=1741064767)
    one.set_defaults(run=make)
    one = commands.add_parser("push")
    one.add_argument("url")
    one.add_argument("repository")
    one.add_argument("tag")
    one.add_argument("file")
    one.add_argument("--user")
    one.add_argument("--prov")
    one.add_argument("--count", type=int, default=0)
    one.set_defaults(run=push)
    one = commands.add_parser("spread")
    one.add_argument("url")
    one.add_argument("tag")
    one.add_argument("file")
    one.add_argument("repositories", nargs="+")
    one.add_argument("--user")
    one.set_defaults(run=spread, prov=None, count=0)
    one = commands.add_parser("artifact")
    one.add_argument("url")
    one.add_argument("repository")
    one.add_argument("tag")
    one.add_argument("files", nargs="+")
    one.add_argument("--user")
    one.set_defaults(run=artifact)
    one = commands.add_parser("prov")
    one.add_argument("file")
    one.set_defaults(run=prov)
    args = parser.parse_args()
    args.run(args)


main()
