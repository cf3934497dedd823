#!/usr/bin/env python3
"""Drives every profile through what a client does, and the tools beside it. TAP on stdout.

    python3 tests/registry/selftest.py [PROFILE...]      or: prove tests/registry/selftest.py
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from typing import Any

sys.dont_write_bytecode = True

from charts import make_archive
from client import ACCEPT, Client
from profiles import PROFILES, Profile
from proxy import read_ports
from store import digest_of

HERE = os.path.dirname(os.path.abspath(__file__))
CATALOG_STATUS = {"missing": -404, "keyed": -404, "denied": -401}


class Tap:
    count = failed = 0

    def is_(self, got: Any, wanted: Any, what: str) -> None:
        self.count += 1
        good = got == wanted
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {what}")
        if not good:
            print(f"#      got: {str(got)[:800]}\n# expected: {str(wanted)[:800]}")
        sys.stdout.flush()


tap = Tap()


class Program:
    """One of the servers, started; its ports."""

    def __init__(self, directory: str, script: str, *arguments: str):
        self.file = os.path.join(directory, f"{script}-{time.monotonic_ns()}.ports")
        self.process = subprocess.Popen([
            sys.executable, os.path.join(HERE, script), "--port-file", self.file, "--until",
            str(os.getpid()), *arguments])
        ends = time.monotonic() + 60
        while not os.path.exists(self.file):
            if self.process.poll() is not None or time.monotonic() > ends:
                raise SystemExit(f"Bail out! {script} does not start")
            time.sleep(0.02)
        self.ports = read_ports(self.file)

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()

    def url(self, role: str = "registry", scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.ports[role]}"

    def control(self, method: str, path: str, value: Any = None) -> Any:
        body = json.dumps(value).encode() if value is not None else None
        answer = Client("").send(method, self.url("control") + path, body)
        if answer.status != 200:
            raise SystemExit(f"Bail out! {method} {path}: {answer.status} {answer.body!r}")
        return answer.json()

    def violations(self) -> list[str]:
        return [f"{v['kind']}: {v['request']}: {v['detail']}"
                for v in self.control("GET", "/violations")]

    def kinds(self) -> list[str]:
        kinds = sorted({v["kind"] for v in self.control("GET", "/violations")})
        self.control("POST", "/reset?faults=1")
        return kinds


def client_for(program: Program, profile: Profile) -> Client:
    if profile.auth == "none":
        return Client(program.url())
    return Client(program.url(), profile.account, f"secret-of-{profile.name}")


def test_profile(directory: str, profile: Profile) -> None:
    label = profile.name
    log = os.path.join(directory, f"{label}.log")
    with Program(directory, "registry.py", "--profile", label, "--log", log) as program:
        client = client_for(program, profile)
        name = "team/store/app"
        tap.is_(client.ask("GET", "/v2/").status, 200, f"{label}: /v2/")
        data = make_archive("app", "1.0.0")
        if profile.made_levels:
            refused = client.push(name, "1.0.0", data)
            tap.is_(refused.status, profile.not_made[0], f"{label}: must be made first")
            made = name.split("/")[:profile.made_levels] if profile.made_levels > 0 else [name]
            program.control("POST", "/made", {"names": ["/".join(made)]})
        tap.is_(client.push(name, "1.0.0", data).status, 201, f"{label}: push")
        manifest = client.manifest(name, "1.0.0")
        layer = manifest.json()["layers"][0]["digest"]
        tap.is_(client.blob(name, layer).body, data, f"{label}: pull gives the same bytes")
        test_listings(program, profile, client, label)
        test_changes(program, profile, client, name, label)
        tap.is_(program.violations(), [], f"{label}: a good client has no violations")
    with open(log, encoding="utf-8") as file:
        entries = [json.loads(line) for line in file]
    carried = [e["url"] for e in entries if e["canaries"] and e["role"] in ("blobs",)]
    tap.is_(carried, [], f"{label}: no secret at the other origin")
    if profile.redirect:
        tap.is_(any(e["role"] == "blobs" for e in entries), True,
                f"{label}: blobs came from the other origin")


def test_listings(program: Program, profile: Profile, client: Client, label: str) -> None:
    tags = [f"1.{n}.0" for n in range(250)]
    program.control("POST", "/charts", {"repository": "team/store/many", "versions": tags,
                                        "same": True})
    got, pages = client.pages("/v2/team/store/many/tags/list?n=100", "tags",
                              "pull team/store/many")
    tap.is_(sorted(got), sorted(tags), f"{label}: 250 tags")
    tap.is_(pages, 1 if profile.paging == "none" else 3, f"{label}: in so many pages")
    program.control("POST", "/repositories", {"prefix": "team/store/r", "count": 250})
    got, pages = client.pages("/v2/_catalog?n=100", "repositories", "catalog")
    if profile.catalog in CATALOG_STATUS:
        tap.is_(pages, CATALOG_STATUS[profile.catalog], f"{label}: no catalog")
    else:
        tap.is_((len(got), len(set(got)), pages), (252, 252, 3), f"{label}: catalog")
    unknown = client.ask("GET", "/v2/team/store/nothing/tags/list", None, None, "pull nothing")
    tap.is_(unknown.status, 403 if label == "ghcr" else 404, f"{label}: unknown repository")


def test_changes(program: Program, profile: Profile, client: Client, name: str,
                 label: str) -> None:
    other = make_archive("app", "1.0.0", 100)
    program.control("POST", "/settings", {"immutable": True})
    tap.is_(client.push(name, "1.0.0", other).status, profile.immutable_error[0],
            f"{label}: immutable tag")
    program.control("POST", "/settings", {"immutable": False, "quota": True})
    tap.is_(client.push_blob(name, b"new").status, profile.quota_error[0], f"{label}: quota")
    program.control("POST", "/settings", {"quota": False})
    tap.is_(client.push(name, "1.0.0", other).status, 201, f"{label}: overwrite")
    digest = digest_of(client.manifest(name, "1.0.0").body)
    mounted = client.ask("POST", f"/v2/team/store/copy/blobs/uploads/?mount={digest_of(other)}"
                         f"&from={name}", b"", None, "mount")
    wanted = {"yes": 201, "any": 201, "never": 202, "error": 405}[profile.mount]
    if profile.made_levels < 0:
        wanted = 404
    tap.is_(mounted.status, wanted, f"{label}: mount")
    asked = client.ask("GET", f"/v2/{name}/referrers/{digest}", None, None, f"pull {name}")
    tap.is_(asked.status, 200 if profile.referrers else profile.referrers_error[0],
            f"{label}: referrers")
    removed = client.ask("DELETE", f"/v2/{name}/manifests/1.0.0", None, None, f"delete {name}")
    tap.is_(removed.status, (profile.tag_delete or (202,))[0], f"{label}: delete by tag")
    removed = client.ask("DELETE", f"/v2/{name}/manifests/{digest}", None, None,
                         f"delete {name}")
    tagged = profile.tag_delete is not None and not profile.delete_tagged
    tap.is_(removed.status, 400 if tagged else (profile.digest_delete or (202,))[0],
            f"{label}: delete by digest")


FAULTS: list[tuple[dict[str, Any], Any]] = [
    ({"action": "status", "status": 503, "headers": {"Retry-After": "1"}}, 503),
    ({"action": "redirect", "location": "http://127.0.0.1:1/"}, 307),
    ({"action": "delay", "seconds": 0.1}, 200),
    ({"action": "slow", "after": 5, "seconds": 0.1}, 200),
    ({"action": "drip", "seconds": 0.0001}, 200),
    ({"action": "refuse"}, "cut"), ({"action": "refuse", "reset": True}, "cut"),
    ({"action": "cut", "after": 5}, "cut"), ({"action": "drop"}, "cut"),
    ({"action": "length", "delta": 5}, "cut"),
    ({"action": "truncate", "after": 5}, b'{"nam'),
    ({"action": "corrupt"}, "other"),
    ({"action": "replace", "body": "{junk"}, b"{junk"),
    ({"action": "raw", "body": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"}, b"hi"),
]


def test_faults(directory: str) -> None:
    with Program(directory, "registry.py") as program:
        client = Client(program.url())
        program.control("POST", "/charts", {"repository": "a/app", "count": 2})
        path = "/v2/a/app/tags/list"
        right = client.ask("GET", path).body
        for fault, wanted in FAULTS:
            program.control("POST", "/faults", {"path": "*/tags/list", **fault})
            got: Any
            try:
                answer = client.ask("GET", path)
                got = answer.status if isinstance(wanted, int) else answer.body
            except Exception:  # http.client has many for a connection that ends
                got = "cut"
            if wanted == "other":
                got = "other" if got != right and len(got) == len(right) else got
            tap.is_(got, wanted, f"fault {json.dumps(fault)}")
            tap.is_(client.ask("GET", path).body, right, "and only once")
        program.control("DELETE", "/faults")
        program.control("POST", "/faults", {"method": "PUT", "path": "*/manifests/*",
                                            "action": "drop"})
        try:
            client.push("a/app", "9.9.9", make_archive("app", "9.9.9"))
        except Exception:
            pass
        tap.is_(client.manifest("a/app", "9.9.9").status, 200, "a dropped answer: it is stored")
        program.control("POST", "/faults", {"path": "*/tags/list", "action": "pages",
                                            "count": -1, "kind": "repeat"})
        answer = client.ask("GET", path)
        tap.is_(answer.link(), answer.url, "a page that links to itself")
        # Who waits for a black hole is released when it is taken away.
        program.control("DELETE", "/faults")
        program.control("POST", "/faults", {"path": "*/tags/list", "action": "hang"})
        hanging = subprocess.Popen(["curl", "-s", "-m", "60", program.url() + path])
        while all(e["done"] for e in program.control("GET", "/log")):
            time.sleep(0.02)
        program.control("DELETE", "/faults")
        tap.is_(hanging.wait(), 52, "a hanging request ends with its fault")


def test_violations(directory: str) -> None:
    with Program(directory, "registry.py", "--profile", "hub") as program:
        client = client_for(program, PROFILES["hub"])
        program.control("POST", "/charts", {"repository": "a/app", "versions": ["1.0.0"]})
        basic = client.basic_value()
        base, token = program.url(), program.url("token")
        bad: list[tuple[str, str, str, dict[str, str], str]] = [
            ("secret", "GET", base + "/v2/", {"Authorization": basic}, "password at the registry"),
            ("secret", "GET", base + "/v2/a/app/tags/list?n=secret-of-hub", {}, "in a URL"),
            ("name", "GET", base + "/v2/A/App/tags/list", {}, "upper case"),
            ("name", "GET", base + "/v2/a/.git/tags/list", {}, "no repository"),
            ("encoding", "GET", base + "/v2/a%2Fapp/tags/list", {}, "an escaped slash"),
            ("unknown", "GET", base + "/v1/search", {}, "another interface"),
            ("scope", "GET", token + "/token?service=registry.docker.io&scope=repository:a/app:"
             "write", {}, "no such action"),
            ("scope", "GET", token + "/token?service=other", {}, "another service"),
            ("location", "GET", program.url("blobs") + "/layers/x", {}, "a made up Location"),
            ("authorization", "GET", program.url("blobs") + "/layers/x",
             {"Authorization": "Bearer x"}, "a token at the other origin"),
            ("foreign-token", "GET", base + "/v2/a/app/tags/list",
             {"Authorization": "Bearer crt.0123.abc"}, "another server's token"),
        ]
        for kind, method, url, headers, what in bad:
            client.send(method, url, None, headers)
            tap.is_(kind in program.kinds(), True, f"violation {kind}: {what}")
        client.ask("GET", "/v2/a/app/manifests/1.0.0", None, {}, "pull")
        tap.is_(program.kinds(), ["accept"], "violation accept")
        for _ in range(40):
            client.ask("HEAD", "/v2/a/app/manifests/1.0.0", None, {"Accept": ACCEPT}, "pull")
        tap.is_(program.kinds(), ["head-storm"], "violation head-storm")
        for _ in range(40):
            client.send("GET", base + "/v2/a/app/tags/list")
        tap.is_(program.kinds(), ["no-token"], "violation no-token")
        scope = "push a/app"
        start = client.ask("POST", "/v2/a/app/blobs/uploads/", b"", None, scope)
        place = start.headers["Location"].replace("%2b", "%2B") + "&digest=" + digest_of(b"x")
        client.ask("PUT", place, b"x", {"Content-Type": "application/octet-stream"}, scope)
        tap.is_(program.kinds(), ["location"], "violation location: escaped anew")
        program.control("POST", "/canaries", {"secret": "hunter2-of-elsewhere"})
        client.send("GET", base + "/v2/", None, {"Authorization": "Basic " + base64.b64encode(
            b"me:hunter2-of-elsewhere").decode()})
        tap.is_(program.kinds(), ["authorization", "secret"], "violation secret: another host's")
        program.control("POST", "/settings", {"pull_limit": 1})
        got = [client.manifest("a/app", "1.0.0") for _ in range(2)]
        tap.is_([(a.status, a.headers["Ratelimit-Remaining"]) for a in got],
                [(200, "0;w=21600"), (429, "0;w=21600")], "hub: the limit of pulls")
        client.send("GET", base + "/v2/", None, {"User-Agent": "curl/8", "Authorization": basic})
        tap.is_(program.kinds(), [], "other programs are not judged")


def test_oauth(directory: str) -> None:
    with Program(directory, "registry.py", "--profile", "acr") as program:
        program.control("POST", "/users", {"name": "me", "password": "directory-token"})
        client = Client(program.url())
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = client.send("POST", program.url() + "/oauth2/exchange", b"grant_type=access_token"
                             b"&service=x&access_token=directory-token", form)
        refresh = answer.json()["refresh_token"]
        host = program.url().removeprefix("http://")
        answer = client.send("POST", program.url() + "/oauth2/token", (
            f"grant_type=refresh_token&service={host}&scope=repository:a/b:pull,push"
            f"&refresh_token={refresh}").encode(), form)
        client.tokens["push a/b"] = answer.json()["access_token"]
        tap.is_(client.push("a/b", "1.0.0", b"layer").status, 201, "acr: identity token")
        tap.is_(program.violations(), [], "acr: no violations")


def test_names(directory: str) -> None:
    tls = os.path.join(directory, "tls")
    subprocess.run([sys.executable, os.path.join(HERE, "certificates.py"), tls], check=True)
    pair = ("--tls-cert", f"{tls}/server.pem", "--tls-key", f"{tls}/server.key")
    trust = ssl.create_default_context(cafile=f"{tls}/ca.pem")
    with Program(directory, "registry.py", "--profile", "hub", "--names", *pair) as program, \
            Program(directory, "proxy.py", "--registry", program.file) as proxy:
        client = Client("https://registry-1.docker.io", "user", "secret-of-hub", trust,
                        int(proxy.ports["proxy"]))
        tap.is_(client.push("me/app", "1.0.0", b"layer").status, 201, "names: push")
        tap.is_(client.blob("me/app", digest_of(b"layer")).body, b"layer", "names: pull")
        listing = client.send("GET", "https://hub.docker.com/v2/repositories/me/?page_size=100")
        tap.is_(listing.json()["results"][0]["name"], "app", "names: the vendor's listing")
        hosts = {e["url"].split("/")[2] for e in program.control("GET", "/log")}
        tap.is_(hosts, set(PROFILES["hub"].hosts.values()), "names: every host was asked")
        tap.is_(program.violations(), [], "names: no violations")
        plain = Client("").send("GET", program.url() + "/v2/", None,
                                {"Authorization": client.basic_value()})
        tap.is_((plain.status, program.kinds()), (400, ["secret"]), "a secret in the clear")
    with Program(directory, "registry.py", *pair, "--client-ca", f"{tls}/ca.pem") as program:
        mutual = ssl.create_default_context(cafile=f"{tls}/ca.pem")
        mutual.load_cert_chain(f"{tls}/client.pem", f"{tls}/client.key")
        client = Client(program.url(scheme="https"), tls=mutual)
        tap.is_(client.ask("GET", "/v2/").status, 200, "tls: with a client certificate")
        try:
            got = str(Client(program.url(scheme="https"), tls=trust).ask("GET", "/v2/").status)
        except OSError:
            got = "refused"
        tap.is_(got, "refused", "tls: without one")


def test_tokens(directory: str) -> None:
    place = os.path.join(directory, "tokens")
    with Program(directory, "tokens.py", "--directory", place, "--user", "me:pw") as program:
        client = Client("", "me", "pw")
        challenge = (f'Bearer realm="{program.url("token")}/token",service="registry",'
                     'scope="repository:a/b:pull,push"')
        header, claims, signature = client.fetch_token(challenge).split(".")
        for part, data in (("words", f"{header}.{claims}".encode()),
                           ("signature", base64.urlsafe_b64decode(signature + "=="))):
            with open(f"{place}/{part}", "wb") as file:
                file.write(data)
        key = subprocess.run(["openssl", "x509", "-in", f"{place}/token.pem", "-noout", "-pubkey"],
                             capture_output=True, check=True).stdout
        with open(f"{place}/public", "wb") as file:
            file.write(key)
        verified = subprocess.run([
            "openssl", "dgst", "-sha256", "-verify", f"{place}/public", "-signature",
            f"{place}/signature", f"{place}/words"], capture_output=True, check=False)
        tap.is_(verified.returncode, 0, "tokens: the signature verifies")
        access = json.loads(base64.urlsafe_b64decode(claims + "=="))["access"]
        tap.is_(access, [{"type": "repository", "name": "a/b", "actions": ["pull", "push"]}],
                "tokens: access")
        tap.is_(Client("", "me", "wrong").fetch_token(challenge), "", "tokens: wrong password")
        registry = os.environ.get("REGISTRY") or shutil.which("docker-registry")
        if registry:
            test_real_registry(directory, registry, place, program)
        else:
            print("# no docker-registry: its token authentication is not tried")


def test_real_registry(directory: str, program: str, place: str, tokens: Program) -> None:
    for _ in range(5):  # it cannot bind port 0 and tell: try again if somebody was faster
        import socket

        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        config = {"version": 0.1, "log": {"level": "error"},
                  "storage": {"filesystem": {"rootdirectory": f"{directory}/store"}},
                  "http": {"addr": f"127.0.0.1:{port}"},
                  "auth": {"token": {"realm": tokens.url("token") + "/token",
                                     "service": "registry", "issuer": "chartfs-test",
                                     "rootcertbundle": f"{place}/token.pem"}}}
        path = os.path.join(directory, "config.yml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        process = subprocess.Popen([program, "serve", path], stderr=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL)
        client = Client(f"http://127.0.0.1:{port}", "me", "pw")
        try:
            while process.poll() is None:
                try:
                    client.send("GET", client.base + "/v2/")
                    break
                except OSError:
                    time.sleep(0.05)
            if process.poll() is None:
                tap.is_(client.push("a/b", "1.0.0", b"layer").status, 201,
                        "tokens: docker-registry takes them")
                return
        finally:
            process.terminate()
            process.wait()


def test_slow(directory: str) -> None:
    with Program(directory, "registry.py") as program, Program(
            directory, "slow.py", "--to", program.ports["registry"], "--delay", "50") as slow:
        client = Client(slow.url("slow"))
        begun = time.monotonic()
        tap.is_(client.ask("GET", "/v2/").status, 200, "slow: an answer")
        tap.is_(time.monotonic() - begun >= 0.19, True, "slow: after two round trips of 100 ms")
        slow.control("POST", "/set", {"delay": 0, "cut_after": 10})
        for what, path in (("cut", "/cut"), ("down", "/down")):
            try:
                got = str(client.ask("GET", "/v2/").status)
            except Exception:
                got = "broken"
            tap.is_(got, "broken", f"slow: {what}")
            slow.control("POST", path)
        slow.control("POST", "/up")
        slow.control("POST", "/set", {"cut_after": 0})
        tap.is_(client.ask("GET", "/v2/").status, 200, "slow: up again")


def main() -> None:
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="selftest-") as directory:
        for name, profile in PROFILES.items():
            if not wanted or name in wanted:
                test_profile(directory, profile)
        if not wanted:
            for test in (test_faults, test_violations, test_oauth, test_names, test_tokens,
                         test_slow):
                test(directory)
    print(f"1..{tap.count}")
    sys.exit(tap.failed > 0)


if __name__ == "__main__":
    main()
