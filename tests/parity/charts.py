#!/usr/bin/env python3
"""Writes odd charts into a folder: FOLDER/NAME.tgz, with fixed times and, for some, NAME.tgz.prov.

Each is there for one rule by which Helm reads an archive or makes config and manifest of it; some
Helm refuses. What is right is what `helm push` does: compare.py asks it.
"""

import io
import os
import struct
import sys
import tarfile
import zlib

MTIME = 1741064767  # 2025-03-04T05:06:07Z
CHART = "apiVersion: v2\nname: %s\nversion: 0.1.0\n"

charts = {}


def pack(files, **how):
    """A tar.gz of (name, content) pairs and ready TarInfo pairs."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=how.get("format", tarfile.USTAR_FORMAT)) as tar:
        for name, content in files:
            info = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            content = content.encode() if isinstance(content, str) else content
            if not isinstance(name, tarfile.TarInfo) or info.isreg():
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return raw.getvalue()


def member(data, flags=0, extra=b"", level=9, tail=None):
    body = zlib.compressobj(level, zlib.DEFLATED, -15)
    packed = body.compress(data) + body.flush()
    return b"\x1f\x8b\x08" + bytes([flags]) + bytes(6) + extra + packed + (tail or struct.pack("<II", zlib.crc32(data), len(data)))


def add_bytes(name, data, mtime=MTIME):
    if name in charts:
        raise ValueError(name + " is there twice")
    charts[name] = (data, mtime)


def add(name, yaml, *more, mtime=MTIME, **how):
    """A chart of this Chart.yaml and other files (path within the chart, content)."""
    files = [("c/Chart.yaml", yaml)] + [("c/" + path, content) for path, content in more]
    add_bytes(name, member(pack(files, **how)), mtime)


def with_lines(name, lines, *more, **how):
    """A chart of the plain Chart.yaml and these lines."""
    add(name, CHART % name + lines + "\n", *more, **how)


def add_files(name, files, **how):
    """A chart of files with their whole names; "%s" in them is the plain Chart.yaml."""
    plain = CHART % name
    add_bytes(name, member(pack([(n, plain if c == "%s" else c) for n, c in files], **how)))


# ---- what a scalar is by its text: YAML 1.1 as go-yaml v2 has it ----

SCALARS = """
2.10 1.0 1 0 -1 +1 -0 0.0 -0.0 007 0123 08 0128 0o17 0o18 0O17 0x1F 0X1f 0xfg -0x10 0b11 -0b11 0b12
1_000 1__0 1_ _1 +_1 -_1 0x_1 0_7 1_0.5 1e3 1E3 1e+3 1e-3 1.5e300 1e400 -1e400 1e-400 123456789.0
1234567.0 999999.0 1000000.0 100000.5 0.0001 0.00001 16777217.0 3.4028235e38 3.4028236e38 1.17549435e-38
1e-45 1e-46 .5 .5e3 .5_0 5. 5.e1 .e1 . .. -.5 +.5 ._5 0.1 0.3 1e21 1e20 123456789012345678901
9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809 +9223372036854775808
18446744073709551615 18446744073709551616 0xFFFFFFFFFFFFFFFF 0x10000000000000000 4294967296 9007199254740993
y Y n N yes Yes YES yEs no NO on On oN off OFF true True TRUE tRUE false False t f T F o O
~ null Null NULL nULL ~x .inf .Inf .INF .iNF +.inf -.inf -.INF .nan .NaN .NAN +.nan inf nan Infinity
2001-01-01 2001-01-01T00:00:00Z 2001-13-01 12:30:45 190:20:30 1:2 1.2.3 v1 1,000 0x 0b 0o 1e 1e+ + - -- +-1
! << = 0.1e-7 5e-324 1.7976931348623157e308 33554431.5 8388608.5 1e6 999999.5 0.30000001192092896
0x1p4 1p4 0x1.8 1_2_3_4 0777777777777777777777 00 000 0e0 0e5 00.5 -00 +0b1 0B1 -0B1 - 0b_1
""".split()

for i, scalar in enumerate(dict.fromkeys(SCALARS)):
    finite = scalar.lower().lstrip("+-") not in (".inf", ".nan")
    values = "\ndependencies: [{name: d, import-values: [ %s , {k: %s }]}]" % (scalar, scalar)
    with_lines(
        "scalar-%03d" % i,
        "appVersion: %s\nkeywords: [ %s , x]\nannotations: {k: %s }%s"
        % (scalar, scalar, scalar, values if finite else ""),
    )

for i, scalar in enumerate("1 1.5 1e2 0x10 yes n ~ null .inf -.inf .nan 2001-01-01 18446744073709551615 "
                           "123456789.0 1e300 << ! '' 'a b' \"\\u00e9\\0x\" -0.0 007".split(" ")):
    with_lines("key-%02d" % i, "annotations:\n  %s : value\nunknown: {%s : 1}" % (scalar, scalar))
    with_lines("free-key-%02d" % i, "dependencies: [{name: d, import-values: [{%s : 1, b: 2}]}]" % scalar)

TAGS = [
    "!!str 12", "!!str yes", "!!str", "!!int 12", '!!int "12"', "!!int x", "!!int 1.5", "!!float 1",
    "!!float 18446744073709551615", "!!float x", "!!bool yes", '!!bool "no"', "!!bool 1", "!!null ''",
    "!!null ~", "!!null x", "!!timestamp 2001-01-01", "!!timestamp 2001-1-1", "!!timestamp 2001-02-30",
    "!!timestamp 2001-12-14t21:59:43.10-05:00", "!!timestamp 2001-12-14 21:59:43.10",
    "!!timestamp x", "!!binary aGVsbG8=", "!!binary aGVsbG8", "!!binary '/w=='", "!!binary gICA", "!!binary ''",
    "!!binary 'aG Vs'", "!local 12", "!<tag:yaml.org,2002:int> 7", "!<tag:yaml.org,2002:str> 7", "! 12",
    '! "12"', "!!foo 12", "!!merge <<", "&a 12", "!!int &a 12", "'12'", '"12"', "|\n  12", ">-\n  12\n  13",
    "a\n  b\n  c", '"a\\\n   b"', "'it''s'", '"\\x41\\u00e9\\U0001F600\\N\\_\\L\\P\\e\\a\\b\\0\\t"', "|+\n  x\n\n",
    "|2-\n   x", ">\n  a\n\n  b\n   c\n  d", "a #b", "a#b", "a: b", "'a: b'", "a:b", "@a", "`a", "%a", "a %",
    "-a", "?a", ":a", "? a", "- a", "[a", "a]", "{a", "a}", "a,b", "\"a", "'a", "*a", "&a", '"\\q"', '"\\ud800"',
    "\ta", "a\tb", "a\t", "é", "日本", "\u00a0x\u2003y\u200bz", "a\u0085b", "a\u2028b", "\ufeffx", "a\ufeffb", "\ue000",
    "a\u00adb", "\U0001F600", "\U000e0001x", "\u0378", "\u1680x", "\u202f\u205f\u3000", "\u200e", "\u061c", "\ufffd",
    "<a> & 'b' \"c\" \\ / \u2029", "\x7f", "\x01", "a\x00b", "[]", "{}", "[x]", "{x: y}", "''", '"   "',
    "\"it\\'s\"", "\"\\'\"", "\"\\\\\\'s \\\"\\'\\\"\n  \\'s\"", "'it\\''s'", "\"it\\`s\"", "!a,b 1", "!a[b] 1", "!!st[r 1", "!![str 1", "!!str, x", "&x !a, 1", "!a{b 1",
]
for i, value in enumerate(TAGS):
    with_lines("value-%03d" % i, "description: %s\nannotations:\n  k: %s" % (value, value.replace("\n", "\n  ")))

# ---- fields: targets and types ----

FIELDS = {
    "all": "home: https://h/?a=1&b=2\nsources: [https://a, https://b]\ndescription: d\nkeywords: [k, l]\n"
    "maintainers: [{name: A, email: a@b, url: u}]\nicon: i\ncondition: c\ntags: t\nappVersion: 1\n"
    "deprecated: true\nannotations: {a: b}\nkubeVersion: '>=1'\ndependencies: [{name: d, version: 1, "
    "repository: r, condition: c, tags: [t], enabled: true, import-values: [v], alias: a}]\ntype: library",
    "unknown": "foo: bar\nbar: {a: [1, 2, {x: y}]}",
    "unknown-inf": "foo: .inf",
    "unknown-nan-deep": "foo: [{a: .nan}]",
    "unknown-null-key": "foo: {~: 1}",
    "unknown-uint-key": "foo: {18446744073709551615: 1}",
    "unknown-list-key": "foo: {[a]: 1}",
    "unknown-map-key": "? {a: b}\n: c",
    "unknown-overwritten-inf": "foo: .inf\nfoo: 1",
    "deprecated-yes": "deprecated: yes",
    "deprecated-quoted": "deprecated: 'true'",
    "deprecated-null": "deprecated: ~",
    "deprecated-1": "deprecated: 1",
    "deprecated-false": "deprecated: false",
    "tags-list": "tags: [a, b]",
    "sources-string": "sources: a",
    "sources-null": "sources: ~",
    "sources-empty": "sources: []",
    "sources-null-item": "sources: [~, b]",
    "sources-blank": "sources: ['  ', b]",
    "sources-nested": "sources: [[a]]",
    "keywords-map": "keywords: {a: b}",
    "maintainers-empty": "maintainers: [{}, {url: x}]",
    "maintainers-null": "maintainers: [~]",
    "maintainers-string": "maintainers: [a]",
    "maintainers-blank": "maintainers: [{name: ' '}]",
    "maintainers-email": "maintainers: [{email: a@b}, {name: B}, {name: C, email: ''}]",
    "maintainers-case": "maintainers: [{Name: A, EMAIL: b, nickname: x}]",
    "maintainers-folded": "maintainer\u017f: [{name: A}]\n\u212aeywords: [a]\nappVer\u017fion: 9",
    "dependencies-null": "dependencies: [~]",
    "dependencies-empty": "dependencies: [{}]",
    "dependencies-twice": "dependencies: [{name: a}, {name: a}]",
    "dependencies-alias": "dependencies: [{name: a}, {name: a, alias: b}]",
    "dependencies-alias-twice": "dependencies: [{name: b}, {name: a, alias: b}]",
    "dependencies-alias-bad": "dependencies: [{name: a, alias: 'b c'}]",
    "dependencies-alias-dot": "dependencies: [{name: a, alias: b.c}]",
    "dependencies-alias-number": "dependencies: [{name: a, alias: 1}]",
    "dependencies-name-y": "dependencies: [{name: y, version: 1.10}]",
    "dependencies-clean": "dependencies: [{name: \"a\\u200b\", version: \"1\\t2\", tags: [\"x\\u00a0\"]}]",
    "dependencies-enabled": "dependencies: [{name: a, enabled: no}, {name: b, enabled: on}]",
    "dependencies-enabled-quoted": "dependencies: [{name: a, enabled: 'on'}]",
    "dependencies-tags-string": "dependencies: [{name: a, tags: t}]",
    "dependencies-tags-null": "dependencies: [{name: a, tags: [~, 1, yes]}]",
    "import-string": "dependencies: [{name: a, import-values: data}]",
    "import-empty": "dependencies: [{name: a, import-values: []}]",
    "import-map": "dependencies: [{name: a, import-values: {a: b}}]",
    "import-mixed": "dependencies: [{name: a, import-values: [a, 1, 1.0, 1.50, ~, true, [1, [2]], {z: 1, a: {c: d}}, "
    "1e21, 1e20, 1e-6, 1e-7, -0.0, 123456789012345678901, 0.1, 100000000000000000000000]}]",
    "import-inf": "dependencies: [{name: a, import-values: [.inf]}]",
    "import-escapes": "dependencies: [{name: a, import-values: [\"<>&\\u2028\\b\\f\\x1f\", {\"<\": \"\\0\"}]}]",
    "import-case": "dependencies: [{name: a, Import-Values: [A], importvalues: [b]}]",
    "annotations-null": "annotations: ~",
    "annotations-empty": "annotations: {}",
    "annotations-list": "annotations: [a]",
    "annotations-string": "annotations: a",
    "annotations-values": "annotations: {a: ~, b: '', c: 1, d: 1.0, e: yes, f: 'x\\ny'}",
    "annotations-nested": "annotations: {a: {b: c}}",
    "annotations-order": "annotations: {b: 1, a: 2, B: 3, _: 4, '': 5, é: 6, a.b: 7, a-b: 8, '~': 9}",
    "annotations-override": "home: h\nsources: [s]\nmaintainers: [{name: m}]\ndescription: d\nannotations:\n"
    + "".join("  org.opencontainers.image.%s: own\n" % k for k in
              ("authors", "created", "description", "licenses", "source", "title", "url", "vendor", "version", "zzz")),
    "annotations-override-empty": "home: h\nannotations: {org.opencontainers.image.url: '', org.opencontainers.image.created: ''}",
    "annotations-created-null": "annotations: {org.opencontainers.image.created: ~}",
    "annotations-title-only": "annotations: {org.opencontainers.image.title: x}",
    "annotations-around": "annotations: {a: 1, org.opencontainers.image.c: 2, org.opencontainers.image.created2: 3, p: 4}",
    "annotations-unclean": "annotations: {\"a\\tb\\u200b\": \"c\\td\\u200b\\u0007\"}",
    "annotations-duplicate": "annotations: {a: 1, a: 2}",
    "annotations-clash": "annotations: {true: 1}\nfoo: bar",
    "description-blank": "description: '   '",
    "description-tabs": "description: \"\\ta\\nb\\r\\u0085\"",
    "home-blank": "home: ' '\nicon: ' '",
    "duplicates": "description: a\ndescription: b\nkeywords: [a, b]\nkeywords: [c]",
    "duplicate-null": "description: a\ndescription: ~",
    "case": "Description: upper\nICON: i\nappversion: 3\nKubeversion: x",
    "case-both": "Description: upper\ndescription: lower",
    "case-both-2": "description: lower\nDescription: upper\ndescriptioN: last",
    "case-lists": "keywords: [a, ~]\nKeywords: [x, y, z]",
    "case-maps": "annotations: {a: 1}\nAnnotations: {a: 2, b: 3}",
    "case-structs": "maintainers: [{name: a}]\nMaintainers: [{email: b}, {name: c, url: d}]",
    "merge": "x: &x {a: 1, b: 2}\nannotations: {<<: *x, b: 3, c: 4}",
    "merge-after": "x: &x {a: 1, b: 2}\nannotations: {b: 3, <<: *x}",
    "merge-list": "x: &x {a: 1}\ny: &z {a: 2, b: 2}\nannotations: {<<: [*x, *z], c: 4}",
    "merge-inline": "annotations: {<<: {a: 1}, <<: [{b: 2}, {b: 3, c: 4}]}",
    "merge-scalar": "annotations: {<<: 1}",
    "merge-alias-list": "x: &x [{a: 1}]\nannotations: {<<: *x}",
    "merge-list-scalar": "annotations: {<<: [1]}",
    "merge-quoted": "annotations: {'<<': {a: 1}}",
    "merge-quoted-text": "annotations: {'<<': a}",
    "merge-tagged": "annotations: {!!merge '<<': {a: 1}}",
    "merge-top": "x: &x {description: d, icon: i}\n<<: *x\nicon: j",
    "alias": "x: &x hello\ndescription: *x\nkeywords: [*x, *x]",
    "alias-number": "x: &x 1.10\ndescription: *x\ndependencies: [{name: a, import-values: [*x]}]",
    "alias-unknown": "description: *x",
    "alias-forward": "description: *x\nx: &x a",
    "alias-twice": "x: &x a\ny: &x b\ndescription: *x",
    "alias-self": "x: &x [*x]",
    "alias-self-map": "x: &x {a: {b: *x}}",
    "alias-key": "x: &x k\nannotations: {*x : v}",
    "alias-empty": "x: &x\ndescription: *x",
    "type-application": "type: application",
    "type-other": "type: other",
    "type-upper": "type: Application",
    "type-null": "type: ~",
    "type-space": "type: 'library '",
    "api-v1": "apiVersion: v1",
    "api-v3": "apiVersion: v3",
    "api-null": "apiVersion: ~",
    "api-empty": "apiVersion: ''",
    "api-number": "apiVersion: 2",
    "api-space": "apiVersion: ' '",
    "tab-indent": "annotations:\n\ta: b",
    "tab-after-colon": "description:\tx",
    "windows-lines": "description: a\r\nicon: b\r",
    "mac-lines": "description: a\ricon: b\r",
    "comments": "# c\ndescription: x # y\n  # z",
    "flow": "annotations: {a: b,\n c: [d],\n}",
    "flow-bad": "annotations: {a: {b: c}, d: [e}",
    "flow-no-space": "annotations: {\"a\":b, c:d, e: f}",
    "flow-question": "annotations: {? a : b, ?c: d}",
    "flow-colon-end": "annotations: {a:, b: c}",
    "flow-pairs": "unknown: [a: b, c]",
    "flow-empty-items": "unknown: [a, , b]",
    "flow-tag-comma": "unknown: [!foo, b]",
    "flow-tag-comma-last": "keywords: [!!str, a, !b,c d, &x !e, f, ! , g, !, h, '\u00e9', !i, j]",
    "flow-tag-comma-map": "unknown: {a: !b, c: d}",
    "flow-tag-bracket": "unknown: [!a]",
    "flow-tag-bracket-space": "keywords: [!a ]",
    "flow-tag-nested": "unknown: [!a[b, [c], !d {e: !f, g}]",
    "flow-tag-brace": "unknown: {a: !b}",
    "flow-tag-line": "unknown: [{a: !\u0085c>}, b]",
    "flow-tag-slash": "unknown: [!!str \"a\\/b\"]",
    "complex-key": "? icon\n: x",
    "sequence-indent": "keywords:\n- a\n- b\nsources:\n  - c\n  -  d",
    "sequence-nested": "unknown:\n- - a\n  - b\n-\n  - c",
    "literal-bad-indent": "description: |\n   a\n  b",
    "literal-tab": "description: |\n \ta\n",
    "two-documents": "---\nname: other\n",
    "document-start": "...\n",
    "document-garbage": "...\nfoo\n",
    "second-broken": "---\n[",
    "second-broken-far": "---\n# " + "x" * 2000 + "\n[\x01",
    "directive": "",
    "long-key": "x" * 1100 + ": y",
    "long-key-flow": "annotations: {" + "x" * 1100 + ": y}",
    "long-quoted-key": "\"" + "x" * 1020 + "\": y",
    "deep": "unknown: " + "[" * 200 + "]" * 200,
    "deep-block": "unknown:\n" + "".join(" " * i + "- \n" for i in range(1, 150)),
    "laughs": "a: &a [" + "x, " * 9 + "x]\n" + "".join("%s: &%s [%s]\n" % (chr(98 + i), chr(98 + i), ", ".join(["*" + chr(97 + i)] * 10)) for i in range(8)),
    "few-aliases": "a: &a [" + "x, " * 9 + "x]\n" + "".join("%s: &%s [%s]\n" % (chr(98 + i), chr(98 + i), ", ".join(["*" + chr(97 + i)] * 10)) for i in range(2)),
    "no-final-value": "description:",
    "name-again": "name: x",
}
for name, lines in FIELDS.items():
    if name.startswith("api-"):
        add(name, "name: %s\nversion: 1.0.0\n%s\n" % (name, lines))
    elif name == "directive":
        add(name, "%%YAML 1.1\n%%TAG !y! tag:yaml.org,2002:\n---\n%sappVersion: !y!str 1.10\n" % (CHART % name))
    elif name == "document-start":
        add(name, "---\n" + CHART % name + lines)
    elif name == "windows-lines":
        add(name, (CHART % name).replace("\n", "\r\n") + lines)
    else:
        with_lines(name, lines)
add("directive-1-2", "%%YAML 1.2\n---\n%s" % (CHART % "directive-1-2"))
add("directive-unknown", "%%FOO bar\n---\n%s" % (CHART % "directive-unknown"))
add("api-missing", "name: api-missing\nversion: 1.0.0\n")
add("flow-json", '{"name":"flow-json","version":"1.0.0","apiVersion":"v2","annotations":{"a":"b\\/c"}}')
add("chart-empty", "")
add("chart-null", "~")
add("chart-list", "- a")
add("chart-text", "hello")
add("chart-comment", "# nothing\n")
add("chart-bom", "\ufeff" + CHART % "chart-bom")
add("chart-two-boms", "\ufeff\ufeff" + CHART % "chart-two-boms")
add("chart-utf16", (CHART % "chart-utf16").encode("utf-16"))
add("chart-latin1", (CHART % "chart-latin1" + "description: é\n").encode("latin-1"))
add("chart-documents", "---\n# c\n---\n" + CHART % "chart-documents")
add("chart-surrogate", CHART.encode() % b"chart-surrogate" + b"description: \xed\xa0\x80\n")

# ---- names and versions ----

NAMES = ["a", "7", "a_b", "a__b", "a___b", "a.b", "a..b", "a--b", "a-", "-a", "A", "aB", "a b", "a/b", "/", ".", "..", "a+b",
         "ä", "x" * 128, "''", "' '", "'a\\tb'", '"a\\tb"', '"a\\u200bb"', "1.10", "yes", "~", "[a]", "a/", "a:b", "0x10", "''''"]
for i, name in enumerate(NAMES):
    add("name-%02d" % i, "apiVersion: v2\nname: %s\nversion: 0.1.0\n" % name)

VERSIONS = ["1", "1.2", "v1.2.3", "V1.2.3", "01.2.3", "1.02.3", "1.2.03", "latest", "'1.2.3 '", "' 1.2.3'", "1.2.3_4", "1.2.3+a+b",
            "1.2.3+a_b", "1.2.3-01", "1.2.3-0", "1.2.3-a.b-c", "1.2.3-a..b", "1.2.3+build.5", "1.2.3-rc.1+b.2", "1.2.3.4", "''", "~",
            "1.10", "1.0", "1e3", "yes", "0x10", "1.2.3-" + "a" * 122, "1.2.3-" + "a" * 123, "1.2.3+" + "a" * 100, "99999999999999999999.0.0",
            "18446744073709551615.0.0", "1.2.3-é", "vv1", "v", "1.2.3-", "1.2.3+", "1.-2.3", "1..3", ".1", "1.", "1.2-a", "1-a", "v1+b",
            '"1.2.3\\t"', '"1.2.3\\0"', "2001-01-01", "1_000", "0.0.0", "00.1.2", "1.2.3-00a", "1.2.3-0a"]
for i, version in enumerate(VERSIONS):
    add("version-%02d" % i, "apiVersion: v2\nname: v\nversion: %s\n" % version)

# ---- other files ----

REQUIREMENTS = "dependencies: [{name: r, version: 1.10, repository: x}]\n"
with_lines("requirements-v2", "", ("requirements.yaml", REQUIREMENTS))
add("requirements-v1", "name: requirements-v1\nversion: 1.0.0\napiVersion: v1\n", ("requirements.yaml", REQUIREMENTS))
with_lines("requirements-over", "dependencies: [{name: a, version: 1, alias: b, tags: [x, y]}, {name: c}, {name: d}]",
           ("requirements.yaml", "dependencies: [{name: r, tags: [z]}, {version: 2}]\ndescription: theirs\nname: ~\n"))
with_lines("requirements-null", "dependencies: [{name: a}]", ("requirements.yaml", "dependencies: ~\n"))
with_lines("requirements-empty", "dependencies: [{name: a}]", ("requirements.yaml", ""))
with_lines("requirements-list", "", ("requirements.yaml", "[]"))
with_lines("requirements-broken", "", ("requirements.yaml", "a: ["))
with_lines("requirements-twice", "", ("requirements.yaml", "dependencies: [{name: a}]"), ("requirements.yaml", "dependencies: [{version: 2}]"))
add_files("requirements-alone", [("c/requirements.yaml", CHART % "requirements-alone")])
add_files("requirements-first", [("c/requirements.yaml", "description: theirs\n"), ("c/Chart.yaml", CHART % "requirements-first" + "description: mine\n")])
add_files("requirements-no-api", [("c/requirements.yaml", "name: x\nversion: 1.0.0\n")])
with_lines("shrunk-list", "keywords: [a, b, c]\ndependencies: [{name: a, version: 1}, {name: b, version: 2}]",
           ("Chart.yaml", "keywords: [x]\ndependencies: [{name: z}]"), ("Chart.yaml", "keywords: [y, ~, ~]\ndependencies: [{}, {alias: q}]"))
with_lines("emptied-list", "keywords: [a, b, c]", ("Chart.yaml", "keywords: []"), ("Chart.yaml", "keywords: [y, ~]"))
with_lines("merged-charts", "annotations: {a: 1, b: 2}\nicon: i", ("Chart.yaml", "annotations: {b: 3, c: ~}\nicon: ~\nhome: h"))
with_lines("merged-null-map", "annotations: {a: 1}", ("Chart.yaml", "annotations: ~"))
with_lines("merged-api", "", ("Chart.yaml", "apiVersion: ''"))
with_lines("merged-import", "dependencies: [{name: a, import-values: [{a: 1, b: 2}, x]}]", ("Chart.yaml", "dependencies: [{import-values: [{a: 3}, ~]}]"))
with_lines("lock", "", ("Chart.lock", "generated: \"2021-01-01T00:00:00.123456789+01:00\"\ndigest: sha256:x\ndependencies: [{name: a, version: 1, repository: r}]\n"))
for i, lock in enumerate(["", "~", "a: [", "[]", "x", "generated: x", "generated: 2021-01-01", "generated: 2021-01-01T00:00:00Z", "generated: 1",
                          "generated: ~", "generated: ''", "generated: 2021-02-29T00:00:00Z", "generated: 2021-01-01t00:00:00z",
                          "generated: 2021-01-01T24:00:00Z", "generated: 2021-01-01T00:00:60Z", "generated: 2021-01-01T00:00:00,5Z",
                          "generated: 2021-01-01T0:00:00Z", "generated: 2021-01-01T00:00:00+24:00", "generated: 2021-01-01T00:00:00+23:59",
                          "generated: 2021-01-01T00:00:00", "generated: \"2021-01-01T00:00:00Z\\n\"", "generated: 2021-01-01T00:00:00.Z",
                          "digest: [a]", "digest: 1", "dependencies: [~]", "dependencies: [a]", "dependencies: x", "dependencies: [{name: [x]}]",
                          "x: .inf", "Digest: [x]"]):
    with_lines("lock-%02d" % i, "", ("Chart.lock", lock))
with_lines("old-lock-v2", "", ("requirements.lock", "digest: x"))
with_lines("old-lock-broken", "", ("requirements.lock", "digest: [x]"))
add_files("old-lock-alone", [("c/requirements.lock", "digest: x")])

VALUES = {
    "map": "a: 1\nb: {c: [1, 2]}\n", "quotes": "a: \"it\\'s\"\nb: [\"\\'\", {c: \"d \\'e\\' f\"}]\n", "tag-comma": "a: [!b, c]\nd: !e,f g\n", "empty": "", "null": "~", "list": "[a]", "text": "hello", "number": "1", "broken": "a: [", "tab": "\ta: b",
    "documents": "a: 1\n---\nb: 2\n", "documents-broken": "a: 1\n---\nb: [\n", "documents-list": "a: 1\n---\n[b]\n",
    "separator-text": "a: 1\n---b: 2\n", "separator-space": "a: 1\n--- \nb: 2\n", "separator-comment": "a: 1\n--- # c\nb: 2\n",
    "separator-map": "a: 1\n--- {b: 2}\n", "separator-first": "---\na: 1\n", "separator-first-text": "--- a: 1\n", "separator-first-flow": "--- {a: 1}\n",
    "separators": "---\n---\n---\n", "separator-dashes": "a: 1\n----\nb: 1\n", "separator-in-literal": "a: |\n  x\n---\nb: 1\n",
    "separator-in-literal-2": "a: |\n---x\n", "separator-nbsp": "a: 1\n---\u00a0\nb: 2\n", "end": "a: 1\n...\nb: [\n", "end-garbage": "a: 1\n...\nb\n",
    "inf": "a: .inf", "nan": "a: {b: [.nan]}", "null-key": "~: a", "uint-key": "18446744073709551615: a", "list-key": "[a]: b", "number-keys": "1: a\n1.5: b\ntrue: c\n",
    "anchors": "a: &a {b: c}\nd: {<<: *a}\n", "unknown-alias": "a: *b", "bom": "\ufeffa: 1\n", "crlf": "a: 1\r\n---\r\nb: 2\r\n", "cr": "a: 1\rb: 2\r",
    "binary": "a: !!binary x", "templates": "a: {{ .Values.b }}\n", "templates-quoted": "a: '{{ .Values.b }}'\n", "control": "a: \x01", "latin1": b"a: \xe9\n",
    "no-newline": "a: 1\n---", "long-line": "a: " + "x" * 70000 + "\n---\nb: 2", "duplicate": "a: 1\na: {b: 2}\n", "overwritten-inf": "a: .inf\na: 1\n",
    "directive": "%YAML 1.1\n---\na: 1\n", "directive-2": "a: 1\n...\n%YAML 1.1\n---\nb: 2\n", "colon-flow": "a: {b:c, d: e}\n", "url-flow": "a: [http://x:80/y, b]\n",
    "question-flow": "a: [?x, b?c]\n", "deep": "a: " + "{b: " * 300 + "1" + "}" * 300, "comment-only": "# x\n", "tabs-blank": "a: 1\n\t\nb: 2\n", "tabs-comment": "a: 1\n\t# x\nb: 2\n",
    "tab-after-dash": "a:\n-\tb\n", "tab-after-key": "a:\tb\n", "tab-flow": "a: {\n\tb: c\n}\n", "tab-end": "a: b\t\n", "quoted-multi": "a: 'x\n  y'\nb: \"x\n  y\"\n", "quoted-dash": "a: 'x\n---\n  y'\n",
    "trailing-comma": "a: [1, 2,]\n", "plain-multi": "a: b\n  c\n  d\n", "plain-colon": "a: b: c\n", "indent": "a:\n  b: 1\n c: 2\n", "hash": "a: b#c\n", "star": "a: *\n", "at": "a: @x\n",
    "percent": "a: %x\n", "plain-bracket": "a: b[c]\n", "plain-brace-flow": "a: [b{c]\n", "anchor-odd": "a: &b.c x\nd: *b.c\n", "anchor-dash": "a: &b-c_1 x\nd: *b-c_1\n", "anchor-colon": "a: &b: x\n",
    "tag-odd": "a: !x%20y b\n", "tag-bad": "a: !x!y b\n", "emoji": "😀: 😀\n", "nel": "a: b\u0085c: d\n", "ls": "a: b\u2028c: d\n", "key-colon": "a:b: c\n", "empty-key": ": a\n", "bare-dash": "a:\n  -\n  -\n", "flow-adjacent": "a: {\"b\":1,'c':2}\n",
}
for name, text in VALUES.items():
    with_lines("values-" + name, "", ("values.yaml", text))
with_lines("values-twice", "", ("values.yaml", "a: 1"), ("values.yaml", "a: ["))
with_lines("values-schema-broken", "", ("values.schema.json", "{"))
with_lines("template-broken", "", ("templates/x.yaml", "{{ nope"), ("README.md", b"\xff\xfe"), ("crds/x.yaml", "a: ["))
with_lines("values-elsewhere", "", ("x/values.yaml", "a: ["), ("templates/values.yaml", "a: ["), ("VALUES.yaml", "a: ["), ("values.yml", "a: ["))
with_lines("chart-yml", "", ("Chart.yml", "a: ["), ("chart.yaml", "a: ["), ("x/Chart.yaml", "a: ["), (".helmignore", "*"))

# ---- charts in charts/ ----

SUB = CHART % "sub"
sub = member(pack([("sub/Chart.yaml", SUB)]))
with_lines("sub-directory", "", ("charts/sub/Chart.yaml", SUB), ("charts/sub/values.yaml", "a: 1"))
with_lines("sub-directory-broken", "", ("charts/sub/Chart.yaml", "name: x"))
with_lines("sub-directory-values", "", ("charts/sub/Chart.yaml", SUB), ("charts/sub/values.yaml", "a: ["))
with_lines("sub-no-chart", "", ("charts/sub/values.yaml", "a: 1"))
with_lines("sub-file", "", ("charts/README.md", "x"))
with_lines("sub-hidden-file", "", ("charts/.gitkeep", ""), ("charts/_x", ""), ("charts/_y/z", ""), ("charts/.z.tgz", "x"))
with_lines("sub-prov", "", ("charts/sub.tgz.prov", "x"), ("charts/a/b.prov", "y"))
with_lines("sub-archive", "", ("charts/sub.tgz", sub))
with_lines("sub-archive-bom", "", ("charts/sub.tgz", b"\xef\xbb\xbf" + sub))
with_lines("sub-archive-cut", "", ("charts/sub.tgz", sub[:-20]))
with_lines("sub-archive-cut-end", "", ("charts/sub.tgz", sub[:-4]))
with_lines("sub-archive-crc", "", ("charts/sub.tgz", sub[:-8] + b"12345678"))
with_lines("sub-archive-text", "", ("charts/sub.tgz", "hello"))
with_lines("sub-archive-empty", "", ("charts/sub.tgz", ""))
with_lines("sub-archive-twice", "", ("charts/sub.tgz", sub), ("charts/sub.tgz", "hello"))
with_lines("sub-archive-twice-bad", "", ("charts/sub.tgz", "hello"), ("charts/sub.tgz", sub))
with_lines("sub-archive-directory", "", ("charts/sub.tgz/Chart.yaml", SUB))
with_lines("sub-archive-then-directory", "", ("charts/sub.tgz", sub), ("charts/sub.tgz/x", "y"))
with_lines("sub-archive-upper", "", ("charts/sub.TGZ", sub))
with_lines("sub-archive-tar-gz", "", ("charts/sub.tar.gz", sub))
with_lines("sub-archive-deep", "", ("charts/x/sub.tgz", sub), ("charts/x/Chart.yaml", SUB))
with_lines("sub-archive-no-chart", "", ("charts/sub.tgz", member(pack([("sub/values.yaml", "a: 1")]))))
with_lines("sub-archive-bad-name", "", ("charts/sub.tgz", member(pack([("sub/Chart.yaml", CHART % "Sub Chart")]))))
with_lines("sub-archive-bad-type", "", ("charts/sub.tgz", member(pack([("sub/Chart.yaml", SUB + "type: x")]))))
with_lines("sub-sub", "", ("charts/a/Chart.yaml", SUB), ("charts/a/charts/b.tgz", member(pack([("b/Chart.yaml", SUB), ("b/charts/c/Chart.yaml", SUB)]))))
with_lines("sub-sub-broken", "", ("charts/a/Chart.yaml", SUB), ("charts/a/charts/b.tgz", member(pack([("b/Chart.yaml", SUB), ("b/charts/c/x", "")]))))
with_lines("sub-requirements", "", ("charts/a/requirements.yaml", SUB))
with_lines("charts-file", "", ("charts", "x"), ("chartsx/y", ""), ("Charts/z", ""))
nested = sub
for i in range(8):
    nested = member(pack([("n/Chart.yaml", CHART % ("n%d" % i)), ("n/charts/inner.tgz", nested)]))
add_bytes("nested", nested)

# ---- names in the archive ----

for i, names in enumerate([
    ["Chart.yaml"], ["./Chart.yaml"], ["./c/Chart.yaml"], ["/c/Chart.yaml"], ["/Chart.yaml"], ["c//Chart.yaml"], ["c/./Chart.yaml"], ["c/x/../Chart.yaml"],
    ["c/../Chart.yaml"], ["../Chart.yaml"], ["c/Chart.yaml", "c//x"], ["c/Chart.yaml", "c/../x"], ["c/Chart.yaml", "c/..x"], ["c/Chart.yaml", "c/a/../.."],
    ["c/Chart.yaml", "c/a/.."], ["c/Chart.yaml", "x"], ["c/Chart.yaml", "c/"], ["c/Chart.yaml", "c/x:/y"], ["c/Chart.yaml", "c/xy:/z"], ["c/Chart.yaml", "c/x:y"],
    ["c\\Chart.yaml"], ["c\\x\\..\\Chart.yaml"], ["c/a\\Chart.yaml"], ["c\\a/Chart.yaml"], ["c/Chart.yaml", "c\\\\x"], ["c/Chart.yaml", "c\\/x"], ["c/Chart.yaml", "c\\..\\x"],
    ["c/Chart.yaml", "d/Chart.yaml"], ["a/Chart.yaml", "b/values.yaml"], ["C/CHART.YAML"], ["c/d/Chart.yaml"], ["c/Chart.yaml/"], ["Chart.yaml/Chart.yaml"], ["c/Chart.yaml", "Chart.yaml/x"],
    ["c/Chart.yaml", "Chart.yaml"], ["c/Chart.yaml", "é/日"], ["c/Chart.yaml ", "c/Chart.yaml"], ["c/Chart.yaml", "c/..."], ["c/Chart.yaml", "c/a//../../b"], ["c/Chart.yaml", "c/a//../b"],
    ["c/Chart.yaml", ".."], ["c/Chart.yaml", "../x"], ["c/Chart.yaml", "../../x"], ["c/Chart.yaml", "c/."], ["c/Chart.yaml", "/x"], ["c/Chart.yaml", "//x"], ["c/Chart.yaml", "c/C:\\x"], ["c/Chart.yaml", "c\\C:\\x"],
]):
    add_files("path-%02d" % i, [(name, "%s" if "hart.yaml" in name.lower() else "a: 1") for name in names])


def entry(name, kind=tarfile.REGTYPE, **fields):
    info = tarfile.TarInfo(name)
    info.type = kind
    for field, value in fields.items():
        setattr(info, field, value)
    return info


KINDS = {"link": tarfile.LNKTYPE, "symlink": tarfile.SYMTYPE, "char": tarfile.CHRTYPE, "block": tarfile.BLKTYPE, "fifo": tarfile.FIFOTYPE,
         "directory": tarfile.DIRTYPE, "old": tarfile.AREGTYPE, "contiguous": tarfile.CONTTYPE, "vendor": b"V"}
for name, kind in KINDS.items():
    add_files("kind-" + name, [("c/Chart.yaml", "%s"), (entry("c/x", kind, linkname="y"), "")])
    add_files("kind-chart-" + name, [(entry("c/Chart.yaml", kind, linkname="y"), CHART % "kind" if name in ("old", "contiguous") else ""), ("c/Chart.yaml", "%s")])
add_files("kind-values-symlink", [("c/Chart.yaml", "%s"), (entry("c/values.yaml", tarfile.SYMTYPE, linkname="nowhere"), "")])
add_files("kind-only-directory", [(entry("c", tarfile.DIRTYPE), "")])
add_files("kind-old-slash", [("c/Chart.yaml", "%s"), (entry("c//", tarfile.AREGTYPE), "")])
add_files("kind-mode-directory", [("c/Chart.yaml", "%s"), (entry("c//x", mode=0o40755), "")])
add_files("format-gnu", [("c/Chart.yaml", "%s"), ("c/" + "x" * 300, "y"), (entry("c/l", tarfile.SYMTYPE, linkname="z" * 300), "")], format=tarfile.GNU_FORMAT)
add_files("format-pax", [("c/Chart.yaml", "%s"), ("c/" + "x" * 300, "y"), ("c/é", "z")], format=tarfile.PAX_FORMAT)
add_files("format-prefix", [("c/Chart.yaml", "%s"), ("c/" + "d" * 90 + "/" + "x" * 80, "y")])
add_files("format-times", [(entry("c/Chart.yaml", mtime=-5), CHART % "format-times"), (entry("c/x", mtime=1e10 + .5), "")], format=tarfile.PAX_FORMAT)
add_files("format-pax-path", [(entry("wrong", pax_headers={"path": "c/Chart.yaml"}), CHART % "format-pax-path")], format=tarfile.PAX_FORMAT)
add_files("format-pax-bad", [(entry("c/Chart.yaml", pax_headers={"mtime": "x"}), CHART % "x")], format=tarfile.PAX_FORMAT)
add_files("format-pax-uid", [(entry("c/Chart.yaml", pax_headers={"uid": "1.5"}), CHART % "x")], format=tarfile.PAX_FORMAT)
add_files("format-pax-other", [(entry("c/Chart.yaml", pax_headers={"foo.bar": "x=y", "comment": "é"}), CHART % "format-pax-other")], format=tarfile.PAX_FORMAT)


def with_global(name, records):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT, pax_headers=records) as tar:
        info = tarfile.TarInfo("c/Chart.yaml")
        text = (CHART % name).encode()
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    add_bytes(name, member(raw.getvalue()))


with_global("format-global", {"comment": "x"})
with_global("format-global-path", {"path": "c/other"})
with_global("format-global-bad", {"mtime": "x"})


def header(name, size, kind=b"0", magic=b"ustar\x0000", **at):
    """A header block by hand; at: {"_OFFSET": bytes}."""
    block = bytearray(512)
    block[0:len(name)] = name
    block[100:108] = b"0000644\0"
    block[108:116] = block[116:124] = b"0000000\0"
    block[124:136] = size if isinstance(size, bytes) else b"%011o\0" % size
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[257:257 + len(magic)] = magic
    for offset, value in at.items():
        block[int(offset[1:]):int(offset[1:]) + len(value)] = value
    if "_148" not in at:
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def block_of(data):
    return data + bytes(-len(data) % 512)


END = bytes(1024)


def raw(name, tar, mtime=MTIME):
    add_bytes(name, member(tar), mtime)


def first(name):
    return block_of((CHART % name).encode())


def plain(name, **at):
    text = (CHART % name).encode()
    return header(b"c/Chart.yaml", len(text), **at) + block_of(text)


raw("tar-ok", plain("tar-ok") + END)
raw("tar-v7", plain("tar-v7", magic=b"") + END)
raw("tar-gnu", plain("tar-gnu", magic=b"ustar  \0") + END)
raw("tar-star", plain("tar-star", _508=b"tar\0") + END)
raw("tar-odd-magic", plain("tar-odd-magic", magic=b"tsar!\0") + END)
raw("tar-no-end", plain("tar-no-end"))
raw("tar-one-zero", plain("tar-one-zero") + bytes(512))
raw("tar-half-zero", plain("tar-half-zero") + bytes(700))
raw("tar-quarter-zero", plain("tar-quarter-zero") + bytes(100))
raw("tar-no-padding", plain("tar-no-padding")[:512 + len(CHART % "tar-no-padding")])
raw("tar-half-padding", plain("tar-half-padding")[:-100])
raw("tar-cut-data", plain("tar-cut-data")[:512 + 10])
raw("tar-cut-header", plain("tar-cut-header") + header(b"c/x", 0)[:200])
raw("tar-zero-then-more", plain("tar-zero-then-more") + bytes(512) + header(b"c/x", 0) + END)
raw("tar-behind-end", plain("tar-behind-end") + END + b"garbage" * 100)
raw("tar-behind-end-chart", plain("tar-behind-end-chart") + END + plain("other") + END)
raw("tar-bad-checksum", plain("tar-bad-checksum", _148=b"0000000\0") + END)
raw("tar-text-checksum", plain("tar-text-checksum", _148=b"abc\0    ") + END)
raw("tar-signed-checksum", header(b"c/\xe9", 0) + plain("tar-signed-checksum") + END)
raw("tar-bad-size", plain("tar-bad-size") + header(b"c/x", b"9\0" + b" " * 10) + END)
raw("tar-space-size", plain("tar-space-size") + header(b"c/x", b"   5 \0" + b" " * 6) + block_of(b"hello") + END)
raw("tar-binary-size", plain("tar-binary-size") + header(b"c/x", b"\x80" + bytes(10) + b"\5") + block_of(b"hello") + END)
raw("tar-huge-size", plain("tar-huge-size") + header(b"c/x", b"\x80" + bytes(3) + b"\x7f" + b"\xff" * 7) + END)
raw("tar-overflow-size", plain("tar-overflow-size") + header(b"c/x", b"\x80\xff" + b"\xff" * 10) + END)
raw("tar-negative-size", plain("tar-negative-size") + header(b"c/x", b"\xff" * 12) + END)
raw("tar-negative-link", plain("tar-negative-link") + header(b"c/x", b"\xff" * 12, kind=b"2") + END)
raw("tar-sized-link", plain("tar-sized-link") + header(b"c/x", 10, kind=b"2") + END)
raw("tar-sized-directory", plain("tar-sized-directory") + header(b"c/x", 10, kind=b"5") + END)
raw("tar-bad-mode", plain("tar-bad-mode", _100=b"x") + END)
raw("tar-bad-device", plain("tar-bad-device", _329=b"x") + END)
raw("tar-bad-device-v7", plain("tar-bad-device-v7", magic=b"", _329=b"x") + END)
raw("tar-gnu-times", plain("tar-gnu-times", magic=b"ustar  \0", _345=b"prefix") + END)
raw("tar-gnu-times-ok", plain("tar-gnu-times-ok", magic=b"ustar  \0", _345=b"00000000001\0") + END)
raw("tar-prefix", header(b"yaml", len(CHART % "tar-prefix"), _345=b"c/Chart") + first("tar-prefix") + plain("tar-prefix") + END)
raw("tar-prefix-dir", header(b"Chart.yaml", len(CHART % "tar-prefix-dir"), _345=b"c") + first("tar-prefix-dir") + END)
raw("tar-long-name", header(b"././@LongLink", 13, kind=b"L", magic=b"ustar  \0") + block_of(b"c/Chart.yaml\0") + header(b"x", len(CHART % "tar-long-name")) + first("tar-long-name") + END)
raw("tar-long-name-pax", header(b"x", 24, kind=b"x") + block_of(b"24 path=c/other-file-xx\n") + header(b"././@LongLink", 13, kind=b"L") + block_of(b"c/Chart.yaml\0") + header(b"x", len(CHART % "tar-long-name-pax")) + first("tar-long-name-pax") + END)
raw("tar-long-name-huge", header(b"l", 1 << 21, kind=b"L") + bytes(1 << 21) + plain("tar-long-name-huge") + END)
raw("tar-long-name-end", plain("tar-long-name-end") + header(b"l", 4, kind=b"L") + block_of(b"c/x\0") + END)


def pax(*records):
    text = b""
    for record in records:
        length = len(record) + 3
        length += len(str(length)) - 1 + (len(str(length + len(str(length)) - 1)) > len(str(length)))
        text += b"%d %s\n" % (len(record) + 2 + len(str(length)), record)
    return header(b"pax", len(text), kind=b"x") + block_of(text)


raw("pax-size", pax(b"size=%d" % len(CHART % "pax-size")) + header(b"c/Chart.yaml", 0) + first("pax-size") + END)
raw("pax-size-bad", pax(b"size=x") + plain("pax-size-bad") + END)
raw("pax-size-negative", pax(b"size=-1") + plain("pax-size-negative") + END)
raw("pax-size-empty", pax(b"size=") + plain("pax-size-empty") + END)
raw("pax-path-empty", pax(b"path=") + plain("pax-path-empty") + END)
raw("pax-path-nul", pax(b"path=c/a\0b") + plain("pax-path-nul") + END)
raw("pax-other-nul", pax(b"foo=c/a\0b") + plain("pax-other-nul") + END)
raw("pax-key-nul", pax(b"f\0o=x") + plain("pax-key-nul") + END)
raw("pax-no-key", pax(b"=x") + plain("pax-no-key") + END)
raw("pax-no-equals", pax(b"foo") + plain("pax-no-equals") + END)
raw("pax-twice", pax(b"path=c/x") + pax(b"comment=y") + plain("pax-twice") + END)
raw("pax-last-counts", pax(b"path=c/x", b"path=c/Chart.yaml") + plain("pax-last-counts") + END)
raw("pax-times", pax(b"mtime=1.5", b"atime=-1.999999999999", b"ctime=7.") + plain("pax-times") + END)
raw("pax-times-bad", pax(b"mtime=1.5x") + plain("pax-times-bad") + END)
raw("pax-garbage", header(b"p", 7, kind=b"x") + block_of(b"garbage") + plain("pax-garbage") + END)
raw("pax-bad-length", header(b"p", 12, kind=b"x") + block_of(b"99 path=c/x\n") + plain("pax-bad-length") + END)
raw("pax-short-length", header(b"p", 12, kind=b"x") + block_of(b"4 path=c/x \n") + plain("pax-short-length") + END)
raw("pax-no-newline", header(b"p", 11, kind=b"x") + block_of(b"11 path=c/x") + plain("pax-no-newline") + END)
raw("pax-plus-length", header(b"p", 12, kind=b"x") + block_of(b"+12 foo=c/x\n") + plain("pax-plus-length") + END)
raw("pax-then-end", plain("pax-then-end") + pax(b"path=c/x") + END)

# sparse files, as GNU tar writes them
text = (CHART % "sparse-old").encode()
raw("sparse-old", header(b"c/Chart.yaml", len(text), kind=b"S", magic=b"ustar  \0", _386=b"%011o\0%011o\0" % (0, len(text)), _483=b"%011o\0" % len(text)) + block_of(text) + END)
raw("sparse-old-hole", plain("sparse-old-hole") + header(b"c/x", 5, kind=b"S", magic=b"ustar  \0", _386=b"%011o\0%011o\0" % (512, 5), _483=b"%011o\0" % 2000) + block_of(b"hello") + END)
raw("sparse-old-bad", plain("sparse-old-bad") + header(b"c/x", 5, kind=b"S", magic=b"ustar  \0", _386=b"%011o\0%011o\0" % (512, 5), _483=b"%011o\0" % 100) + block_of(b"hello") + END)
raw("sparse-old-ustar", plain("sparse-old-ustar") + header(b"c/x", 5, kind=b"S") + block_of(b"hello") + END)
raw("sparse-old-more", plain("sparse-old-more") + header(b"c/x", 9, kind=b"S", magic=b"ustar  \0", _386=b"%011o\0%011o\0" % (0, 5), _483=b"%011o\0" % 5) + block_of(b"hello1234") + END)
raw("sparse-old-less", plain("sparse-old-less") + header(b"c/x", 3, kind=b"S", magic=b"ustar  \0", _386=b"%011o\0%011o\0" % (0, 5), _483=b"%011o\0" % 5) + block_of(b"hel") + END)
raw("sparse-0-1", pax(b"GNU.sparse.map=0,5", b"GNU.sparse.numblocks=1", b"GNU.sparse.size=100", b"GNU.sparse.name=c/real") + header(b"c/x", 5) + block_of(b"hello") + plain("sparse-0-1") + END)
raw("sparse-0-0", pax(b"GNU.sparse.size=100", b"GNU.sparse.numblocks=1", b"GNU.sparse.offset=10", b"GNU.sparse.numbytes=5") + header(b"c/x", 5) + block_of(b"hello") + plain("sparse-0-0") + END)
raw("sparse-0-1-bad", pax(b"GNU.sparse.map=0,5,7", b"GNU.sparse.numblocks=1", b"GNU.sparse.size=100") + header(b"c/x", 5) + block_of(b"hello") + plain("sparse-0-1-bad") + END)
text = (CHART % "sparse-1-0").encode()
raw("sparse-1-0", pax(b"GNU.sparse.major=1", b"GNU.sparse.minor=0", b"GNU.sparse.name=c/Chart.yaml", b"GNU.sparse.realsize=%d" % len(text))
    + header(b"GNUSparseFile.1/x", 512 + len(text)) + block_of(b"1\n0\n%d\n" % len(text)) + block_of(text) + END)
raw("sparse-1-0-bad", pax(b"GNU.sparse.major=1", b"GNU.sparse.minor=0", b"GNU.sparse.realsize=5") + header(b"c/x", 517) + block_of(b"x\n") + block_of(b"hello") + plain("sparse-1-0-bad") + END)
raw("sparse-2-0", pax(b"GNU.sparse.major=2", b"GNU.sparse.minor=0") + plain("sparse-2-0") + END)
raw("sparse-huge", plain("sparse-huge") + header(b"c/x", 5, kind=b"S", magic=b"ustar  \0", _386=b"%011o\0%011o\0" % (0, 5), _483=b"%011o\0" % (6 << 20)) + block_of(b"hello") + END)
raw("sparse-values", plain("sparse-values") + header(b"c/values.yaml", 3, kind=b"S", magic=b"ustar  \0", _386=b"%011o\0%011o\0" % (5, 3), _483=b"%011o\0" % 20) + block_of(b"a: ") + END)

# ---- sizes ----

FIVE = 5 << 20
with_lines("size-five", "", ("x", bytes(FIVE)))
with_lines("size-over-five", "", ("x", bytes(FIVE + 1)))
with_lines("size-values", "", ("values.yaml", "a: " + "x" * (1 << 20)))
with_lines("size-99", "", *[("x%d" % i, bytes(FIVE)) for i in range(19)])
with_lines("size-100", "", *[("x%d" % i, bytes(FIVE)) for i in range(20)])
with_lines("size-exact", "", *[("x%d" % i, bytes(FIVE)) for i in range(19)], ("y", bytes(FIVE - len(CHART % "size-exact" + "\n"))))
with_lines("size-exact-1", "", *[("x%d" % i, bytes(FIVE)) for i in range(19)], ("y", bytes(FIVE - len(CHART % "size-exact-1" + "\n") - 1)))
add_files("files-none", [])
add_files("files-no-chart", [("c/values.yaml", "a: 1")])

# ---- gzip ----

tar = pack([("c/Chart.yaml", CHART % "gz")])
good = member(tar)


add_bytes("gz-good", good)
add_bytes("gz-empty", b"")
add_bytes("gz-text", b"hello")
add_bytes("gz-tar", tar)
add_bytes("gz-two-bytes", good[:2])
add_bytes("gz-header-only", good[:10])
add_bytes("gz-cut", good[:60])
add_bytes("gz-no-trailer", good[:-8])
add_bytes("gz-half-trailer", good[:-4])
add_bytes("gz-bad-crc", good[:-8] + b"\0\0\0\0" + good[-4:])
add_bytes("gz-bad-length", good[:-4] + b"\0\0\0\0")
add_bytes("gz-garbage-behind", good + b"garbage")
add_bytes("gz-zeros-behind", good + bytes(100))
add_bytes("gz-members", member(tar[:700]) + member(tar[700:]))
add_bytes("gz-members-empty", member(b"") + member(tar) + member(b""))
add_bytes("gz-members-bad-crc", member(tar[:700], tail=b"x" * 8) + member(tar[700:]))
add_bytes("gz-members-garbage", member(tar[:1024]) + b"garbage")
add_bytes("gz-members-cut", member(tar[:1024]) + b"\x1f\x8b")
add_bytes("gz-no-end-bad-crc", member(tar[:1024], tail=b"x" * 8))
add_bytes("gz-no-end", member(tar[:1024]))
add_bytes("gz-name", member(tar, 8, b"name\0"))
add_bytes("gz-name-long", member(tar, 8, b"n" * 511 + b"\0"))
add_bytes("gz-name-too-long", member(tar, 8, b"n" * 512 + b"\0"))
add_bytes("gz-comment", member(tar, 16, b"\xe9\0"))
add_bytes("gz-extra", member(tar, 4, struct.pack("<H", 7) + b"extra!!"))
head = b"\x1f\x8b\x08\x02" + bytes(6)
add_bytes("gz-header-crc", member(tar, 2, struct.pack("<H", zlib.crc32(head) & 0xffff)))
add_bytes("gz-header-crc-bad", member(tar, 2, b"xx"))
add_bytes("gz-reserved-flags", member(tar, 0xe1))
add_bytes("gz-method", b"\x1f\x8b\x07" + good[3:])
add_bytes("gz-stored", member(tar, level=0))
add_bytes("gz-broken", good[:30] + b"\xff" * 10 + good[40:])
add_bytes("gz-broken-behind", b"".join([member(tar)[:-30], b"\xff" * 30]))

# ---- times ----

for i, mtime in enumerate([0, 1, -1, 1741064767, 951782400, 1e9 + 0.999, 2147483647, 4102444800, -2147483648, 1709164800]):
    add("time-%d" % i, CHART % ("time-%d" % i), mtime=mtime)

PROVENANCE = {"provenance": "anything", "provenance-empty": "", "provenance-other": "other text\n", "provenance-third": "3", "provenance-fourth": "4"}
for name in PROVENANCE:
    add(name, CHART % name)


def write_to(folder):
    os.makedirs(folder, exist_ok=True)
    for name, (data, mtime) in charts.items():
        path = os.path.join(folder, name + ".tgz")
        with open(path, "wb") as file:
            file.write(data)
        if name in PROVENANCE:
            with open(path + ".prov", "w", encoding="utf-8") as file:
                file.write(PROVENANCE[name])
        os.utime(path, (mtime, mtime))


if __name__ == "__main__":
    write_to(sys.argv[1])
    print(len(charts), "charts")
