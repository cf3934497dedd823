"""HTTP/1.1 over sockets: one thread a connection, a Request in, a Response out.

Knows nothing of registries. The application behind it is an object with
    answer(request) -> Response        may raise Cut to close without an answer
    arrived(request), answered(request, response), malformed(role, what, head),
    broken(request, mistake)
"""

from __future__ import annotations

import http.server
import io
import json
import os
import socket
import ssl
import struct
import sys
import time
import traceback
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Callable, Iterator
from urllib.parse import parse_qsl, unquote

CHUNK = 1 << 16
DRAIN_LIMIT = 8 << 20  # an unread body longer than this costs the connection


class Cut(Exception):
    """Ends the connection; `reset` by RST instead of FIN."""

    def __init__(self, reset: bool = False):
        super().__init__("connection cut")
        self.reset = reset


@dataclass
class Response:
    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    path: str | None = None  # the body is this file's bytes first..first+size instead
    first: int = 0
    size: int = 0
    # What faults change: how the bytes are sent.
    length: int | None = None  # Content-Length told, where it is not the real one
    stop_after: int | None = None  # after so many bytes of the body `pause` is called
    pause: Callable[[], None] | None = None
    drip: float = 0.0  # seconds between single bytes
    unsent: bool = False  # nothing is answered, the connection ends
    raw: bytes | None = None  # sent verbatim instead of everything else

    def header(self, name: str) -> str | None:
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    def total(self) -> int:
        return self.size if self.path else len(self.body)

    def pieces(self) -> Iterator[bytes]:
        if not self.path:
            yield self.body
            return
        with open(self.path, "rb") as file:
            file.seek(self.first)
            left = self.size
            while left > 0 and (piece := file.read(min(CHUNK, left))):
                left -= len(piece)
                yield piece

    def load(self) -> bytes:
        """The body in memory, for who wants to change it."""
        if self.path:
            self.body = b"".join(self.pieces())
            self.path = None
        return self.body


def text(status: int, words: str, *headers: tuple[str, str]) -> Response:
    return Response(status, [("Content-Type", "text/plain; charset=utf-8"), *headers],
                    words.encode())


def as_json(status: int, value: Any, *headers: tuple[str, str]) -> Response:
    return Response(status, [("Content-Type", "application/json"), *headers],
                    json.dumps(value).encode())


class Request:
    def __init__(self, role: str, method: str, target: str, headers: Any, stream: BinaryIO,
                 tls: bool):
        self.role, self.method, self.target, self.headers = role, method, target, headers
        self.tls = tls
        self.path, _, self.query = target.partition("?")
        self.time = time.time()
        self.stream = stream
        self.chunked = "chunked" in (headers.get("Transfer-Encoding") or "").lower()
        try:
            self.length = 0 if self.chunked else int(headers.get("Content-Length") or 0)
        except ValueError:
            self.length = 0
        self.left = self.length
        self.finished = not self.chunked and self.length == 0
        self.received = 0
        self.cut_after: int | None = None  # a fault: the connection ends after so many bytes
        self.kept: bytes | None = None
        self.number = 0
        self.entry: dict[str, Any] = {}

    @property
    def host(self) -> str:
        return self.headers.get("Host") or ""

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))

    def parameter_list(self, name: str) -> list[str]:
        return [v for k, v in parse_qsl(self.query, keep_blank_values=True) if k == name]

    @property
    def plain_path(self) -> str:
        return unquote(self.path)

    def pieces(self) -> Iterator[bytes]:
        """The body. Ends short if the client does."""
        while not self.finished:
            piece = self._next_chunk() if self.chunked else self.stream.read1(
                min(CHUNK, self.left))  # type: ignore[attr-defined]
            if not self.chunked:
                self.left -= len(piece)
                self.finished = self.left <= 0
                if not piece:
                    raise Cut
            self.received += len(piece)
            if self.cut_after is not None and self.received >= self.cut_after:
                raise Cut(reset=True)
            if piece:
                yield piece

    def _next_chunk(self) -> bytes:
        try:
            size = int(self.stream.readline(128).split(b";")[0].strip() or b"x", 16)
        except ValueError:
            raise Cut from None
        if size == 0:
            while self.stream.readline(4096).strip():
                pass
            self.finished = True
            return b""
        piece = self.stream.read(size)
        self.stream.readline(8)
        if len(piece) < size:
            raise Cut
        return piece

    def body(self, limit: int = 256 << 20) -> bytes:
        if self.kept is None:
            out = io.BytesIO()
            for piece in self.pieces():
                out.write(piece)
                if out.tell() > limit:
                    raise Cut
            self.kept = out.getvalue()
        return self.kept

    def drain(self) -> bool:
        """Reads what was not read. False where that is too much, or the client has gone."""
        if not self.finished and not self.chunked and self.left > DRAIN_LIMIT:
            return False
        try:
            for _ in self.pieces():
                if self.received > 4 * DRAIN_LIMIT:
                    return False
        except (Cut, OSError):
            return False
        return True


