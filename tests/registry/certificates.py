#!/usr/bin/env python3
"""A certificate authority for tests, made by the openssl program.

    python3 tests/registry/certificates.py DIR [NAME...]

leaves in DIR: ca.pem, ca.key; server.pem, server.key for the NAMEs (without any: localhost,
127.0.0.1, ::1 and every host of profiles.py); expired.pem, expired.key for the same, no longer
valid; other.pem, other.key for other.example; client.pem, client.key for client authentication.
"""

from __future__ import annotations

import ipaddress
import os
import subprocess
import sys

sys.dont_write_bytecode = True

from profiles import PROFILES

LOCAL = ["localhost", "127.0.0.1", "::1"]


def openssl(*arguments: str, cwd: str, data: bytes | None = None) -> bytes:
    done = subprocess.run(["openssl", *arguments], cwd=cwd, input=data, capture_output=True,
                          check=False)
    if done.returncode:
        raise SystemExit(f"openssl {arguments[0]}: {done.stderr.decode()}")
    return done.stdout


def alternative(name: str) -> str:
    try:
        ipaddress.ip_address(name)
        return f"IP:{name}"
    except ValueError:
        return f"DNS:{name}"


def new_key(directory: str, name: str) -> None:
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
            f"{name}.key", cwd=directory)


def issue(directory: str, name: str, names: list[str], purpose: str, days: int = 3650) -> None:
    new_key(directory, name)
    openssl("req", "-new", "-key", f"{name}.key", "-subj", f"/CN=chartfs test {name}", "-out",
            f"{name}.csr", cwd=directory)
    lines = [f"extendedKeyUsage={purpose}", "basicConstraints=CA:FALSE"]
    if names:
        lines.append("subjectAltName=" + ",".join(alternative(n) for n in names))
    with open(os.path.join(directory, f"{name}.ext"), "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
            "-CAcreateserial", "-days", str(days), "-sha256", "-extfile", f"{name}.ext", "-out",
            f"{name}.pem", cwd=directory)
    for ending in ("csr", "ext"):
        os.unlink(os.path.join(directory, f"{name}.{ending}"))


def make(directory: str, names: list[str]) -> None:
    os.makedirs(directory, exist_ok=True)
    new_key(directory, "ca")
    openssl("req", "-x509", "-new", "-key", "ca.key", "-sha256", "-days", "3650", "-subj",
            "/CN=chartfs test authority", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", "ca.pem", cwd=directory)
    issue(directory, "server", names, "serverAuth")
    issue(directory, "expired", names, "serverAuth", -1)
    issue(directory, "other", ["other.example"], "serverAuth")
    issue(directory, "client", [], "clientAuth")


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        raise SystemExit(__doc__)
    hosts = sorted({host for p in PROFILES.values() for host in p.hosts.values()})
    make(sys.argv[1], sys.argv[2:] or LOCAL + hosts)


if __name__ == "__main__":
    main()
