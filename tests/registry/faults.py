"""Faults: what goes wrong, on which requests, how often.

A fault is a JSON object. Which requests it strikes:
    role      registry (default), token, blobs, api, or * for any
    method    GET ... or * (default)
    path      a shell pattern for the path as sent, without the query (default *)
    query     a shell pattern for the query as sent (default *)
    skip      so many matching requests are left alone first (default 0)
    count     so many are struck, -1 for all (default 1)
What happens, `action`:
    status    answer `status` with `headers` (object) and `body` (text, or JSON of anything else);
              the request is not carried out
    delay     wait `seconds`, then go on
    hang      never answer (with `after`: stop after so many bytes of the body), until the fault
              is taken away; then the connection is closed
    slow      stop for `seconds` after `after` bytes of the body, then send the rest
    drip      one byte each `seconds`
    cut       close after `after` bytes of the body (by RST with "reset": true)
    refuse    close without answer, the request is not carried out ("reset" as above)
    drop      carry the request out, then close without an answer
    upload    close after having read `after` bytes of the request's body
    corrupt   turn the bits of the byte at `after` of the body (default: the middle)
    truncate  a body of `after` bytes, with a Content-Length that fits
    length    a Content-Length that is off by `delta`
    replace   carry the request out, but answer with `body`, `status` (200) and `headers`
    headers   add or replace `headers` of the real answer (null takes one away)
    redirect  answer 307 (or `status`) with `location` as Location
    raw       answer the bytes `body` verbatim, then close
    pages     for listings: "endless" (each page links to a new one) or "repeat" (each page links
              to itself), by `kind`
"""

from __future__ import annotations

import fnmatch
import json
import threading
import time
from typing import Any, Callable

from web import Cut, Request, Response

BEFORE = {"status", "delay", "hang", "refuse", "upload", "redirect", "raw"}
INVENTED = "invented-page-"  # begins what the endless pages are asked for by
AFTER = {"slow", "drip", "cut", "drop", "corrupt", "truncate", "length", "replace", "headers",
         "pages", "hang"}


class Fault:
    def __init__(self, rule: dict[str, Any]):
        if rule.get("action") not in BEFORE | AFTER:
            raise ValueError(f"no such action: {rule.get('action')}")
        self.rule = rule
        self.action: str = rule["action"]
        self.left: int = rule.get("count", 1)
        self.skip: int = rule.get("skip", 0)
        self.hits = 0
        self.gone = threading.Event()

    def strikes(self, request: Request) -> bool:
        rule = self.rule
        if not (rule.get("role", "registry") in ("*", request.role)
                and rule.get("method", "*") in ("*", request.method)
                and fnmatch.fnmatchcase(request.path, rule.get("path", "*"))
                and fnmatch.fnmatchcase(request.query, rule.get("query", "*"))):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.left == 0:
            return False
        self.left -= self.left > 0
        self.hits += 1
        return True

    def _wait(self) -> None:
        self.gone.wait()
        raise Cut

    def _body(self) -> bytes:
        body = self.rule.get("body", "")
        return body.encode("latin-1") if isinstance(body, str) else json.dumps(body).encode()

    def _headers(self, kind: str = "application/json") -> list[tuple[str, str]]:
        headers = dict(self.rule.get("headers") or {})
        if not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = kind
        return [(name, str(value)) for name, value in headers.items()]

    def before(self, request: Request) -> Response | None:
        rule = self.rule
        match self.action:
            case "status":
                return Response(rule.get("status", 500), self._headers(), self._body())
            case "redirect":
                return Response(rule.get("status", 307), [("Location", rule["location"])])
            case "raw":
                return Response(raw=self._body())
            case "delay":
                self.gone.wait(rule.get("seconds", 1))
            case "hang" if "after" not in rule:
                self._wait()
            case "refuse":
                raise Cut(rule.get("reset", False))
            case "upload":
                request.cut_after = max(1, rule.get("after", 1))
        return None

    def after(self, request: Request, response: Response) -> Response:
        rule = self.rule
        at = rule.get("after")
        match self.action:
            case "slow":
                response.stop_after = at or 0
                response.pause = lambda: void(self.gone.wait(rule.get("seconds", 1)))
            case "hang" if at is not None:
                response.stop_after, response.pause = at, self._wait
            case "drip":
                response.drip = rule.get("seconds", 0.01)
            case "cut":
                response.stop_after, response.pause = at or 0, self._cut
            case "drop":
                response.unsent = True
            case "corrupt":
                body = bytearray(response.load())
                if body:
                    body[min(len(body) - 1, len(body) // 2 if at is None else at)] ^= 0x5A
                response.body = bytes(body)
            case "truncate":
                response.body = response.load()[:at or 0]
            case "length":
                response.length = max(0, response.total() + rule.get("delta", 1))
            case "replace":
                return Response(rule.get("status", 200), self._headers(), self._body())
            case "headers":
                names = {name.lower() for name in rule["headers"]}
                kept = [(n, v) for n, v in response.headers if n.lower() not in names]
                response.headers = kept + [
                    (n, str(v)) for n, v in rule["headers"].items() if v is not None]
            case "pages":
                target = request.target
                if rule.get("kind", "endless") == "endless":
                    target = f"{request.path}?n=1&last={INVENTED}{time.monotonic_ns()}"
                response.headers = [h for h in response.headers if h[0].lower() != "link"]
                response.headers.append(("Link", f'<{target}>; rel="next"'))
        return response

    def _cut(self) -> None:
        raise Cut(self.rule.get("reset", False))

    def told(self) -> dict[str, Any]:
        return {**self.rule, "left": self.left, "hits": self.hits}


def void(_: object) -> None:
    return None


class Faults:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.all: list[Fault] = []

    def add(self, rule: dict[str, Any]) -> None:
        with self.lock:
            self.all.append(Fault(rule))

    def clear(self) -> None:
        with self.lock:
            for fault in self.all:
                fault.gone.set()
            self.all = []

    def take(self, request: Request) -> list[Fault]:
        with self.lock:
            return [fault for fault in self.all if fault.strikes(request)]

    def around(self, request: Request, carry_out: Callable[[Request], Response]) -> Response:
        faults = self.take(request)
        response = None
        for fault in faults:
            response = response or fault.before(request)
        if response is None:
            response = carry_out(request)
        for fault in faults:
            response = fault.after(request, response)
        return response
