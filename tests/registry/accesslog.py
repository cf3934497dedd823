"""The access log: a JSON line for each request, in a file and in memory."""

from __future__ import annotations

import json
import threading
from typing import Any, TextIO

from watch import basic_pair, credential, fingerprint
from web import Request, Response


class AccessLog:
    def __init__(self, path: str | None):
        self.lock = threading.Lock()
        self.file: TextIO | None = open(path, "a", encoding="utf-8") if path else None
        self.kept: list[dict[str, Any]] = []
        self.number = 0

    def arrived(self, request: Request, canaries: list[str]) -> None:
        """`status` stays null while it is not answered, and where it never is."""
        scheme, secret = credential(request.headers.get("Authorization"))
        request.entry.update(
            time=round(request.time, 6), role=request.role, method=request.method,
            url=f"{'https' if request.tls else 'http'}://{request.host}{request.target}",
            target=request.target, status=None, headers=sorted(request.headers.keys()),
            agent=request.headers.get("User-Agent") or "", scheme=scheme,
            credential=fingerprint(secret) if secret else "",
            user=basic_pair(secret)[0] if scheme == "basic" else "",
            canaries=canaries, received=0, sent=0, done=False)
        with self.lock:
            self.number += 1
            request.number = request.entry["number"] = self.number
            self.kept.append(request.entry)

    def answered(self, request: Request, response: Response | None) -> None:
        with self.lock:
            request.entry["received"] = request.received
            request.entry["done"] = True
            if response:
                request.entry["status"] = response.status
                request.entry["sent"] = 0 if request.method == "HEAD" else response.total()
            self._write(request.entry)

    def malformed(self, role: str, what: str, canaries: list[str]) -> None:
        """What was no request: the wrong protocol."""
        with self.lock:
            self.number += 1
            entry = {"number": self.number, "role": role, "method": "-", "target": what,
                     "url": what, "status": 400, "headers": [], "agent": "", "scheme": "",
                     "credential": "", "user": "", "canaries": canaries, "done": True}
            self.kept.append(entry)
            self._write(entry)

    def _write(self, entry: dict[str, Any]) -> None:
        if self.file:
            self.file.write(json.dumps(entry) + "\n")
            self.file.flush()

    def entries(self) -> list[dict[str, Any]]:
        with self.lock:
            return [dict(entry) for entry in self.kept]

    def reset(self) -> None:
        with self.lock:
            self.kept = []
