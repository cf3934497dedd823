"""Blobs: reading, uploading in one or several steps, mounting, and the other origin that large
registries send clients to."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from typing import Any
from urllib.parse import parse_qsl

from auth import errors
from profiles import Profile
from store import DIGEST, Blob, Store, Upload
from watch import Watch
from web import Cut, Request, Response, text


class Blobs:
    def __init__(self, profile: Profile, store: Store, watch: Watch, place: Any):
        self.profile, self.store, self.watch, self.place = profile, store, watch, place
        self.signed: dict[str, tuple[str, str]] = {}  # target at the other origin -> repo, digest

    def answer(self, request: Request, route: str, name: str, reference: str,
               digest: str) -> Response:
        if route == "start":
            return self._start(request, name)
        if route == "upload":
            return self._upload(request, name)
        if request.method == "DELETE":
            return errors(405, "UNSUPPORTED", "The operation is unsupported.")
        return self._read(request, name, digest)

    # Reading.

    def _read(self, request: Request, name: str, digest: str) -> Response:
        blob = self.store.blob_in(name, digest)
        if blob is None:
            return errors(404, "BLOB_UNKNOWN", "blob unknown to registry")
        redirected = self.profile.redirect and (
            request.method == "GET" or self.profile.head_redirects)
        if not redirected:
            return send(request, blob)
        # Escaped in more than one way: what is sent back must be these very bytes.
        target = (f"/layers/{digest[7:9]}/{digest}/data?X-Amz-Credential=AKIA%2F20261101%2fs3"
                  f"&se=2026-11-01T00%3A00%3a00Z&sig={secrets.token_urlsafe(12)}%2B%3D~")
        self.signed[target] = (name, digest)
        return Response(self.profile.redirect,
                        [("Location", self.place.base(request, "blobs") + target)])

    def other_origin(self, request: Request) -> Response:
        if request.headers.get("Authorization"):
            # Amazon's and Azure's stores refuse a second way to authenticate.
            return Response(400, [("Content-Type", "application/xml")],
                            b"<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism "
                            b"allowed</Message></Error>")
        if request.path.startswith("/upload/"):
            return self._upload(request, None)
        signed = self.signed.get(request.target)
        if signed is None:
            self.watch.violation("location", request, "not a Location that was given")
            return Response(403, [("Content-Type", "application/xml")],
                            b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
        if request.method == "HEAD":
            return Response(403)
        blob = self.store.blob_in(*signed)
        return send(request, blob) if blob else text(404, "gone\n")

    # Uploading.

    def _start(self, request: Request, name: str) -> Response:
        asked = request.parameters
        profile = self.profile
        if "mount" in asked:
            if profile.mount == "error":
                return errors(405, "UNSUPPORTED", "The operation is unsupported.")
            source = asked.get("from")
            anywhere = None if profile.mount == "any" else source or ""
            if profile.mount != "never" and self.store.mount(name, anywhere, asked["mount"]):
                return self._created(request, name, asked["mount"])
        elif "from" in asked:
            self.watch.violation("upload", request, "from without mount")
        if "digest" in asked and profile.single_post:
            upload = self._new(request, name)
            return self._finish(request, upload, asked["digest"])
        request.body()
        upload = self._new(request, name)
        self.store.ensure(name)
        return self._told(request, upload, 202)

    def _new(self, request: Request, name: str) -> Upload:
        identifier = secrets.token_hex(16)
        upload = Upload(name, identifier, "", self.store.new_file())
        open(upload.path, "wb").close()
        self._renew(upload)
        with self.store.lock:
            self.store.uploads[identifier] = upload
        return upload

    def _renew(self, upload: Upload) -> None:
        where = ("/upload/" if self.profile.location == "elsewhere"
                 else f"/v2/{upload.repository}/blobs/uploads/")
        upload.target = where + upload.identifier
        if self.profile.state:
            # Every way to write a byte: to be sent back as it is.
            upload.target += f"?_state={secrets.token_urlsafe(12)}%3D%3d-_~..%2B%2b=&x=a%20b"

    def _told(self, request: Request, upload: Upload, status: int) -> Response:
        base = ""
        if self.profile.location == "absolute":
            base = self.place.base(request, "registry")
        elif self.profile.location == "elsewhere":
            base = self.place.base(request, "blobs")
        return Response(status, [("Location", base + upload.target),
                                 ("Range", f"0-{max(0, upload.size - 1)}"),
                                 ("Docker-Upload-UUID", upload.identifier)])

    def _upload(self, request: Request, name: str | None) -> Response:
        identifier = request.path.rsplit("/", 1)[1]
        upload = self.store.uploads.get(identifier)
        if upload is None or (name is not None and upload.repository != name):
            return errors(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
        digest = None
        kept = request.target
        if request.method == "PUT":
            kept, digest = self._split_digest(request)
        if kept != upload.target:
            self.watch.violation("location", request,
                                 f"the Location was {upload.target}")
            return errors(404, "BLOB_UPLOAD_INVALID", "blob upload invalid")
        if request.method == "GET":
            return self._told(request, upload, 204)
        if request.method == "DELETE":
            self._forget(upload)
            return Response(204)
        if request.chunked and not self.profile.chunked:
            self.watch.violation("upload", request, "a body without its length")
            return Response(411)
        if request.method == "PATCH":
            return self._chunk(request, upload)
        if digest is None:
            self.watch.violation("upload", request, "no digest at the end of the Location")
            return errors(400, "DIGEST_INVALID", "digest missing")
        return self._finish(request, upload, digest)

    def _split_digest(self, request: Request) -> tuple[str, str | None]:
        """The Location, and the digest that was appended to it."""
        match = re.fullmatch(r"(.*)[?&]digest=([^&]*)", request.target)
        if not match:
            return request.target, None
        digest = dict(parse_qsl("digest=" + match[2])).get("digest", "")
        return match[1], digest if DIGEST.fullmatch(digest) else None

    def _receive(self, request: Request, upload: Upload) -> None:
        try:
            with open(upload.path, "ab") as file:
                for piece in request.pieces():
                    file.write(piece)
                    upload.size += len(piece)
        except Cut:
            self._forget(upload)
            raise

    def _chunk(self, request: Request, upload: Upload) -> Response:
        told = re.fullmatch(r"(\d+)-(\d+)", request.headers.get("Content-Range") or "")
        if self.profile.range_check and told and int(told[1]) != upload.size:
            return errors(416, "RANGE_INVALID", "invalid content range")
        self._receive(request, upload)
        self._renew(upload)
        return self._told(request, upload, 202)

    def _finish(self, request: Request, upload: Upload, digest: str) -> Response:
        kind = request.headers.get("Content-Type")
        if request.length and kind != "application/octet-stream":
            self.watch.violation("upload", request, f"Content-Type {kind}")
        self._receive(request, upload)
        if upload.size == 0 and not self.profile.empty_blobs:
            self._forget(upload)
            return errors(400, "BLOB_UPLOAD_INVALID", "empty blob")
        whole = hashlib.new(digest.split(":")[0])
        with open(upload.path, "rb") as file:
            while piece := file.read(1 << 20):
                whole.update(piece)
        if whole.hexdigest() != digest.split(":")[1]:
            self._forget(upload)
            return errors(400, "DIGEST_INVALID",
                          "provided digest did not match uploaded content")
        with self.store.lock:
            self.store.uploads.pop(upload.identifier, None)
        self.store.add_blob_file(upload.repository, digest, upload.path, upload.size)
        return self._created(request, upload.repository, digest)

    def _forget(self, upload: Upload) -> None:
        with self.store.lock:
            if self.store.uploads.pop(upload.identifier, None):
                os.unlink(upload.path)

    def _created(self, request: Request, name: str, digest: str) -> Response:
        base = self.place.base(request, "registry")
        return Response(201, [("Location", f"{base}/v2/{name}/blobs/{digest}"),
                              ("Docker-Content-Digest", digest)])


def send(request: Request, blob: Blob) -> Response:
    headers = [("Content-Type", "application/octet-stream"), ("Accept-Ranges", "bytes"),
               ("Docker-Content-Digest", blob.digest), ("Etag", f'"{blob.digest}"')]
    first, size, status = 0, blob.size, 200
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("Range") or "")
    if asked and (asked[1] or asked[2]):
        first = int(asked[1]) if asked[1] else max(0, blob.size - int(asked[2]))
        last = min(blob.size - 1, int(asked[2]) if asked[1] and asked[2] else blob.size - 1)
        if first > last:
            return Response(416, [("Content-Range", f"bytes */{blob.size}")])
        size, status = last - first + 1, 206
        headers.append(("Content-Range", f"bytes {first}-{last}/{blob.size}"))
    if blob.path:
        return Response(status, headers, path=blob.path, first=first, size=size)
    return Response(status, headers, blob.data[first:first + size])
