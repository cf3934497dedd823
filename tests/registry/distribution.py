"""The OCI distribution API as a profile has it."""

from __future__ import annotations

import json
import re
from typing import Any, Callable

from auth import CATALOG, Gate, Scope, errors, repository_scope
from blobs import Blobs
from listings import Pages, Style
from profiles import NAME_UNKNOWN, Error, Profile
from store import DIGEST, Store, digest_of
from watch import Watch, basic_pair, credential
from web import Request, Response, as_json, text

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MANIFEST_LIMIT = 4 << 20

ROUTES = [
    ("manifest", re.compile(r"/v2/(?P<name>.+)/manifests/(?P<reference>[^/]+)")),
    ("tags", re.compile(r"/v2/(?P<name>.+)/tags/list")),
    ("start", re.compile(r"/v2/(?P<name>.+)/blobs/uploads/")),
    ("upload", re.compile(r"/v2/(?P<name>.+)/blobs/uploads/(?P<reference>[^/]+)")),
    ("blob", re.compile(r"/v2/(?P<name>.+)/blobs/(?P<digest>[^/]+)")),
    ("referrers", re.compile(r"/v2/(?P<name>.+)/referrers/(?P<digest>[^/]+)")),
]
METHODS = {"manifest": "GET HEAD PUT DELETE", "tags": "GET", "start": "POST",
           "upload": "PUT PATCH GET DELETE", "blob": "GET HEAD DELETE", "referrers": "GET"}


