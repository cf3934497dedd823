#!/usr/bin/env python3
"""Pushes odd charts (charts.py) with real helms and compares the manifests' digests with ours.

compare.py --manifest PROGRAM --registry DOCKER_REGISTRY --helm HELM [--helm HELM ...] [--pin] [NAME ...]

Where helms disagree the last one named counts. Exits 1 when anything differs. With --pin what helm
says of all charts is written into expected.txt, against which pinned.py checks without helm.
"""

import argparse
import concurrent.futures
import os
import socket
import subprocess
import sys
import tempfile
import time

import charts
import helm
import pinned

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


def theirs(name, path, port, zone, home):
    namespace = "127.0.0.1:%d/%s-%s" % (port, os.path.basename(name).lower().replace(".", "-"), zone.split("/")[0].lower())
    digest, said = helm.push(name, path, namespace, TZ=zone, HOME=home)
    return (digest, said if digest == "refused" else "")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--registry", required=True)
    parser.add_argument("--helm", action="append", required=True)
    parser.add_argument("--zones", type=int, default=2)
    parser.add_argument("--pin", action="store_true")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    zones = ZONES[:args.zones]
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        charts.write_to(folder)
        names = args.names or list(charts.charts)
        paths = [os.path.join(folder, name + ".tgz") for name in names]
        server, port = start_registry(args.registry, folder)
        try:
            for number, zone in enumerate(zones):
                mine = ours(args.manifest, paths, zone)
                # a zone only changes `created`: the second one needs but some charts
                asked = paths if number == 0 else paths[::10] + [p for p in paths if "/time-" in p]
                jobs = [(path, name) for path in asked for name in args.helm]
                with concurrent.futures.ThreadPoolExecutor(2) as pool:
                    answers = dict(zip(jobs, pool.map(lambda job: theirs(job[1], job[0], port, zone, folder), jobs)))
                for path in asked:
                    expected = answers[(path, args.helm[-1])]
                    if mine.get(path, ("missing", ""))[0] != expected[0]:
                        bad += 1
                        print("DIFFERS", zone, os.path.basename(path), "helm:", *expected, "ours:", *mine.get(path, ("missing", "")))
                    for name in args.helm[:-1]:
                        if answers[(path, name)][0] != expected[0]:
                            print("note: helms differ", zone, os.path.basename(path), os.path.basename(name), *answers[(path, name)], "newer:", *expected)
                if args.pin and not args.names and number == 0:
                    pinned.write({name: answers[(path, args.helm[-1])][0] for name, path in zip(names, paths)})
                print(zone, len(asked), "charts compared")
        finally:
            server.terminate()
            server.wait()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
