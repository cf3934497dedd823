#!/usr/bin/env python3
"""A TCP relay before a server on loopback, that is slow or fails as it is told.

    python3 tests/registry/slow.py --to PORT --port-file FILE [--delay MS] [--rate BYTES]
        [--until PID]

FILE gets `slow=PORT` and `control=PORT`. --delay is one way: a request and its answer cost twice
that, and so does setting up a connection. --rate is bytes a second, each connection and direction.
The control port (plain HTTP, JSON) takes and tells:

    POST /set   {"delay": MS, "rate": BYTES, "mode": "pass" | "hole", "cut_after": N}
                hole: accepts, reads nothing and says nothing, on old connections too
                cut_after: each connection is cut by RST after N bytes of answers (0: none)
    POST /cut   every connection is ended by RST now
    POST /down  nobody listens any more (connection refused), connections are cut
    POST /up    again, on the same port
    GET  /seen  {"accepted": N, "open": N, "up": bytes, "down": bytes}
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import struct
import sys
import threading
import time
from typing import Any, Coroutine

sys.dont_write_bytecode = True

from registry import alive
from web import CHUNK, Listener, Request, Response, as_json, text


class Relay:
    def __init__(self, to: int, delay: float, rate: int):
        self.to, self.delay, self.rate = to, delay, rate
        self.cut_after = 0
        self.seen = {"accepted": 0, "open": 0, "up": 0, "down": 0}
        self.writers: set[asyncio.StreamWriter] = set()
        self.server: asyncio.Server | None = None
        self.port = 0
        self.passing = asyncio.Event()
        self.passing.set()

    async def up(self) -> None:
        if self.server is None:
            self.server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port,
                                                     backlog=256)
            self.port = self.server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        if self.server:
            self.server.close()
            self.server = None
        await self.cut()

    async def cut(self) -> None:
        for writer in list(self.writers):
            reset(writer)

    async def set(self, wish: dict[str, Any]) -> None:
        self.delay = wish.get("delay", self.delay * 1000) / 1000
        self.rate = wish.get("rate", self.rate)
        self.cut_after = wish.get("cut_after", self.cut_after)
        if wish.get("mode") == "hole":
            self.passing.clear()
        elif wish.get("mode") == "pass":
            self.passing.set()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen["accepted"] += 1
        self.seen["open"] += 1
        self.writers.add(writer)
        other: asyncio.StreamWriter | None = None
        try:
            # Loopback has set the connection up at once: its round trip is waited for here.
            await asyncio.sleep(2 * self.delay)
            await self.passing.wait()
            answers, other = await asyncio.open_connection("127.0.0.1", self.to)
            self.writers.add(other)
            await both(self._copy(reader, other, "up"), self._copy(answers, writer, "down"))
        except (OSError, asyncio.IncompleteReadError):
            for end in (writer, other):
                if end:
                    reset(end)
        finally:
            self.seen["open"] -= 1
            for end in (writer, other):
                if end:
                    self.writers.discard(end)
                    end.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter,
                    way: str) -> None:
        """Every piece leaves `delay` after it came, however many are on their way."""
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(1024)
        await both(self._read(queue, reader), self._send(queue, writer, way))

    async def _read(self, queue: asyncio.Queue[tuple[float, bytes]],
                    reader: asyncio.StreamReader) -> None:
        piece = b"-"
        while piece:
            await self.passing.wait()
            piece = await reader.read(CHUNK)
            await queue.put((time.monotonic() + self.delay, piece))

    async def _send(self, queue: asyncio.Queue[tuple[float, bytes]],
                    writer: asyncio.StreamWriter, way: str) -> None:
        sent = 0
        while True:
            due, piece = await queue.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self.passing.wait()
            if not piece:
                if writer.can_write_eof():
                    writer.write_eof()
                return
            if way == "down" and self.cut_after and sent + len(piece) >= self.cut_after:
                writer.write(piece[:self.cut_after - sent])
                await writer.drain()
                raise ConnectionResetError
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
            self.seen[way] += len(piece)
            if self.rate:
                await asyncio.sleep(len(piece) / self.rate)


async def both(*calls: Coroutine[Any, Any, None]) -> None:
    """Until each is done, or one fails: then the other is ended."""
    tasks = [asyncio.create_task(call) for call in calls]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


def reset(writer: asyncio.StreamWriter) -> None:
    inner = writer.get_extra_info("socket")
    if inner is not None:
        try:
            inner.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()


class Control:
    """The HTTP side, in threads of its own."""

    def __init__(self, relay: Relay, loop: asyncio.AbstractEventLoop):
        self.relay, self.loop = relay, loop

    def answer(self, request: Request) -> Response:
        relay = self.relay
        match f"{request.method} {request.path}":
            case "GET /seen":
                return as_json(200, relay.seen)
            case "POST /set":
                call = relay.set(json.loads(request.body()))
            case "POST /cut":
                call = relay.cut()
            case "POST /down":
                call = relay.down()
            case "POST /up":
                call = relay.up()
            case _:
                return text(404, "no such request\n")
        asyncio.run_coroutine_threadsafe(call, self.loop).result(30)
        return as_json(200, {})

    def arrived(self, request: Request) -> None:
        pass

    def answered(self, request: Request, response: Response | None) -> None:
        pass

    def broken(self, request: Request, mistake: str) -> None:
        pass

    def malformed(self, role: str, what: str, head: bytes) -> None:
        pass


async def run(options: argparse.Namespace) -> None:
    relay = Relay(options.to, options.delay / 1000, options.rate)
    await relay.up()
    control = Listener(Control(relay, asyncio.get_running_loop()), "control", None)
    threading.Thread(target=control.serve_forever, daemon=True).start()
    with open(f"{options.port_file}.new", "w", encoding="ascii") as file:
        file.write(f"slow={relay.port}\ncontrol={control.port}\n")
    os.rename(f"{options.port_file}.new", options.port_file)
    while options.until is None or alive(options.until):
        await asyncio.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--to", type=int, required=True)
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--delay", type=float, default=0)
    parser.add_argument("--rate", type=int, default=0)
    parser.add_argument("--until", type=int)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
