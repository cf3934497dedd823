#!/usr/bin/env python3
"""A web proxy that maps hosts to ports of loopback, so that tests can use real host names.

    python3 tests/registry/proxy.py --port-file FILE [--log FILE] [--registry PORTFILE]...
        [--map HOST[:PORT]=LOOPBACKPORT]... [--user NAME:PASSWORD] [--canary SECRET]...
        [--until PID]

It understands CONNECT and plain http requests, listens on 127.0.0.1, and never connects to
anything else than loopback: a host without a mapping is answered 502. --registry takes a port file
of registry.py (started with --names and TLS) and maps that profile's hosts, ports 443 and 80.
PORTFILE gets `proxy=PORT`. With --user it asks for that by 407.

The log has a JSON line for each request: time, method, target, to (the port, or null), status, the
names of the headers, `secret`: whether a --canary stood in what went through in the clear, and
`proxy_user`. A test uses it so:

    python3 certificates.py $T/tls
    python3 registry.py --profile hub --names --tls-cert $T/tls/server.pem \\
        --tls-key $T/tls/server.key --port-file $T/hub &
    python3 proxy.py --registry $T/hub --port-file $T/proxy --log $T/proxy.log &
    https_proxy=http://127.0.0.1:$proxy chartfs -o ca_file=$T/tls/ca.pem docker.io/me $T/mnt
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True

from profiles import PROFILES
from registry import alive
from web import CHUNK

HEAD_LIMIT = 64 << 10


def read_ports(path: str) -> dict[str, str]:
    with open(path, encoding="ascii") as file:
        return dict(line.strip().split("=", 1) for line in file if "=" in line)


def mapping(registries: list[str], maps: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for path in registries:
        ports = read_ports(path)
        hosts = PROFILES[ports["profile"]].hosts
        for role, host in hosts.items():
            for port in (443, 80):
                found[f"{host}:{port}"] = int(ports[role])
    for entry in maps:
        name, _, port = entry.rpartition("=")
        for end in ([""] if re.search(r":\d+$", name) else [":443", ":80"]):
            found[name + end] = int(port)
    return found


class Proxy:
    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.map = mapping(options.registry, options.map)
        self.log_lock = threading.Lock()
        self.log = open(options.log, "a", encoding="utf-8") if options.log else None
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)

    def serve(self) -> None:
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self._guarded, args=(client,), daemon=True).start()

    def _guarded(self, client: socket.socket) -> None:
        with client:
            try:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._handle(client)
            except OSError:
                pass

    def _handle(self, client: socket.socket) -> None:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = client.recv(CHUNK)
            if not piece or len(data) > HEAD_LIMIT:
                return
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        method, target, *_ = lines[0].split(" ")
        headers = [tuple(line.partition(": ")[::2]) for line in lines[1:]]
        given = dict((name.lower(), value) for name, value in headers)
        if not self._known(given.get("proxy-authorization", "")):
            self._note(method, target, None, 407, given, head)
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                           b"Proxy-Authenticate: Basic realm=\"proxy\"\r\n"
                           b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            return
        place, path = self._place(method, target)
        port = self.map.get(place)
        self._note(method, target, port, 502 if port is None else 200, given, data)
        if port is None:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n"
                           b"Connection: close\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", port)) as server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if method == "CONNECT":
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                first = rest
            else:
                # One request a connection: the next may be for another host.
                kept = [f"{n}: {v}" for n, v in headers if n.lower() not in (
                    "connection", "proxy-connection", "proxy-authorization")]
                first = "\r\n".join([f"{method} {path} HTTP/1.1", *kept, "Connection: close",
                                     "", ""]).encode("latin-1") + rest
            if first:
                server.sendall(first)
            relay(client, server)

    def _known(self, authorization: str) -> bool:
        if not self.options.user:
            return True
        wanted = base64.b64encode(self.options.user.encode()).decode()
        return authorization.partition(" ")[2] == wanted

    def _place(self, method: str, target: str) -> tuple[str, str]:
        if method == "CONNECT":
            return target.lower(), ""
        match = re.fullmatch(r"http://([^/?]+)(.*)", target)
        if not match:
            return "", ""
        host = match[1].lower()
        return host if re.search(r":\d+$", host) else f"{host}:80", match[2] or "/"

    def _note(self, method: str, target: str, port: int | None, status: int,
              given: dict[str, str], data: bytes) -> None:
        if not self.log:
            return
        words = data.decode("latin-1")
        for value in given.values():
            try:
                words += base64.b64decode(value.partition(" ")[2], validate=True).decode("latin-1")
            except ValueError:
                continue
        entry = {"time": round(time.time(), 6), "method": method, "target": target, "to": port,
                 "status": status, "headers": sorted(given),
                 "secret": any(canary in words for canary in self.options.canary),
                 "proxy_user": "proxy-authorization" in given}
        with self.log_lock:
            self.log.write(json.dumps(entry) + "\n")
            self.log.flush()


def relay(one: socket.socket, other: socket.socket) -> None:
    thread = threading.Thread(target=copy, args=(one, other), daemon=True)
    thread.start()
    copy(other, one)
    thread.join()


def copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(CHUNK):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--log")
    parser.add_argument("--registry", action="append", default=[])
    parser.add_argument("--map", action="append", default=[])
    parser.add_argument("--user")
    parser.add_argument("--canary", action="append", default=[])
    parser.add_argument("--until", type=int)
    options = parser.parse_args()
    proxy = Proxy(options)
    threading.Thread(target=proxy.serve, daemon=True).start()
    with open(f"{options.port_file}.new", "w", encoding="ascii") as file:
        file.write(f"proxy={proxy.listener.getsockname()[1]}\n")
    os.rename(f"{options.port_file}.new", options.port_file)
    while options.until is None or alive(options.until):
        time.sleep(0.5)


if __name__ == "__main__":
    main()
