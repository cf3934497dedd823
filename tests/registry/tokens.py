#!/usr/bin/env python3
"""A token server for a real docker-registry (auth: token): JWTs signed with RS256.

    python3 tests/registry/tokens.py --directory DIR --port-file FILE [--log FILE]
        [--user NAME:PASSWORD]... [--service S] [--issuer I] [--setting FIELD=JSON]... [--until PID]

DIR gets token.pem, the certificate for the registry's `rootcertbundle`, and token.key. FILE gets
`token=PORT` and `control=PORT`. The registry's configuration:

    auth:
      token:
        realm: http://127.0.0.1:PORT/token
        service: S            # registry
        issuer: I             # chartfs-test
        rootcertbundle: DIR/token.pem

Users, rights, refresh tokens, faults, log and violations are told and asked by the control port,
as with registry.py (control.py): POST /users with "rights" for fewer rights, POST /settings
{"token_lifetime": 60}, {"anonymous": "pull"}, {"token_post": false} or
{"refuse_actions": ["delete"]}.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True

from accesslog import AccessLog
from auth import Gate, User
from certificates import openssl
from control import Control
from faults import Faults
from profiles import Profile
from registry import EXEMPT, alive
from store import Store
from watch import Watch
from web import Listener, Request, Response, text


def packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    def __init__(self, directory: str, issuer: str, service: str):
        self.directory, self.issuer, self.service = directory, issuer, service
        os.makedirs(directory, exist_ok=True)
        if not os.path.exists(os.path.join(directory, "token.pem")):
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "token.key",
                    "-out", "token.pem", "-days", "3650", "-sha256", "-subj",
                    "/CN=chartfs test tokens", cwd=directory)
        certificate = openssl("x509", "-in", "token.pem", "-outform", "DER", cwd=directory)
        self.header = packed(json.dumps({
            "alg": "RS256", "typ": "JWT",
            "x5c": [base64.b64encode(certificate).decode()]}).encode())

    def sign(self, subject: str, access: list[dict[str, object]], lifetime: int) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "sub": subject, "aud": self.service, "iat": now,
                  "nbf": now - 10, "exp": now + lifetime, "jti": secrets.token_hex(8),
                  "access": access}
        words = f"{self.header}.{packed(json.dumps(claims).encode())}"
        done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", "token.key"],
                              cwd=self.directory, input=words.encode(), capture_output=True,
                              check=True)
        return f"{words}.{packed(done.stdout)}"


class SigningGate(Gate):
    def __init__(self, profile: Profile, watch: Watch, signer: Signer):
        super().__init__(profile, watch)
        self.signer = signer

    def mint(self, user: User | None,
             granted: dict[tuple[str, str], frozenset[str]] | None = None) -> str:
        access: list[dict[str, object]] = [
            {"type": kind, "name": name, "actions": sorted(actions)}
            for (kind, name), actions in (granted or {}).items() if actions]
        return self.signer.sign(user.name if user else "", access, self.profile.token_lifetime)


class TokenServer:
    def __init__(self, options: argparse.Namespace):
        self.profile = Profile("tokens", auth="bearer", realm_role="token", realm_path="/token",
                               service=options.service)
        for setting in options.setting:
            name, _, value = setting.partition("=")
            setattr(self.profile, name, json.loads(value))
        self.store = Store()
        self.watch = Watch(options.exempt.split(","))
        self.gate = SigningGate(self.profile, self.watch,
                                Signer(options.directory, options.issuer, options.service))
        self.log = AccessLog(options.log)
        self.faults = Faults()
        self.control = Control(self)
        self.listeners = {role: Listener(self, role, None) for role in ("token", "control")}
        for user in options.user:
            name, _, password = user.partition(":")
            self.gate.add_user(User(name, password))
        for listener in self.listeners.values():
            threading.Thread(target=listener.serve_forever, daemon=True).start()

    def ports(self) -> dict[str, int]:
        return {role: listener.port for role, listener in self.listeners.items()}

    def arrived(self, request: Request) -> None:
        if request.role != "control":
            self.log.arrived(request, [])
            request.entry["canaries"] += self.watch.arrived(request)

    def answered(self, request: Request, response: Response | None) -> None:
        if request.role != "control":
            self.log.answered(request, response)

    def broken(self, request: Request, mistake: str) -> None:
        self.watch.note("broken", request.role, f"{request.method} {request.target}", mistake)

    def malformed(self, role: str, what: str, head: bytes) -> None:
        self.log.malformed(role, what, [])

    def answer(self, request: Request) -> Response:
        if request.role == "control":
            return self.control.answer(request)
        return self.faults.around(request, self._route)

    def _route(self, request: Request) -> Response:
        if request.path == "/token":
            return self.gate.answer_token(request, request.host)
        self.watch.violation("unknown", request, "no token server has this")
        return text(404, "not found\n")


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--log")
    parser.add_argument("--user", action="append", default=[])
    parser.add_argument("--service", default="registry")
    parser.add_argument("--issuer", default="chartfs-test")
    parser.add_argument("--setting", action="append", default=[])
    parser.add_argument("--exempt", default=EXEMPT)
    parser.add_argument("--until", type=int)
    options = parser.parse_args()
    server = TokenServer(options)
    with open(f"{options.port_file}.new", "w", encoding="ascii") as file:
        file.writelines(f"{role}={port}\n" for role, port in server.ports().items())
    os.rename(f"{options.port_file}.new", options.port_file)
    while options.until is None or alive(options.until):
        time.sleep(0.5)


if __name__ == "__main__":
    main()