class Connection(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Listener"

    def setup(self) -> None:
        self.usable = True
        try:
            first = self.request.recv(1, socket.MSG_PEEK)
            if first and self.server.tls and first != b"\x16":
                self._refuse(b"Client sent an HTTP request to an HTTPS server.\n", "plain http")
            elif first == b"\x16" and not self.server.tls:
                self._refuse(b"Client sent an HTTPS request to an HTTP server.\n", "tls hello")
            elif first and self.server.tls:
                self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        except OSError as reason:
            self.usable = False
            self.server.app.malformed(self.server.role, f"tls: {reason}", b"")
        super().setup()

    def _refuse(self, words: bytes, what: str) -> None:
        """The wrong protocol: told as Go's server does it, in the clear."""
        self.usable = False
        head = self.request.recv(CHUNK)
        self.server.app.malformed(self.server.role, what, head)
        self.request.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n" + words)
        self.request.shutdown(socket.SHUT_WR)

    def handle(self) -> None:
        if not self.usable:
            return
        try:
            super().handle()
        except OSError:
            pass  # the client went away

    def finish(self) -> None:
        try:
            super().finish()
            if self.server.tls:  # the socket that the listener closes is not the wrapped one
                self.connection.close()
        except OSError:
            pass

    def serve(self) -> None:
        app = self.server.app
        request = Request(self.server.role, self.command, self.path, self.headers, self.rfile,
                          self.server.tls is not None)
        app.arrived(request)
        try:
            response = app.answer(request)
        except Cut as cut:
            app.answered(request, None)
            self._cut(cut.reset)
            return
        except Exception as mistake:  # in the registry itself: must not pass unseen
            traceback.print_exc()
            response = text(500, f"{mistake!r}\n")
            app.broken(request, repr(mistake))
        if response.unsent:
            app.answered(request, None)
            self._cut(False)
            return
        if not request.drain() or self.request_version == "HTTP/1.0":
            self.close_connection = True
        app.answered(request, response)
        try:
            self._transmit(request, response)
        except Cut as cut:
            self._cut(cut.reset)

    def _cut(self, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
            # shutdown_request() would send a FIN first; closing the descriptor sends the RST.
            os.close(self.connection.detach())

    def _transmit(self, request: Request, response: Response) -> None:
        if response.raw is not None:
            self.close_connection = True
            self.wfile.write(response.raw)
            return
        bodyless = response.status in (204, 304) or 100 <= response.status < 200
        if self.close_connection:
            response.headers.append(("Connection", "close"))
        self.log_message = lambda *_: None  # type: ignore[method-assign]
        head = [f"HTTP/1.1 {response.status} {self.responses.get(response.status, ('-',))[0]}"]
        head += [f"{name}: {value}" for name, value in response.headers]
        if not bodyless and response.header("Content-Length") is None:
            told = response.total() if response.length is None else response.length
            head.append(f"Content-Length: {told}")
        pending = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1", "replace")
        if request.method == "HEAD" or bodyless:
            self.wfile.write(pending)
            return
        sent = 0
        for piece in response.pieces():
            if response.stop_after is not None and sent + len(piece) >= response.stop_after:
                before = response.stop_after - sent
                self.wfile.write(pending + piece[:before])
                self.wfile.flush()
                pending, piece, sent = b"", piece[before:], response.stop_after
                response.stop_after = None
                if response.pause:
                    response.pause()
            if response.drip:
                self.wfile.write(pending)
                pending = b""
                for byte in piece:
                    self.wfile.write(bytes((byte,)))
                    time.sleep(response.drip)
                continue
            sent += len(piece)
            self.wfile.write(pending + piece)
            pending = b""
        if pending:
            self.wfile.write(pending)
        if response.length is not None and response.length != response.total():
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do_OPTIONS = serve


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    block_on_close = False

    def __init__(self, app: Any, role: str, tls: ssl.SSLContext | None, port: int = 0,
                 address: str = "127.0.0.1"):
        self.app, self.role, self.tls = app, role, tls
        self.connections = 0
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), Connection)

    @property
    def port(self) -> int:
        return self.server_address[1]

    def get_request(self) -> Any:
        accepted = super().get_request()
        self.connections += 1
        return accepted

    def server_bind(self) -> None:
        # The inherited one asks the name server for this address's name.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = self.server_address[:2]

    def shutdown_request(self, request: Any) -> None:
        if request.fileno() >= 0:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            traceback.print_exc()
