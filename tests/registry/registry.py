#!/usr/bin/env python3
"""A scripted OCI registry for tests: behaves as the registry its profile names, fails as it is
told, and notes what the client under test must not do.

    python3 tests/registry/registry.py --profile NAME --port-file FILE [--log FILE]
        [--user NAME:PASSWORD]... [--auth none|basic|bearer] [--made NAME]...
        [--names] [--tls-cert FILE --tls-key FILE [--client-ca FILE]]
        [--setting FIELD=JSON]... [--directory DIR] [--until PID] [--address ROLE=ADDRESS]...

Profiles: see profiles.py (--list prints their names). It listens on 127.0.0.1, on ports that
the kernel chooses, one for each role:

    registry   the registry itself
    token      the token server, where a profile has it on another host
    blobs      the other origin that blobs are redirected to; no Authorization may come here
    api        a vendor's listing interface on another host (Docker Hub)
    control    plain HTTP, for the test: see control.py

FILE gets lines `role=port`, and `profile=NAME`, once everything listens (atomically: when it is
there it is complete); a shell can source it:

    python3 tests/registry/registry.py --profile hub --port-file $T/ports &
    until [ -e $T/ports ]; do sleep 0.05; done; . $T/ports
    curl -s localhost:$control/charts -d '{"repository": "me/app", "versions": ["1.0.0"]}'
    curl -s localhost:$control/faults -d '{"path": "*/blobs/*", "action": "cut", "after": 100}'
    chartfs ... oci://localhost:$registry $T/mnt
    curl -s "localhost:$control/count?method=GET&path=*/blobs/*"
    [ "$(curl -s localhost:$control/violations)" = "[]" ]

Without --user, a profile with authentication has its usual account name (profiles.py) with the
password `secret-of-PROFILE`. Distribution and zot are open unless there is a --user.

With --names absolute URLs (token realm, blobs, pages) name the hosts of the real service, as a
client sees them that goes through proxy.py, and with TLS certificates from certificates.py: so a
client that recognises a registry by its host can be tested.

--address has a role listen on another address than 127.0.0.1: for a test in a network namespace
of its own, whose only interface is lo.

Clients whose User-Agent begins with one of --exempt (curl, helm, ...) are not judged.
The access log is described in accesslog.py, violations in watch.py.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import signal
import ssl
import sys
import threading
import time

sys.dont_write_bytecode = True  # nothing is left in the source tree

from accesslog import AccessLog
from auth import Gate, User
from control import Control
from distribution import Distribution
from faults import Faults
from profiles import PROFILES, Profile
from store import Store
from vendors import Vendors
from watch import Watch
from web import Listener, Request, Response

ROLES = ("registry", "token", "blobs", "api", "control")
EXEMPT = "curl/,Helm/,Go-http-client/,Python-urllib/,docker/,oras,skopeo/"


class Place:
    """Where things are: what stands in realms and Locations."""

    def __init__(self, profile: Profile, named: bool, tls: bool, addresses: dict[str, str]):
        self.profile, self.named, self.addresses = profile, named, addresses
        self.scheme = "https" if tls else "http"
        self.ports: dict[str, int] = {}

    def host(self, request: Request) -> str:
        return request.host

    def base(self, request: Request, role: str) -> str:
        if self.named:
            return f"{self.scheme}://{self.profile.hosts.get(role, self.profile.hosts['registry'])}"
        if role == request.role:
            return f"{self.scheme}://{request.host}"
        name = self.addresses.get(role, request.host)
        if not name.endswith("]"):
            name = name.rsplit(":", 1)[0] if ":" in name else name
        return f"{self.scheme}://{name}:{self.ports[role]}"

    def realm(self, request: Request) -> str:
        return self.base(request, self.profile.realm_role) + self.profile.realm_path


class Registry:
    def __init__(self, profile: Profile, options: argparse.Namespace):
        self.profile = profile
        self.store = Store(options.directory)
        self.watch = Watch(options.exempt.split(","))
        self.gate = Gate(profile, self.watch)
        self.log = AccessLog(options.log)
        self.faults = Faults()
        self.place = Place(profile, options.names, bool(options.tls_cert),
                           dict(address.split("=", 1) for address in options.address))
        parts = (profile, self.store, self.gate, self.watch, self.place)
        self.distribution = Distribution(*parts)
        self.vendors = Vendors(*parts)
        self.control = Control(self)
        self.listeners: dict[str, Listener] = {}

    def listen(self, tls: ssl.SSLContext | None) -> None:
        for role in ROLES:
            address = self.place.addresses.get(role, "127.0.0.1")
            listener = Listener(self, role, None if role == "control" else tls, address=address)
            self.listeners[role] = listener
            self.place.ports[role] = listener.port
            threading.Thread(target=listener.serve_forever, daemon=True).start()

    def ports(self) -> dict[str, int]:
        return dict(self.place.ports)

    # What a Connection asks for.

    def arrived(self, request: Request) -> None:
        if request.role != "control":
            self.log.arrived(request, [])
            request.entry["canaries"] += self.watch.arrived(request)
            self._check_host(request)

    def _check_host(self, request: Request) -> None:
        if not self.place.named:
            return
        own = self.profile.hosts.get(request.role, self.profile.hosts["registry"])
        if request.host.removesuffix(":443") != own:
            self.watch.violation("host", request, f"Host: {request.host} where {own} listens")

    def answered(self, request: Request, response: Response | None) -> None:
        if request.role != "control":
            self.log.answered(request, response)

    def broken(self, request: Request, mistake: str) -> None:
        self.watch.note("broken", request.role, f"{request.method} {request.target}", mistake)

    def malformed(self, role: str, what: str, head: bytes) -> None:
        words = head.decode("latin-1")
        found = self.watch.secrets_in(role, what, words)
        if found and what == "plain http":
            self.watch.note("secret", role, words.split("\r\n")[0], "a secret in the clear")
        self.log.malformed(role, what, [secret.split(" ")[0] for secret in found])

    def answer(self, request: Request) -> Response:
        if request.role == "control":
            return self.control.answer(request)
        return self.faults.around(request, self._route)

    def _route(self, request: Request) -> Response:
        profile = self.profile
        if request.role == "blobs":
            return self.distribution.blobs.other_origin(request)
        if request.role == profile.realm_role and request.path == profile.realm_path \
                and profile.auth == "bearer":
            return self.gate.answer_token(request, self._registry_host(request))
        response = self.vendors.answer(request)
        if response is None:
            response = self._answer_registry(request)
        for name, value in profile.headers.items():
            response.headers.append((name, value))
        if profile.warning:
            response.headers.append(("Warning", f'299 - "{profile.warning}"'))
        return response

    def _registry_host(self, request: Request) -> str:
        return self.place.base(request, "registry").split("//")[1]

    def _answer_registry(self, request: Request) -> Response:
        path, prefix = request.path, self.profile.prefix
        if prefix and path.startswith(prefix + "/"):
            key, _, rest = path.removeprefix(prefix + "/").partition("/v2/")
            if rest == "_catalog":
                return self.distribution.keyed_catalog(request, key)
            path = f"/v2/{key}/{rest}" if rest else "/v2/"
        return self.distribution.answer(request, path)


def context(options: argparse.Namespace) -> ssl.SSLContext | None:
    if not options.tls_cert:
        return None
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(options.tls_cert, options.tls_key)
    if options.client_ca:
        made.load_verify_locations(options.client_ca)
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--profile", default="distribution-2", choices=sorted(PROFILES))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--port-file")
    parser.add_argument("--log")
    parser.add_argument("--user", action="append", default=[])
    parser.add_argument("--auth", choices=("none", "basic", "bearer"))
    parser.add_argument("--made", action="append", default=[])
    parser.add_argument("--names", action="store_true")
    parser.add_argument("--tls-cert")
    parser.add_argument("--tls-key")
    parser.add_argument("--client-ca")
    parser.add_argument("--setting", action="append", default=[])
    parser.add_argument("--directory")
    parser.add_argument("--until", type=int, help="end when this process has gone")
    parser.add_argument("--address", action="append", default=[])
    parser.add_argument("--exempt", default=EXEMPT)
    return parser.parse_args(arguments)


def prepare(options: argparse.Namespace) -> Registry:
    profile = dataclasses.replace(PROFILES[options.profile])
    profile.headers = dict(profile.headers)
    users = options.user
    if options.auth:
        profile.auth = options.auth
    elif users and profile.auth == "none":
        profile.auth = "basic"
    if profile.auth != "none" and profile.anonymous == "pull,push,delete":
        profile.anonymous = ""  # the open ones are closed once they have users
    if profile.auth != "none" and not users:
        users = [f"{profile.account}:secret-of-{profile.name}"]
    for setting in options.setting:
        name, _, value = setting.partition("=")
        if not hasattr(profile, name):
            raise SystemExit(f"a profile has no {name}")
        setattr(profile, name, json.loads(value))
    registry = Registry(profile, options)
    registry.store.made |= set(options.made)
    for user in users:
        name, _, password = user.partition(":")
        registry.gate.add_user(User(name, password))
    return registry


def tell_ports(registry: Registry, path: str) -> None:
    lines = [f"{role}={port}" for role, port in registry.ports().items()]
    with open(f"{path}.new", "w", encoding="ascii") as file:
        file.write("\n".join([*lines, f"profile={registry.profile.name}"]) + "\n")
    os.rename(f"{path}.new", path)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def main() -> None:
    options = parse(sys.argv[1:])
    if options.list:
        print("\n".join(PROFILES))
        return
    sys.setswitchinterval(0.001)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    registry = prepare(options)
    registry.listen(context(options))
    if options.port_file:
        tell_ports(registry, options.port_file)
    else:
        print(json.dumps(registry.ports()), flush=True)
    try:
        while options.until is None or alive(options.until):
            time.sleep(0.5)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
