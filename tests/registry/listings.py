"""Pages of tags and of the catalog, in each registry's style."""

from __future__ import annotations

import secrets
import threading
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any, Callable
from urllib.parse import quote

from auth import errors
from faults import INVENTED
from watch import Watch
from web import Request, Response, as_json


@dataclass
class Style:
    paging: str  # none, last, existing, opaque
    default: int
    most: int
    over: str
    link: str
    extra: str
    missing_last: Response | None = None  # for `existing`; None: an empty page


class Pages:
    def __init__(self, watch: Watch):
        self.watch = watch
        self.lock = threading.Lock()
        # Opaque token -> path, the entries as they were then, position.
        self.cursors: dict[str, tuple[str, list[str], int]] = {}

    def page(self, request: Request, base: str, entries_now: Callable[[], list[str]],
             style: Style, key: str, others: dict[str, Any], null: bool = False) -> Response:
        """The entries in the registry's order."""
        asked = request.parameters
        start = 0
        if style.paging == "opaque" and ("next_page" in asked or "last" in asked):
            entries, start = self._cursor(request, asked, entries_now)
        else:
            entries = entries_now()
        if style.paging == "none":
            return as_json(200, {**others, key: entries or (None if null else [])})
        size = style.default
        if "n" in asked:
            if not asked["n"].isdecimal():
                return errors(400, "PAGINATION_NUMBER_INVALID", "invalid number of results")
            size = int(asked["n"])
            if style.most and size > style.most:
                if style.over == "error":
                    return errors(400, "PAGINATION_NUMBER_INVALID",
                                  "invalid number of results requested")
                size = style.most
            if size == 0:
                return as_json(200, {**others, key: []})
        if style.paging != "opaque" and "last" in asked:
            found = self._after(entries, style, asked["last"])
            if found is None:
                return style.missing_last or as_json(200, {**others, key: []})
            start = found
        shown = entries[start:start + size] if size else entries[start:]
        response = as_json(200, {**others, key: shown or (None if null else [])})
        if start + len(shown) < len(entries):
            target = self._next(request, entries, style, start + len(shown), size)
            response.headers.append(
                ("Link", f'<{base if style.link == "absolute" else ""}{target}>; rel="next"'))
        return response

    def _cursor(self, request: Request, asked: dict[str, str],
                entries_now: Callable[[], list[str]]) -> tuple[list[str], int]:
        token = asked.get("next_page") or asked.get("last") or ""
        with self.lock:
            cursor = self.cursors.get(token)
        if cursor is None or cursor[0] != request.path:
            # The registry begins again, and a careless client never ends.
            if not token.startswith(INVENTED):
                self.watch.violation("page", request, "a page's token that was never given")
            return entries_now(), 0
        return cursor[1:]

    def _after(self, entries: list[str], style: Style, last: str) -> int | None:
        if style.paging == "existing":
            return entries.index(last) + 1 if last in entries else None
        if entries == sorted(entries):
            return bisect_right(entries, last)
        # Component-wise: / is below every other byte.
        return bisect_right(entries, last.rstrip("/").split("/"), key=lambda e: e.split("/"))

    def _next(self, request: Request, entries: list[str], style: Style, position: int,
              size: int) -> str:
        if style.paging == "opaque":
            token = secrets.token_urlsafe(18) + "=="
            with self.lock:
                self.cursors[token] = (request.path, entries, position)
            return f"{request.path}?n={size}&next_page={quote(token, safe='')}"
        last = entries[position - 1]
        last = last if style.link == "unescaped" else quote(last, safe="")
        extra = f"&{style.extra}" if style.extra else ""
        return f"{request.path}?last={last}&n={size}{extra}"
