#!/usr/bin/env python3
"""Runs a program on a terminal of its own and types what it asks for.

    terminal.py PROMPT=ANSWER... -- PROGRAM ARGUMENT...

Each ANSWER (with a line end) is typed when its PROMPT has been shown, in that order; an ANSWER
`^NAME` sends that signal to the program instead. What the terminal showed goes to stdout. The exit
status is the program's (128 + signal), 99 where a prompt did not come, 98 where the terminal was
left without its echo.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import time

DEADLINE_S = 60


def shows_echo(fd: int) -> bool:
    return bool(termios.tcgetattr(fd)[3] & termios.ECHO)


def read_some(terminal: int) -> bytes:
    ready, _, _ = select.select([terminal], [], [], 0.05)
    if not ready:
        return b""
    try:
        return os.read(terminal, 4096)
    except OSError:
        return b""


def ended(child: int) -> int | None:
    pid, status = os.waitpid(child, os.WNOHANG)
    if not pid:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def main() -> int:
    at = sys.argv.index("--")
    steps = [word.partition("=")[::2] for word in sys.argv[1:at]]
    # The other end is held open, so that its settings can be looked at when the program has ended.
    terminal, held = os.openpty()
    child = os.fork()
    if child == 0:
        os.login_tty(held)
        # Whoever runs the tests in the background ignores some of these.
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(sys.argv[at + 1], sys.argv[at + 1:])
    shown, seen = b"", 0
    deadline = time.monotonic() + DEADLINE_S
    status = None
    while status is None and time.monotonic() < deadline:
        shown += read_some(terminal)
        if steps and shown.find(steps[0][0].encode(), seen) >= 0:
            prompt, answer = steps.pop(0)
            seen = shown.find(prompt.encode(), seen) + len(prompt)
            if answer.startswith("^"):
                os.kill(child, getattr(signal, f"SIG{answer[1:]}"))
            else:
                os.write(terminal, answer.encode() + b"\n")
        status = ended(child)
    while more := read_some(terminal):
        shown += more
    sys.stdout.buffer.write(shown.replace(b"\r\n", b"\n"))
    sys.stdout.flush()
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return 99
    if steps:
        return 99
    return status if shows_echo(held) else 98


if __name__ == "__main__":
    sys.exit(main())
