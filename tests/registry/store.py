"""What the registry holds: repositories with tags and manifests, blobs, uploads under way."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
import threading
from dataclasses import dataclass, field
from typing import Iterable

MEMORY_LIMIT = 256 << 10  # larger blobs are files

COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
NAME = re.compile(rf"{COMPONENT}(?:/{COMPONENT})*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass
class Blob:
    digest: str
    size: int
    data: bytes = b""
    path: str | None = None

    def read(self) -> bytes:
        if self.path is None:
            return self.data
        with open(self.path, "rb") as file:
            return file.read()


@dataclass
class Repository:
    name: str
    number: int
    tags: dict[str, str] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    blobs: set[str] = field(default_factory=set)
    listed: list[str] = field(default_factory=list)  # the tags in order, as last asked for


@dataclass
class Upload:
    """`target` is the path and query of the Location last given: the only one that counts."""

    repository: str
    identifier: str
    target: str
    path: str
    size: int = 0


class Store:
    def __init__(self, directory: str | None = None):
        self.holder = None if directory else tempfile.TemporaryDirectory(prefix="registry-")
        self.directory = directory or self.holder.name  # type: ignore[union-attr]
        self.lock = threading.RLock()
        self.repositories: dict[str, Repository] = {}
        self.blobs: dict[str, Blob] = {}
        self.uploads: dict[str, Upload] = {}
        self.made: set[str] = set()  # namespaces made beforehand, where they have to be

    def find(self, name: str) -> Repository | None:
        return self.repositories.get(name)

    def ensure(self, name: str) -> Repository:
        with self.lock:
            if name not in self.repositories:
                self.repositories[name] = Repository(name, len(self.repositories))
            return self.repositories[name]

    def is_made(self, name: str, levels: int) -> bool:
        """Whether the first `levels` components (-1: all) were made beforehand, or hold
        something already."""
        if levels == 0:
            return True
        parts = name.split("/")
        wanted = name if levels < 0 else "/".join(parts[:levels])
        if levels > 0 and len(parts) < levels:
            return False
        with self.lock:
            return (wanted in self.made or wanted in self.repositories
                    or any(held.startswith(wanted + "/") for held in self.repositories))

    # Blobs.

    def add_blob(self, name: str, data: bytes) -> str:
        digest = digest_of(data)
        with self.lock:
            if digest not in self.blobs:
                if len(data) > MEMORY_LIMIT:
                    path = self.new_file()
                    with open(path, "wb") as file:
                        file.write(data)
                    self.blobs[digest] = Blob(digest, len(data), path=path)
                else:
                    self.blobs[digest] = Blob(digest, len(data), data)
            self.ensure(name).blobs.add(digest)
        return digest

    def add_blob_file(self, name: str, digest: str, path: str, size: int) -> None:
        with self.lock:
            if digest in self.blobs:
                os.unlink(path)
            elif size <= MEMORY_LIMIT:
                with open(path, "rb") as file:
                    self.blobs[digest] = Blob(digest, size, file.read())
                os.unlink(path)
            else:
                self.blobs[digest] = Blob(digest, size, path=path)
            self.ensure(name).blobs.add(digest)

    def blob_in(self, name: str, digest: str) -> Blob | None:
        with self.lock:
            repository = self.repositories.get(name)
            if repository is None or digest not in repository.blobs:
                return None
            return self.blobs.get(digest)

    def mount(self, name: str, source: str | None, digest: str) -> bool:
        """From `source`, or where that is None from anywhere."""
        with self.lock:
            held = (digest in self.blobs if source is None
                    else self.blob_in(source, digest) is not None)
            if held:
                self.ensure(name).blobs.add(digest)
            return held

    def new_file(self) -> str:
        return os.path.join(self.directory, secrets.token_hex(16))

    # Manifests and tags.

    def put_manifest(self, name: str, tag: str | None, media_type: str, data: bytes) -> str:
        digest = digest_of(data)
        with self.lock:
            repository = self.ensure(name)
            repository.manifests[digest] = (media_type, data)
            if tag is not None:
                repository.tags[tag] = digest
        return digest

    def manifest(self, name: str, reference: str) -> tuple[str, str, bytes] | None:
        """(digest, media type, bytes)."""
        with self.lock:
            repository = self.repositories.get(name)
            if repository is None:
                return None
            digest = reference if ":" in reference else repository.tags.get(reference, "")
            if digest not in repository.manifests:
                return None
            return (digest, *repository.manifests[digest])

    def remove_tag(self, name: str, tag: str) -> bool:
        with self.lock:
            repository = self.repositories.get(name)
            return repository is not None and repository.tags.pop(tag, None) is not None

    def remove_manifest(self, name: str, digest: str) -> bool:
        """With every tag that means it."""
        with self.lock:
            repository = self.repositories.get(name)
            if repository is None or repository.manifests.pop(digest, None) is None:
                return False
            for tag in [t for t, d in repository.tags.items() if d == digest]:
                del repository.tags[tag]
            return True

    def tags_of(self, name: str, digest: str) -> list[str]:
        with self.lock:
            repository = self.repositories.get(name)
            return [] if repository is None else [
                t for t, d in repository.tags.items() if d == digest]

    # Listings.

    def tag_list(self, name: str, order: str) -> list[str] | None:
        """None: no such repository (one that only ever got blobs is none)."""
        with self.lock:
            repository = self.repositories.get(name)
            if repository is None or (not repository.manifests and not repository.tags
                                      and repository.blobs):
                return None
            if repository.tags.keys() != set(repository.listed):
                # "none" is a directory's order: stable, and not sorted.
                key = (lambda tag: hashlib.md5(tag.encode()).digest()) if order == "none" else None
                repository.listed = sorted(repository.tags, key=key)
            return repository.listed

    def catalog(self, order: str) -> list[str]:
        with self.lock:
            repositories = list(self.repositories.values())
        if order == "number":
            return [r.name for r in sorted(repositories, key=lambda r: r.number)]
        if order == "components":
            return sorted((r.name for r in repositories), key=lambda name: name.split("/"))
        return sorted(r.name for r in repositories)

    def children(self, name: str) -> list[str]:
        prefix = name + "/" if name else ""
        with self.lock:
            return sorted({r[len(prefix):].split("/")[0]
                           for r in self.repositories if r.startswith(prefix)})

    def names_of_blob(self, digest: str) -> Iterable[str]:
        with self.lock:
            return [r.name for r in self.repositories.values() if digest in r.blobs]
