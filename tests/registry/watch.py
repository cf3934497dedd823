"""Watches the client: requests that it must not send are violations, secrets that turn up in the
wrong place above all."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import threading
from collections import Counter
from typing import Any
from urllib.parse import unquote, unquote_plus

from store import DIGEST, NAME, TAG
from web import Request

TARGET = re.compile(r"(?:[!#$&'()*+,/:;=?@A-Za-z0-9._~\[\]|-]|%[0-9A-Fa-f]{2})*")
ACTIONS = re.compile(r"(?:pull|push|delete|\*)(?:,(?:pull|push|delete|\*))*")
MAX_HEADS = 32  # of one URL
MAX_ANONYMOUS = 16  # of one kind, when there has been a token for it
MAX_TOKENS = 32  # for the same scopes


def fingerprint(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def credential(value: str | None) -> tuple[str, str]:
    """The scheme of an Authorization header, and what identifies its secret."""
    if not value:
        return "", ""
    scheme, _, rest = value.partition(" ")
    return scheme.lower(), rest.strip()


def basic_pair(secret: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(secret, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


class Canary:
    """A secret and where it may turn up: (role, place), place of authorization, body."""

    def __init__(self, secret: str, allowed: set[tuple[str, str]]):
        self.secret, self.allowed = secret, allowed


class Watch:
    def __init__(self, exempt: list[str]):
        self.lock = threading.Lock()
        self.exempt = exempt
        self.canaries: list[Canary] = []
        self.violations: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()
        self.limits = {"head-storm": MAX_HEADS, "no-token": MAX_ANONYMOUS,
                       "token-storm": MAX_TOKENS}

    def reset(self) -> None:
        with self.lock:
            self.violations = []
            self.counts.clear()

    def judged(self, request: Request) -> bool:
        """Other clients (curl, helm) use the registry beside the one that is tested."""
        agent = request.headers.get("User-Agent") or ""
        return not any(agent.startswith(prefix) for prefix in self.exempt)

    def violation(self, kind: str, request: Request, detail: str) -> None:
        if self.judged(request):
            self.note(kind, request.role, f"{request.method} {request.target}", detail,
                      request.number)

    def note(self, kind: str, role: str, what: str, detail: str, number: int = 0) -> None:
        with self.lock:
            self.violations.append({"kind": kind, "role": role, "request": what,
                                    "detail": detail, "number": number})

    # Secrets.

    def add_canary(self, secret: str, allowed: set[tuple[str, str]]) -> None:
        with self.lock:
            self.canaries = [c for c in self.canaries if c.secret != secret]
            if secret:
                self.canaries.append(Canary(secret, allowed))

    def secrets_in(self, role: str, place: str, words: str) -> list[str]:
        """The fingerprints of the canaries in `words`, as they stand or in base64 or escaped;
        and for each that may not be there a reason (after a blank)."""
        forms = [words, unquote(words), unquote_plus(words)]
        for piece in re.findall(r"[A-Za-z0-9+/=_-]{8,}", words):
            try:
                padded = piece.rstrip("=") + "=" * (-len(piece.rstrip("=")) % 4)
                forms.append(base64.b64decode(padded, altchars=b"-_" if "-" in piece or "_" in
                                              piece else None).decode("latin-1"))
            except (binascii.Error, ValueError):
                continue
        found = []
        for canary in self.canaries:
            if any(canary.secret in form for form in forms):
                bad = (role, place) not in canary.allowed and ("*", "*") not in canary.allowed
                found.append(fingerprint(canary.secret) + (f" in {place}" if bad else ""))
        return found

    def look_for_secrets(self, request: Request, body: bytes | None = None) -> list[str]:
        found: list[str] = []
        if body is None:
            found += self.secrets_in(request.role, "target", request.target)
            for name, value in request.headers.items():
                place = "authorization" if name.lower() == "authorization" else f"header {name}"
                found += self.secrets_in(request.role, place, value)
        else:
            found += self.secrets_in(request.role, "body", body.decode("latin-1"))
        for secret in found:
            if " " in secret:
                self.violation("secret", request, f"secret {secret}")
        return [secret.split(" ")[0] for secret in found]

    # Every request.

    def arrived(self, request: Request) -> list[str]:
        if not TARGET.fullmatch(request.target):
            self.violation("encoding", request, "bytes that have to be escaped in a URL")
        if request.role == "registry" and request.path.startswith("/v2/"):
            if "%" in re.sub("%3[aA]", "", request.path):
                self.violation("encoding", request, "nothing has to be escaped in this path")
        if len(request.headers.get_all("Authorization") or []) > 1:
            self.violation("authorization", request, "several Authorization headers")
        if request.role == "blobs":
            for name in ("Authorization", "Cookie"):
                if request.headers.get(name):
                    self.violation("authorization", request, f"{name} sent to another origin")
        if request.method == "HEAD":
            self.storm("head-storm", request, request.target)
        return self.look_for_secrets(request)

    def names(self, request: Request, name: str, reference: str = "", digest: str = "") -> bool:
        if not NAME.fullmatch(name):
            self.violation("name", request, f"no repository's name: {name}")
        elif reference and not TAG.fullmatch(reference) and not DIGEST.fullmatch(reference):
            self.violation("name", request, f"neither tag nor digest: {reference}")
        elif digest and not DIGEST.fullmatch(digest):
            self.violation("name", request, f"no digest: {digest}")
        else:
            return True
        return False

    def scope(self, request: Request, scope: str, flat: str) -> None:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        good = (scope == flat if flat else
                kind == "repository" and NAME.fullmatch(name) and ACTIONS.fullmatch(actions)
                or scope == "registry:catalog:*")
        if not good:
            self.violation("scope", request, f"no such scope: {scope}")

    def storm(self, kind: str, request: Request, what: str) -> None:
        """One more of the same; too many are a violation."""
        if not self.judged(request):
            return
        key = f"{kind} {what}"
        with self.lock:
            self.counts[key] += 1
            too_many = self.counts[key] == self.limits[kind] + 1
        if too_many:
            self.violation(kind, request, f"more than {self.limits[kind]}: {what}")
