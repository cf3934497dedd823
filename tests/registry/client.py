"""A small client for the self test: does what a good client does, by http.client alone."""

from __future__ import annotations

import base64
import http.client
import json
import re
import ssl
import urllib.parse
from typing import Any

from charts import CONFIG, CONTENT, MANIFEST
from distribution import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from store import digest_of

ACCEPT = ", ".join((OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST))
AGENT = "selftest/1"


class Answer:
    def __init__(self, response: http.client.HTTPResponse, body: bytes, url: str):
        self.status, self.headers, self.body, self.url = (
            response.status, response.headers, body, url)

    def json(self) -> Any:
        return json.loads(self.body)

    def link(self) -> str | None:
        match = re.match(r"<([^>]*)>; rel=\"next\"", self.headers.get("Link") or "")
        return urllib.parse.urljoin(self.url, match[1]) if match else None


class Client:
    def __init__(self, base: str, user: str = "", password: str = "",
                 tls: ssl.SSLContext | None = None, proxy: int = 0):
        self.base, self.user, self.password = base, user, password
        self.tls, self.proxy = tls, proxy
        self.tokens: dict[str, str] = {}
        self.basic = False

    def send(self, method: str, url: str, body: bytes | None = None,
             headers: dict[str, str] | None = None, authorization: str = "") -> Answer:
        """One request, no redirects."""
        parts = urllib.parse.urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else (
            http.client.HTTPConnection)
        extra: dict[str, Any] = {"context": self.tls} if parts.scheme == "https" else {}
        if self.proxy:
            connection = kind("127.0.0.1", self.proxy, timeout=60, **extra)
            connection.set_tunnel(parts.hostname or "", port)
        else:
            connection = kind(parts.hostname or "", port, timeout=60, **extra)
        sent = {"User-Agent": AGENT, **(headers or {})}
        if authorization:
            sent["Authorization"] = authorization
        target = urllib.parse.urlunsplit(("", "", parts.path, parts.query, ""))
        try:
            connection.request(method, target, body=body, headers=sent)
            response = connection.getresponse()
            return Answer(response, response.read(), url)
        finally:
            connection.close()

    def basic_value(self) -> str:
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    def fetch_token(self, challenge: str) -> str:
        found = dict((k.lower(), quoted or plain) for k, quoted, plain in re.findall(
            r'(\w+)=(?:"([^"]*)"|([^",\s]+))', challenge))
        query = [("service", found["service"])] + [
            ("scope", scope) for scope in found.get("scope", "").split(" ") if scope]
        answer = self.send("GET", found["realm"] + "?" + urllib.parse.urlencode(query),
                           authorization=self.basic_value() if self.user else "")
        if answer.status != 200:
            return ""
        value = answer.json()
        return value.get("token") or value.get("access_token")

    def ask(self, method: str, url: str, body: bytes | None = None,
            headers: dict[str, str] | None = None, scope: str = "") -> Answer:
        """With authentication as the registry wants it."""
        if not url.startswith("http"):
            url = self.base + url
        given = self.basic_value() if self.basic else (
            f"Bearer {self.tokens[scope]}" if scope in self.tokens else "")
        answer = self.send(method, url, body, headers, given)
        challenge = answer.headers.get("WWW-Authenticate") or ""
        if answer.status != 401 or given or not challenge:
            return answer
        if challenge.lower().startswith("basic"):
            if not self.user:
                return answer
            if "harbor" not in challenge:
                self.basic = True
            return self.send(method, url, body, headers, self.basic_value())
        token = self.fetch_token(challenge)
        if not token:
            return answer
        self.tokens[scope] = token
        return self.send(method, url, body, headers, f"Bearer {token}")

    def push_blob(self, name: str, data: bytes, query: str = "") -> Answer:
        scope = f"push {name}"
        start = self.ask("POST", f"/v2/{name}/blobs/uploads/{query}", b"", None, scope)
        if start.status != 202:
            return start
        place = urllib.parse.urljoin(start.url, start.headers["Location"])
        other = urllib.parse.urlsplit(place).netloc != urllib.parse.urlsplit(start.url).netloc
        place += ("&" if "?" in place else "?") + "digest=" + digest_of(data)
        kind = {"Content-Type": "application/octet-stream"}
        return self.send("PUT", place, data, kind) if other else self.ask(
            "PUT", place, data, kind, scope)

    def push(self, name: str, tag: str, data: bytes) -> Answer:
        config = json.dumps({"name": "app", "version": tag}).encode()
        for blob in (config, data):
            answer = self.push_blob(name, blob)
            if answer.status != 201:
                return answer
        manifest = {"schemaVersion": 2, "config": {
            "mediaType": CONFIG, "digest": digest_of(config), "size": len(config)}, "layers": [{
                "mediaType": CONTENT, "digest": digest_of(data), "size": len(data)}]}
        return self.ask("PUT", f"/v2/{name}/manifests/{tag}", json.dumps(manifest).encode(),
                        {"Content-Type": MANIFEST}, f"push {name}")

    def manifest(self, name: str, reference: str) -> Answer:
        return self.ask("GET", f"/v2/{name}/manifests/{reference}", None, {"Accept": ACCEPT},
                        f"pull {name}")

    def blob(self, name: str, digest: str) -> Answer:
        answer = self.ask("GET", f"/v2/{name}/blobs/{digest}", None, None, f"pull {name}")
        if answer.status in (302, 307):
            return self.send("GET", answer.headers["Location"])
        return answer

    def pages(self, path: str, key: str, scope: str) -> tuple[list[str], int]:
        """All entries, and how many pages they took."""
        entries: list[str] = []
        url, count = path, 0
        while url and count < 1000:
            answer = self.ask("GET", url, None, None, scope)
            if answer.status != 200:
                return entries, -answer.status
            entries += answer.json()[key] or []
            url, count = answer.link() or "", count + 1
        return entries, count
