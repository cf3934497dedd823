"""The control port: how a test prepares the registry, makes it fail, and asks what it saw.

Plain HTTP on loopback, JSON in and out. NAME=VALUE stands for query parameters.

    POST /charts        {"repository": R, "versions": [...] or "count": N, "same": true for one
                        manifest under all tags, "filler": bytes that do not compress}
    POST /repositories  {"names": [...] or "count": N and "prefix": P, "tags": [...]}
    POST /archive       repository=R tag=T [version=V]: the body, a .tgz, as a chart
    POST /manifest      repository=R tag=T; Content-Type and body as they are
    POST /blob          repository=R: the body; answers its digest
    POST /tag           {"repository": R, "tag": T, "digest": D or null to remove it}; any text
    POST /names         {"names": [...]}: repositories of any name, in grammar or not
    POST /made          {"names": [...]}: namespaces (repositories at ECR) made beforehand
    GET  /state         {repository: {tag: digest}}
    GET  /manifest      repository=R reference=T     GET /blob digest=D: the bytes
    GET  /archive       repository=R tag=T: the bytes of that chart's archive
    GET  /uploads       how many uploads are under way

    POST /faults        a fault or a list of them (faults.py)
    GET  /faults        with what is left and how often they struck      DELETE /faults
    POST /settings      {field: value} of the profile (profiles.py), also "headers"
    GET  /settings      only=FIELD[.KEY]: that value alone (text)
    POST /users         {"name", "password", "rights": {pattern: "pull,push,delete"}, "catalog":
                        true, "identities": [refresh tokens]}: adds or changes; tokens stay good
    DELETE /users       name=N
    POST /revoke        {"user": N} or {}: the tokens given so far become invalid
    POST /canaries      {"secret": S, "allowed": [[role, "authorization" or "body"], ...]}: a
                        secret that may turn up nowhere else; the users' own are always watched

    GET  /log           the requests seen, oldest first; filters: role=, method=, path= (shell
                        patterns), status=, agent= (a beginning), since=NUMBER, canary=1 (only
                        those that carried a secret)
    GET  /requests      the same, METHOD and target of one a line (text)
    GET  /count         how many, with the same filters (text)
    GET  /violations    what the client must not have done; kinds to leave out: except=K,K
    POST /reset         forgets log, counters and violations; faults=1 the faults too
    POST /limits        {"head-storm": N, "no-token": N, "token-storm": N}: watch.py
    GET  /ports         {role: port}
    GET  /connections   {role: how many were accepted}, those without a request included
"""

from __future__ import annotations

import dataclasses
import fnmatch
import json
from typing import Any

from auth import User
from charts import load_charts, load_repositories, put_chart
from profiles import Profile
from web import Request, Response, as_json, text


