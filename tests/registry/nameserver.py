#!/usr/bin/env python3
"""A name server for tests: knows the names that it is given, and says of others that there are none.

    python3 tests/registry/nameserver.py --port-file FILE [--address ADDRESS] [--name NAME=ADDRESS]...
        [--until PID]

It listens on UDP port 53 of ADDRESS (127.0.0.1): for a test in a network namespace of its own.
FILE gets `dns=53` once it listens.
"""

from __future__ import annotations

import argparse
import os
import socket
import struct
import sys

sys.dont_write_bytecode = True

from registry import alive

A, NXDOMAIN, ANSWER = 1, 3, 0x8180


def answer(question: bytes, names: dict[str, str]) -> bytes:
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode("latin-1").lower())
        at += 1 + question[at]
    kind = struct.unpack(">H", question[at + 1:at + 3])[0]
    asked = question[12:at + 5]
    address = names.get(".".join(labels))
    found = address is not None and kind == A
    flags = ANSWER if address is not None else ANSWER | NXDOMAIN
    reply = question[:2] + struct.pack(">HHHHH", flags, 1, int(found), 0, 0) + asked
    if address is not None and found:
        reply += b"\xc0\x0c" + struct.pack(">HHIH", A, 1, 0, 4) + socket.inet_aton(address)
    return reply


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--name", action="append", default=[])
    parser.add_argument("--until", type=int)
    options = parser.parse_args()
    names = dict(name.split("=", 1) for name in options.name)
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((options.address, 53))
    listener.settimeout(0.5)
    with open(f"{options.port_file}.new", "w", encoding="ascii") as file:
        file.write("dns=53\n")
    os.rename(f"{options.port_file}.new", options.port_file)
    while options.until is None or alive(options.until):
        try:
            question, sender = listener.recvfrom(4096)
        except TimeoutError:
            continue
        try:
            listener.sendto(answer(question, names), sender)
        except (IndexError, struct.error):
            pass  # no question


if __name__ == "__main__":
    main()
