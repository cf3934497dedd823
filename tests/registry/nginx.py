#!/usr/bin/env python3
"""nginx with TLS before a registry, for tests. Becomes nginx itself.

    nginx.py --port-file FILE --directory DIR --certificates CERTS --to PORT [--nginx PROGRAM]

CERTS was filled by certificates.py. The kernel chooses the ports, before nginx begins; FILE gets
`role=port`:

    tls       a good certificate, HTTP/2
    client    the same, and asks for a client's certificate
    expired   a certificate that is no longer valid
    other     a certificate for another host
    bare      does not tell the registry that it is reached by https
    leak      redirects blobs to the registry itself, by http

DIR/access has a line for each request: ROLE PROTOCOL METHOD PATH STATUS, and the client's subject.
"""

from __future__ import annotations

import argparse
import os
import socket

ROLES = ("tls", "client", "expired", "other", "bare", "leak")


def server(role: str, port: int, options: argparse.Namespace) -> str:
    name = role if role in ("expired", "other") else "server"
    lines = [f"listen 127.0.0.1:{port} ssl http2;",
             f"ssl_certificate {options.certificates}/{name}.pem;",
             f"ssl_certificate_key {options.certificates}/{name}.key;",
             f"set $role {role};"]
    if role == "client":
        lines += [f"ssl_client_certificate {options.certificates}/ca.pem;",
                  "ssl_verify_client on;"]
    if role == "leak":
        lines.append("location ~ /blobs/sha256: { return 307 "
                     f"http://127.0.0.1:{options.to}$request_uri; }}")
    told = "" if role == "bare" else "proxy_set_header X-Forwarded-Proto https;"
    lines.append(f"location / {{ proxy_pass http://127.0.0.1:{options.to}; {told} "
                 "proxy_set_header Host $http_host; proxy_request_buffering off; }")
    return "server {\n  " + "\n  ".join(lines) + "\n}"


def configuration(ports: dict[str, int], options: argparse.Namespace) -> str:
    directory = options.directory
    paths = "\n".join(f"{kind}_temp_path {directory}/{kind};" for kind in (
        "client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    servers = "\n".join(server(role, port, options) for role, port in ports.items())
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""daemon off;
{user}
pid {directory}/pid;
error_log {directory}/error;
events {{}}
http {{
log_format short '$role $server_protocol $request_method $request_uri $status $ssl_client_s_dn';
access_log {directory}/access short;
client_max_body_size 0;
{paths}
{servers}
}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--certificates", required=True)
    parser.add_argument("--to", type=int, required=True)
    parser.add_argument("--nginx", default="nginx")
    parser.add_argument("--until", help="not heeded: the test ends it")
    options = parser.parse_args()
    os.makedirs(options.directory, exist_ok=True)
    listeners = {role: socket.create_server(("127.0.0.1", 0), backlog=256) for role in ROLES}
    for listener in listeners.values():
        listener.setblocking(False)
        listener.set_inheritable(True)
    ports = {role: listener.getsockname()[1] for role, listener in listeners.items()}
    path = os.path.join(options.directory, "nginx.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(configuration(ports, options))
    with open(f"{options.port_file}.new", "w", encoding="ascii") as file:
        file.writelines(f"{role}={port}\n" for role, port in ports.items())
    os.rename(f"{options.port_file}.new", options.port_file)
    # What a new nginx gets from the old one when it is replaced while it runs.
    os.environ["NGINX"] = "".join(f"{listener.fileno()};" for listener in listeners.values())
    os.execvp(options.nginx, [options.nginx, "-c", path, "-e", f"{options.directory}/error"])


if __name__ == "__main__":
    main()