class Control:
    def __init__(self, registry: Any):
        self.registry = registry

    def answer(self, request: Request) -> Response:
        name = f"{request.method.lower()}_{request.path.strip('/')}"
        handler = getattr(self, name, None)
        if handler is None:
            return text(404, f"no such request: {request.method} {request.path}\n")
        try:
            answer = handler(request)
        except (ValueError, KeyError, TypeError) as reason:
            return text(400, f"{type(reason).__name__}: {reason}\n")
        return answer if isinstance(answer, Response) else as_json(200, answer)

    # Contents.

    def post_charts(self, request: Request) -> Any:
        return {"loaded": load_charts(self.registry.store, json.loads(request.body()))}

    def post_repositories(self, request: Request) -> Any:
        return {"loaded": load_repositories(self.registry.store, json.loads(request.body()))}

    def post_archive(self, request: Request) -> Any:
        asked = request.parameters
        digest = put_chart(self.registry.store, asked["repository"], asked["tag"],
                           request.body(), asked.get("version"))
        return {"digest": digest}

    def post_manifest(self, request: Request) -> Any:
        asked = request.parameters
        kind = request.headers.get("Content-Type") or "application/octet-stream"
        return {"digest": self.registry.store.put_manifest(
            asked["repository"], asked.get("tag"), kind, request.body())}

    def post_blob(self, request: Request) -> Any:
        return {"digest": self.registry.store.add_blob(request.parameters["repository"],
                                                       request.body())}

    def post_tag(self, request: Request) -> Any:
        wish = json.loads(request.body())
        repository = self.registry.store.ensure(wish["repository"])
        with self.registry.store.lock:
            if wish.get("digest"):
                repository.tags[wish["tag"]] = wish["digest"]
            else:
                repository.tags.pop(wish["tag"], None)
        return {}

    def post_names(self, request: Request) -> Any:
        for name in json.loads(request.body())["names"]:
            self.registry.store.ensure(name)
        return {}

    def post_made(self, request: Request) -> Any:
        self.registry.store.made |= set(json.loads(request.body())["names"])
        return {}

    def get_state(self, request: Request) -> Any:
        store = self.registry.store
        with store.lock:
            return {r.name: dict(r.tags) for r in store.repositories.values()}

    def get_manifest(self, request: Request) -> Any:
        asked = request.parameters
        found = self.registry.store.manifest(asked["repository"], asked["reference"])
        if found is None:
            return text(404, "no such manifest\n")
        return Response(200, [("Content-Type", found[1]), ("Docker-Content-Digest", found[0])],
                        found[2])

    def get_blob(self, request: Request) -> Any:
        blob = self.registry.store.blobs.get(request.parameters["digest"])
        return Response(200, [], blob.read()) if blob else text(404, "no such blob\n")

    def get_archive(self, request: Request) -> Any:
        asked = request.parameters
        found = self.registry.store.manifest(asked["repository"], asked["tag"])
        layers = json.loads(found[2])["layers"] if found else []
        for layer in layers:
            if layer["mediaType"].endswith("chart.content.v1.tar+gzip"):
                return Response(200, [], self.registry.store.blobs[layer["digest"]].read())
        return text(404, "no such chart\n")

    def get_uploads(self, request: Request) -> Any:
        return {"uploads": len(self.registry.store.uploads)}

    # Behaviour.

    def post_faults(self, request: Request) -> Any:
        wish = json.loads(request.body())
        for rule in wish if isinstance(wish, list) else [wish]:
            self.registry.faults.add(rule)
        return {}

    def get_faults(self, request: Request) -> Any:
        return [fault.told() for fault in self.registry.faults.all]

    def delete_faults(self, request: Request) -> Any:
        self.registry.faults.clear()
        return {}

    def post_settings(self, request: Request) -> Any:
        known = {field.name for field in dataclasses.fields(Profile)}
        for name, value in json.loads(request.body()).items():
            if name not in known:
                raise ValueError(f"a profile has no {name}")
            setattr(self.registry.profile, name,
                    tuple(value) if isinstance(value, list) else value)
        return {}

    def get_settings(self, request: Request) -> Any:
        value: Any = dataclasses.asdict(self.registry.profile)
        if "only" not in request.parameters:
            return value
        for key in request.parameters["only"].split("."):
            value = value[key]
        return text(200, f"{value if isinstance(value, str) else json.dumps(value)}\n")

    def post_users(self, request: Request) -> Any:
        wish = json.loads(request.body())
        user = User(wish["name"], wish["password"])
        user.rights = wish.get("rights", user.rights)
        user.catalog = wish.get("catalog", True)
        user.identities = set(wish.get("identities", ()))
        self.registry.gate.add_user(user)
        return {}

    def delete_users(self, request: Request) -> Any:
        self.registry.gate.users.pop(request.parameters["name"], None)
        return {}

    def post_revoke(self, request: Request) -> Any:
        self.registry.gate.revoke(json.loads(request.body() or b"{}").get("user"))
        return {}

    def post_canaries(self, request: Request) -> Any:
        wish = json.loads(request.body())
        self.registry.watch.add_canary(
            wish["secret"], {(role, place) for role, place in wish.get("allowed", [])})
        return {}

    # What was seen.

    def _selected(self, request: Request) -> list[dict[str, Any]]:
        asked = request.parameters
        out = []
        for entry in self.registry.log.entries():
            if not all(fnmatch.fnmatchcase(str(entry[key]), asked[key])
                       for key in ("role", "method", "status") if key in asked):
                continue
            if "path" in asked and not fnmatch.fnmatchcase(
                    entry["target"].split("?")[0], asked["path"]):
                continue
            if "canary" in asked and not entry["canaries"]:
                continue
            if not entry["agent"].startswith(asked.get("agent", "")):
                continue
            if entry["number"] > int(asked.get("since", 0)):
                out.append(entry)
        return out

    def get_log(self, request: Request) -> Any:
        return self._selected(request)

    def get_requests(self, request: Request) -> Any:
        return text(200, "".join(f"{entry['method']} {entry['target']}\n"
                                 for entry in self._selected(request)))

    def get_count(self, request: Request) -> Any:
        return text(200, f"{len(self._selected(request))}\n")

    def get_violations(self, request: Request) -> Any:
        left_out = request.parameters.get("except", "").split(",")
        with self.registry.watch.lock:
            return [v for v in self.registry.watch.violations if v["kind"] not in left_out]

    def post_reset(self, request: Request) -> Any:
        self.registry.log.reset()
        self.registry.watch.reset()
        if "faults" in request.parameters:
            self.registry.faults.clear()
        return {}

    def post_limits(self, request: Request) -> Any:
        self.registry.watch.limits |= json.loads(request.body())
        return {}

    def get_ports(self, request: Request) -> Any:
        return self.registry.ports()

    def get_connections(self, request: Request) -> Any:
        return {role: one.connections for role, one in self.registry.listeners.items()}
