#!/usr/bin/env python3
"""Compares the manifests that we make of the odd charts with those that helm made, as pinned in
expected.txt by compare.py --pin. One test for each family of charts; TAP.

pinned.py [BUILD]      the folder of the build to test (.build)
"""

import hashlib
import os
import subprocess
import sys
import tempfile

import charts

EXPECTED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.txt")
SHOWN = 16  # hexadecimal digits of a digest that are written down


def mark(name):
    """Tells one archive and provenance from others."""
    return hashlib.sha256(charts.charts[name][0] + charts.PROVENANCE.get(name, "").encode()).hexdigest()[:SHOWN]


def shorten(digest):
    return digest if digest == "refused" else digest[len("sha256:"):][:SHOWN]


def write(digests):
    with open(EXPECTED, "w", encoding="utf-8") as file:
        file.write("# NAME, sha256 of archive and provenance, sha256 of helm 4.1.4's manifest (TZ=UTC); %d digits\n" % SHOWN)
        for name, digest in sorted(digests.items()):
            file.write("%s %s %s\n" % (name, mark(name), shorten(digest)))


def read():
    with open(EXPECTED, encoding="utf-8") as file:
        return {line.split()[0]: line.split()[1:] for line in file if not line.startswith("#")}


def ask(program):
    """{name: (digest or "refused", reason)} by the encoder; names that it did not answer are absent."""
    with tempfile.TemporaryDirectory() as folder:
        charts.write_to(folder)
        paths = "".join("%s/%s.tgz\n" % (folder, name) for name in charts.charts)
        done = subprocess.run([program], input=paths, stdout=subprocess.PIPE, encoding="utf-8", errors="replace",
                              env={**os.environ, "TZ": "UTC"}, check=False)
    answers = {}
    for line in done.stdout.splitlines():
        path, digest, *reason = line.split("\t")
        answers[os.path.basename(path)[:-len(".tgz")]] = (shorten(digest), " ".join(reason))
    return answers, done.returncode


def main():
    build = sys.argv[1] if len(sys.argv) > 1 else ".build"
    expected = read()
    answers, status = ask(os.path.join(build, "parity", "manifest"))
    families = {}
    for name in charts.charts:
        families.setdefault(name.split("-")[0], []).append(name)
    print("1..%d" % (len(families) + 1))
    print("ok 1" if status == 0 and set(expected) == set(charts.charts) else "not ok 1",
          "- the encoder ends well (%d), and each of %d charts is pinned" % (status, len(charts.charts)))
    bad = status != 0
    for number, (family, names) in enumerate(families.items(), 2):
        # Another Python or zlib may pack the same chart into other bytes; that is told.
        known = [name for name in names if expected.get(name, [""])[0] == mark(name)]
        wrong = [name for name in known if answers.get(name, ["nothing"])[0] != expected[name][1]]
        other = len(names) - len(known)
        wrong_here = wrong or (other and os.environ.get("CI") == "true")
        bad = bad or wrong_here
        print("%s %d - %s: %d charts%s" % ("not ok" if wrong_here else "ok", number, family, len(known),
              " # skip %d archives are other bytes than those pinned" % other if other else ""))
        for name in wrong:
            print("# %s: helm %s, ours %s" % (name, expected[name][1], " ".join(answers.get(name, ["nothing"]))))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
