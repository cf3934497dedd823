#!/usr/bin/env python3
"""Pushes odd charts (charts.py) with real helms and compares the manifests' digests with ours.

compare.py --manifest PROGRAM --registry DOCKER_REGISTRY --helm HELM [--helm HELM ...] [NAME ...]

Where helms disagree the last one named counts. Exits 1 when anything differs.
"""

import argparse
import concurrent.futures
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

import charts

ZONES = ("UTC", "Asia/Tokyo", "America/St_Johns")


def start_registry(program, folder):
    """docker-registry cannot say which port it got, so that one is tried until one is free."""
    for _ in range(20):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = os.path.join(folder, "registry.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s/data}}\n"
                       "http: {addr: '127.0.0.1:%d'}\n" % (folder, port))
        server = subprocess.Popen([program, "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while server.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return server, port
            except OSError:
                time.sleep(0.05)
        server.kill()
        server.wait()
    raise SystemExit("no registry could be started")


def ours(program, paths, zone):
    done = subprocess.run([program], input="\n".join(paths) + "\n", capture_output=True, check=True,
                          encoding="utf-8", errors="replace", env={**os.environ, "TZ": zone})
    answers = {}
    for line in done.stdout.splitlines():
        path, answer, *reason = line.split("\t")
        answers[path] = (answer, " ".join(reason))
    return answers


def theirs(helm, path, port, zone, home):
    name = "%s-%s" % (os.path.basename(helm).lower().replace(".", "-"), zone.split("/")[0].lower())
    done = subprocess.run([helm, "push", path, "oci://127.0.0.1:%d/%s" % (port, name), "--plain-http"], capture_output=True,
                          encoding="utf-8", errors="replace", env={**os.environ, "TZ": zone, "HOME": home, "GOMAXPROCS": "2"})
    digest = re.search(r"^Digest: (sha256:[0-9a-f]{64})$", done.stderr + done.stdout, re.M)
    if done.returncode == 0 and digest:
        return digest.group(1), ""
    return "refused", (done.stderr.strip().splitlines() or ["silent"])[-1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--registry", required=True)
    parser.add_argument("--helm", action="append", required=True)
    parser.add_argument("--zones", type=int, default=2)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    zones = ZONES[:args.zones]
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        sys.argv = ["charts.py", folder]
        charts.main()
        names = args.names or list(charts.charts)
        paths = [os.path.join(folder, name + ".tgz") for name in names]
        server, port = start_registry(args.registry, folder)
        try:
            for number, zone in enumerate(zones):
                mine = ours(args.manifest, paths, zone)
                # a zone only changes `created`: the second one needs but some charts
                asked = paths if number == 0 else paths[::10] + [p for p in paths if "/time-" in p]
                jobs = [(path, helm) for path in asked for helm in args.helm]
                with concurrent.futures.ThreadPoolExecutor(2) as pool:
                    answers = dict(zip(jobs, pool.map(lambda job: theirs(job[1], job[0], port, zone, folder), jobs)))
                for path in asked:
                    expected = answers[(path, args.helm[-1])]
                    if mine.get(path, ("missing", ""))[0] != expected[0]:
                        bad += 1
                        print("DIFFERS", zone, os.path.basename(path), "helm:", *expected, "ours:", *mine.get(path, ("missing", "")))
                    for helm in args.helm[:-1]:
                        if answers[(path, helm)][0] != expected[0]:
                            print("note: helms differ", zone, os.path.basename(path), os.path.basename(helm), *answers[(path, helm)], "newer:", *expected)
                print(zone, len(asked), "charts compared")
        finally:
            server.terminate()
            server.wait()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