class Distribution:
    def __init__(self, profile: Profile, store: Store, gate: Gate, watch: Watch, place: Any):
        """`place` tells URLs: place.base(request, role), and has the realm and host."""
        self.profile, self.store, self.gate = profile, store, gate
        self.watch, self.place = watch, place
        self.pages = Pages(watch)
        self.blobs = Blobs(profile, store, watch, place)

    def answer(self, request: Request, path: str) -> Response:
        """`path` is the request's, without a prefix."""
        if path == "/v2/" and request.method in ("GET", "HEAD"):
            denied = self._check(request, [])
            offer = [("WWW-Authenticate", self.profile.basic_challenge)]
            return denied or Response(200, [("Content-Type", "application/json"),
                                            *(offer if self.profile.offers else [])],
                                      self.profile.ping_body.encode())
        if path == "/v2/_catalog" and request.method == "GET":
            return self._catalog(request)
        for route, pattern in ROUTES:
            match = pattern.fullmatch(path)
            if match:
                return self._routed(request, route, match.groupdict())
        self.watch.violation("unknown", request, "no registry has this")
        return text(404, "404 page not found\n")

    def _routed(self, request: Request, route: str, parts: dict[str, str]) -> Response:
        name, digest = parts["name"], parts.get("digest", "").replace("%3A", ":").replace(
            "%3a", ":")
        reference = parts.get("reference", "").replace("%3A", ":").replace("%3a", ":")
        if request.method not in METHODS[route].split():
            self.watch.violation("unknown", request, "no such method here")
            return errors(405, "UNSUPPORTED", "The operation is unsupported.")
        if not self.watch.names(request, name, reference if route == "manifest" else "", digest):
            return text(404, "404 page not found\n")
        denied = self._check(request, self._needs(request, route, name))
        if denied:
            return denied
        if request.method in ("PUT", "POST", "PATCH", "DELETE"):
            denied = self._writable(request, name)
            if denied:
                return denied
        if route == "manifest":
            return self._manifest(request, name, reference)
        if route == "tags":
            return self._tags(request, name)
        if route == "referrers":
            return self._referrers(request, name, digest)
        return self.blobs.answer(request, route, name, reference, digest)

    # Rights.

    def _check(self, request: Request, needs: list[Scope]) -> Response | None:
        return self.gate.check(request, self.place.host(request), self.place.realm(request),
                               needs)

    def _needs(self, request: Request, route: str, name: str) -> list[Scope]:
        if route == "manifest" and request.method == "DELETE" or (
                route == "blob" and request.method == "DELETE"):
            return [repository_scope(name, self.profile.delete_action)]
        if request.method in ("GET", "HEAD") and route != "upload":
            return [repository_scope(name, "pull")]
        needs = [repository_scope(name, "pull", "push")]
        source = request.parameters.get("from")
        if route == "start" and "mount" in request.parameters and source:
            if self.watch.names(request, source, "", request.parameters["mount"]):
                needs.insert(0, repository_scope(source, "pull"))
        return needs

    def _writable(self, request: Request, name: str) -> Response | None:
        profile = self.profile
        if profile.read_only:
            return errors(405, "UNSUPPORTED", "The operation is unsupported.")
        if len(name.split("/")) < profile.least_levels or not self.store.is_made(
                name, profile.made_levels):
            return self._error(profile.not_made, name)
        if profile.quota and request.method != "DELETE":
            return self._error(profile.quota_error, name)
        return None

    def _error(self, error: Error, name: str, tag: str = "") -> Response:
        status, code, message = error
        return errors(status, code, message.format(
            name=name, tag=tag, project=name.split("/")[0]))

    # Manifests.

    def _manifest(self, request: Request, name: str, reference: str) -> Response:
        if request.method == "PUT":
            return self._put(request, name, reference)
        if request.method == "DELETE":
            return self._delete(request, name, reference)
        profile = self.profile
        found = self.store.manifest(name, reference)
        if found is None:
            if profile.unknown != NAME_UNKNOWN and self.store.find(name) is None:
                return self._error(profile.unknown, name, reference)
            unknown = profile.unknown_manifest or (
                404, "MANIFEST_UNKNOWN", "manifest unknown")
            return self._error(unknown, name, reference)
        if request.method == "GET" and profile.pull_limit >= 0:
            limited = self._limited()
            if limited:
                return limited
        digest, media_type, data = found
        accept = ", ".join(request.headers.get_all("Accept") or [])
        kinds = {kind.split(";")[0].strip() for kind in accept.split(",")}
        for kind in (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST):
            if kind not in kinds:
                self.watch.violation("accept", request, f"{kind} is not in Accept")
        if profile.accept_strict and media_type not in kinds:
            return errors(404, "MANIFEST_UNKNOWN", "OCI manifest found, but accept header does "
                          "not support OCI manifests")
        headers = [("Content-Type", media_type)]
        if profile.tell_digest:
            headers.append(("Docker-Content-Digest", digest))
        if profile.etag:
            headers.append(("Etag", f'"{digest}"'))
            if (request.headers.get("If-None-Match") or "").strip('"') == digest:
                return Response(304, [("Etag", f'"{digest}"')])
        return Response(200, headers, data)

    def _limited(self) -> Response | None:
        """Docker Hub's limit of pulls: HEADs do not count."""
        with self.store.lock:
            left = self.profile.pull_limit
            self.profile.pull_limit = max(0, left - 1)
        self.profile.headers |= {"Ratelimit-Limit": "100;w=21600",
                                 "Ratelimit-Remaining": f"{max(0, left - 1)};w=21600"}
        if left > 0:
            return None
        return errors(429, "TOOMANYREQUESTS", "You have reached your pull rate limit. You may "
                      "increase the limit by authenticating and upgrading", ("Retry-After", "1"))

    def _put(self, request: Request, name: str, reference: str) -> Response:
        profile = self.profile
        if request.length > MANIFEST_LIMIT:
            return errors(413, "MANIFEST_INVALID", "request body too large")
        data = request.body()
        media_type = (request.headers.get("Content-Type") or "").split(";")[0].strip()
        try:
            manifest = json.loads(data)
            inside = manifest.get("mediaType")
        except (ValueError, AttributeError):
            return errors(400, "MANIFEST_INVALID", "manifest invalid")
        known = (OCI_MANIFEST, OCI_INDEX) + (
            (DOCKER_MANIFEST, DOCKER_LIST) if profile.docker_types else ())
        if media_type not in known:
            return errors(400 if profile.docker_types else 415, "MANIFEST_INVALID",
                          "unknown media type")
        if inside != media_type and (inside is not None or profile.media_type_inside):
            return errors(400, "UNSUPPORTED", "Invalid JSON syntax")
        for wanted in [manifest.get("config") or {}, *(manifest.get("layers") or [])]:
            if wanted and self.store.blob_in(name, wanted.get("digest", "")) is None:
                return errors(400, "MANIFEST_BLOB_UNKNOWN", "blob unknown to registry")
        by_digest = bool(DIGEST.fullmatch(reference))
        if by_digest and digest_of(data) != reference:
            return errors(400, "DIGEST_INVALID", "provided digest did not match")
        if not by_digest and profile.immutable:
            old = self.store.manifest(name, reference)
            if old and old[0] != digest_of(data):
                return self._error(profile.immutable_error, name, reference)
        digest = self.store.put_manifest(name, None if by_digest else reference, media_type, data)
        base = self.place.base(request, "registry")
        headers = [("Docker-Content-Digest", digest),
                   ("Location", f"{base}/v2/{name}/manifests/{digest}")]
        if manifest.get("subject") and profile.referrers:
            headers.append(("OCI-Subject", manifest["subject"].get("digest", "")))
        return Response(201, headers)

    def _delete(self, request: Request, name: str, reference: str) -> Response:
        profile = self.profile
        found = self.store.manifest(name, reference)
        by_digest = bool(DIGEST.fullmatch(reference))
        refused = profile.digest_delete if by_digest else profile.tag_delete
        if refused:
            return self._error(refused, name, reference)
        if found is None:
            return errors(404, "MANIFEST_UNKNOWN", "manifest unknown")
        if profile.immutable and profile.immutable_error[1] == "TAG_IMMUTABLE":
            return self._error(profile.immutable_error, name, reference)
        if not by_digest:
            self.store.remove_tag(name, reference)
            return Response(202)
        if not profile.delete_tagged and self.store.tags_of(name, reference):
            return errors(400, "GOOGLE_MANIFEST_DANGLING_TAG", "Manifest is still referenced by "
                          "tags")
        self.store.remove_manifest(name, reference)
        return Response(202)

    def _referrers(self, request: Request, name: str, digest: str) -> Response:
        if not self.profile.referrers:
            return self._error(self.profile.referrers_error, name)
        found: list[dict[str, Any]] = []
        repository = self.store.find(name)
        for key, (media_type, data) in (repository.manifests.items() if repository else ()):
            manifest = json.loads(data)
            if (manifest.get("subject") or {}).get("digest") == digest:
                kind = manifest.get("artifactType") or (manifest.get("config") or {}).get(
                    "mediaType", "")
                found.append({"mediaType": media_type, "digest": key, "size": len(data),
                              "artifactType": kind,
                              "annotations": manifest.get("annotations") or {}})
        index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found}
        return Response(200, [("Content-Type", OCI_INDEX)], json.dumps(index).encode())

    # Listings.

    def _tags(self, request: Request, name: str) -> Response:
        profile = self.profile
        tags = self.store.tag_list(name, profile.tag_order)
        others: dict[str, Any] = {"name": name}
        if profile.children:
            others |= self._children(name, tags is not None)
        if tags is None and not others.get("child"):
            return self._error(profile.unknown, name)
        style = Style(profile.paging, profile.page_default, profile.page_max, profile.page_over,
                      profile.link, profile.link_extra, Response(404))
        return self.pages.page(request, self.place.base(request, "registry"), lambda: tags or [],
                               style, "tags", others, profile.null_tags)

    def _children(self, name: str, is_repository: bool) -> dict[str, Any]:
        manifests = {}
        repository = self.store.find(name) if is_repository else None
        for digest, (media_type, data) in (repository.manifests.items() if repository else ()):
            manifests[digest] = {"imageSizeBytes": str(len(data)), "mediaType": media_type,
                                 "timeCreatedMs": "0", "timeUploadedMs": "1700000000000",
                                 "tag": self.store.tags_of(name, digest)}
        return {"child": self.store.children(name), "manifest": manifests}

    def _catalog(self, request: Request) -> Response:
        profile = self.profile
        if profile.catalog in ("missing", "keyed"):
            return text(404, "404 page not found\n")
        if profile.catalog == "admin":
            scheme, secret = credential(request.headers.get("Authorization"))
            user = self.gate.users.get(basic_pair(secret)[0]) if scheme == "basic" else None
            if user is None or user.password != basic_pair(secret)[1] or not user.catalog:
                return errors(401, "UNAUTHORIZED", "unauthorized to list catalog: unauthorized",
                              ("WWW-Authenticate", 'Basic realm="harbor"'))
        elif profile.catalog == "visible":
            denied = self._check(request, [])
            if denied:
                return denied
            _, secret = credential(request.headers.get("Authorization"))
            token = self.gate.tokens.get(secret)
            user = token.user if token else None
            if user is None:
                return as_json(200, {"repositories": []})
            return self.catalog_page(request, lambda: [
                n for n in self.store.catalog("number") if "pull" in user.may(n)])
        elif profile.catalog == "filtered":
            denied = self._check(request, [])
            if denied:
                return denied
            user = self.gate.user_of(request)
            return self.catalog_page(request, lambda: [
                n for n in self.store.catalog(profile.catalog_order)
                if "pull" in self.gate.may(user, repository_scope(n, "pull"))])
        else:
            denied = self._check(request, [CATALOG])
            if denied:
                return denied
        return self.catalog_page(request, lambda: self.store.catalog(profile.catalog_order))

    def catalog_page(self, request: Request, names: Callable[[], list[str]]) -> Response:
        profile = self.profile
        missing = None
        if profile.catalog == "admin":
            missing = errors(400, "BAD_REQUEST", "the last should be a valid repository name")
        style = Style(profile.catalog_paging, profile.catalog_default, profile.catalog_max,
                      profile.catalog_over, profile.link, profile.link_extra, missing)
        return self.pages.page(request, self.place.base(request, "registry"), names, style,
                               "repositories", {})

    def keyed_catalog(self, request: Request, key: str) -> Response:
        """Artifactory: the catalog of one of its repositories, names without the key."""
        denied = self._check(request, [])
        if denied:
            return denied
        return self.catalog_page(request, lambda: [
            n[len(key) + 1:] for n in self.store.catalog("bytes") if n.startswith(key + "/")])
