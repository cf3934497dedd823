#!/usr/bin/env python3
"""Asks real helms, and registries what is in them.

helm.py push HELM HOST/NAMESPACE FILE...
    pushes each, two at a time, and prints a line for it: FILE, the manifest's digest, NAME:TAG; or
    FILE, "refused", helm's reason (parted by tabs)
helm.py published HOST/NAMESPACE
    checks such lines of standard input: NAMESPACE holds just these manifests, none of the refused;
    prints what is otherwise, and exits 1 then
"""

import concurrent.futures
import http.client
import json
import os
import re
import subprocess
import sys

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def push(helm, path, namespace, **variables):
    """What `helm push` makes of an archive: (digest, NAME:TAG), or ("refused", reason)."""
    done = subprocess.run([helm, "push", path, "oci://" + namespace, "--plain-http"], capture_output=True,
                          encoding="utf-8", errors="replace", env={**os.environ, "GOMAXPROCS": "2", **variables})
    said = done.stderr + done.stdout
    digest = re.search(r"^Digest: (sha256:[0-9a-f]{64})$", said, re.M)
    pushed = re.search(r"^Pushed: %s/(.*)$" % re.escape(namespace), said, re.M)
    if done.returncode == 0 and digest and pushed:
        return digest.group(1), pushed.group(1)
    return "refused", (done.stderr.strip().splitlines() or ["silent"])[-1].replace("\t", " ")


def push_all(helm, namespace, paths):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for path, answer in zip(paths, pool.map(lambda path: push(helm, path, namespace), paths)):
            print(path, *answer, sep="\t")
    return 0


class Registry:
    def __init__(self, host):
        self.connection = http.client.HTTPConnection(host, timeout=60)

    def ask(self, method, path):
        self.connection.request(method, path, headers={"Accept": MANIFEST})
        reply = self.connection.getresponse()
        return reply.status, reply.headers, reply.read()

    def digest(self, repository, tag):
        status, headers, _ = self.ask("HEAD", "/v2/%s/manifests/%s" % (repository, tag))
        return headers["Docker-Content-Digest"] if status == 200 else str(status)

    def repositories(self):
        path = "/v2/_catalog?n=1000"
        while path:
            status, headers, body = self.ask("GET", path)
            if status != 200:
                raise SystemExit("%s: %d %s" % (path, status, body))
            yield from json.loads(body)["repositories"]
            following = re.match("<([^>]*)>", headers["Link"] or "")
            path = following and following.group(1)

    def tags(self, namespace):
        """All tags below a namespace, as {(repository below it, tag)}."""
        found = set()
        for repository in self.repositories():
            if repository.startswith(namespace + "/"):
                _, _, body = self.ask("GET", "/v2/%s/tags/list?n=1000" % repository)
                found |= {(repository[len(namespace) + 1:], tag) for tag in json.loads(body).get("tags") or []}
        return found


def check_published(namespace, lines):
    host, namespace = namespace.split("/", 1)
    registry = Registry(host)
    wanted = {}
    bad = 0
    for line in lines:
        path, digest, name = line.rstrip("\n").split("\t")
        if digest == "refused":
            continue
        repository, tag = name.rsplit(":", 1)
        wanted[(repository, tag)] = path
        found = registry.digest(namespace + "/" + repository, tag)
        if found != digest:
            bad = 1
            print(path, name, "should be", digest, "and is", found)
    for repository, tag in registry.tags(namespace) - set(wanted):
        bad = 1
        print("%s:%s should not be there" % (repository, tag))
    print(len(wanted), "manifests in", namespace)
    return bad


if __name__ == "__main__":
    if sys.argv[1] == "push":
        sys.exit(push_all(sys.argv[2], sys.argv[3], sys.argv[4:]))
    sys.exit(check_published(sys.argv[2], sys.stdin))
