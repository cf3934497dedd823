"""The interfaces of their own that registries have beside /v2/: listings, tags, token exchange."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from auth import Gate, User, errors, repository_scope
from profiles import Profile
from store import Store
from watch import Watch, credential
from web import Request, Response, as_json, text

HARBOR = "/api/v2.0"


class Vendors:
    def __init__(self, profile: Profile, store: Store, gate: Gate, watch: Watch, place: Any):
        self.profile, self.store, self.gate = profile, store, gate
        self.watch, self.place = watch, place

    def answer(self, request: Request) -> Response | None:
        """None: it is not theirs."""
        if request.role == "api":
            return self._hub(request)
        if self.profile.name == "harbor" and request.path.startswith(HARBOR + "/"):
            return self._harbor(request)
        if self.profile.name == "quay" and request.path == "/api/v1/repository":
            return self._quay(request)
        if self.profile.name == "acr":
            return self._acr(request)
        return None

    def _unknown(self, request: Request) -> Response:
        self.watch.violation("unknown", request, "no registry has this")
        return text(404, "404 page not found\n")

    def _slice(self, request: Request, entries: list[Any]) -> tuple[list[Any], int, int, bool]:
        asked = request.parameters
        page = max(1, int(asked.get("page") or 1))
        size = min(100, max(1, int(asked.get("page_size") or 10)))
        shown = entries[(page - 1) * size:page * size]
        return shown, page, size, page * size < len(entries)

    # Docker Hub.

    def _hub(self, request: Request) -> Response:
        if request.path in ("/v2/auth/token", "/v2/users/login", "/v2/users/login/"):
            return self._hub_login(request)
        match = re.fullmatch(r"/v2/(?:repositories|namespaces)/([^/]+)/(?:repositories/?)?",
                             request.path)
        if not match or request.method != "GET":
            return self._unknown(request)
        scheme, secret = credential(request.headers.get("Authorization"))
        token = self.gate.tokens.get(secret)
        if scheme and (token is None or token.revoked):
            return as_json(401, {"detail": "Invalid token"})
        namespace = match[1]
        if scheme not in ("bearer", "jwt") and "pull" not in self.profile.anonymous:
            return as_json(200, {"count": 0, "next": None, "previous": None, "results": []})
        names = [n.split("/", 1)[1] for n in self.store.catalog("bytes")
                 if n.startswith(namespace + "/")]
        if not names:
            return as_json(404, {"message": "object not found", "errinfo": {
                "namespace": namespace}})
        shown, page, size, more = self._slice(request, names)
        base = self.place.base(request, "api")
        following = f"{base}{request.path}?page={page + 1}&page_size={size}" if more else None
        results = [{"name": n, "namespace": namespace, "repository_type": "image",
                    "is_private": False} for n in shown]
        return as_json(200, {"count": len(names), "next": following, "previous": None,
                             "results": results})

    def _hub_login(self, request: Request) -> Response:
        body = request.body(1 << 16)
        self.watch.look_for_secrets(request, body)
        try:
            form = json.loads(body)
            name = form.get("identifier") or form.get("username")
            user = self.gate.users.get(name)
        except (ValueError, AttributeError, TypeError):
            return as_json(400, {"detail": "invalid"})
        if user is None or user.password not in (form.get("secret"), form.get("password")):
            return as_json(401, {"detail": "Incorrect authentication credentials"})
        value = self.gate.mint(user)
        return as_json(200, {"access_token": value} if "identifier" in form else {"token": value})

    # Harbor.

    def _harbor(self, request: Request) -> Response:
        path = request.path.removeprefix(HARBOR)
        user = self.gate.user_of(request)
        if request.headers.get("Authorization") and user is None:
            return errors(401, "UNAUTHORIZED", "unauthorized")
        if path == "/projects" and request.method == "GET":
            projects = sorted({n.split("/")[0] for n in self.store.catalog("bytes")}
                              | self.store.made)
            projects = [p for p in projects if self._sees(user, p + "/x")]
            return self._harbor_page(request, [{"name": p, "project_id": n + 1}
                                               for n, p in enumerate(projects)])
        match = re.fullmatch(r"/projects/([^/]+)/repositories", path)
        if match and request.method == "GET":
            names = [n for n in self.store.catalog("bytes") if n.startswith(match[1] + "/")]
            if not names and match[1] not in self.store.made:
                return errors(404, "NOT_FOUND", f"project {match[1]} not found")
            if not self._sees(user, match[1] + "/x"):
                return errors(403, "FORBIDDEN", "forbidden")
            return self._harbor_page(request, [
                {"name": n, "artifact_count": len(self.store.repositories[n].manifests)}
                for n in names])
        match = re.fullmatch(
            r"/projects/([^/]+)/repositories/([^/]+)/artifacts/([^/]+)/tags/([^/]+)", path)
        if match and request.method == "DELETE":
            return self._harbor_untag(request, user, *match.groups())
        return self._unknown(request)

    def _sees(self, user: User | None, name: str) -> bool:
        return "pull" in self.profile.anonymous or (user is not None
                                                    and "pull" in user.may(name))

    def _harbor_page(self, request: Request, entries: list[Any]) -> Response:
        shown, page, size, more = self._slice(request, entries)
        response = as_json(200, shown, ("X-Total-Count", str(len(entries))))
        if more:
            response.headers.append(
                ("Link", f'<{request.path}?page={page + 1}&page_size={size}>; rel="next"'))
        return response

    def _harbor_untag(self, request: Request, user: User | None, project: str, repository: str,
                      reference: str, tag: str) -> Response:
        if "/" in unquote(repository):
            self.watch.violation("encoding", request, "slashes are escaped twice here")
            return errors(404, "NOT_FOUND", "not found")
        name = f"{project}/{unquote(unquote(repository))}"
        if user is None or "delete" not in user.may(name):
            return errors(401 if user is None else 403, "UNAUTHORIZED", "unauthorized")
        if self.profile.immutable:
            return errors(412, "PRECONDITION", "the tag is immutable")
        found = self.store.manifest(name, unquote(reference))
        if found is None or self.store.manifest(name, tag) != found:
            return errors(404, "NOT_FOUND", f"tag {tag} not found")
        self.store.remove_tag(name, tag)
        return Response(200)

    # Quay.

    def _quay(self, request: Request) -> Response:
        asked = request.parameters
        namespace = asked.get("namespace", "")
        if "pull" not in self.profile.anonymous and not request.headers.get("Authorization"):
            return as_json(200, {"repositories": []})
        names = [n.split("/", 1)[1] for n in self.store.catalog("number")
                 if n.startswith(namespace + "/")]
        start = int(asked["next_page"].removeprefix("gAAAA-")) if asked.get("next_page") else 0
        shown = names[start:start + 100]
        answer: dict[str, Any] = {"repositories": [
            {"namespace": namespace, "name": n, "is_public": True} for n in shown]}
        if start + 100 < len(names):
            answer["next_page"] = f"gAAAA-{start + 100}"
        return as_json(200, answer)

    # Azure.

    def _acr(self, request: Request) -> Response | None:
        if request.path == "/oauth2/exchange" and request.method == "POST":
            return self.gate.exchange(request)
        match = re.fullmatch(r"/acr/v1/(.+)/_tags/([^/]+)", request.path)
        if match and request.method == "DELETE":
            name = unquote(match[1])
            denied = self.gate.check(request, self.place.host(request),
                                     self.place.realm(request),
                                     [repository_scope(name, "delete")])
            if denied:
                return denied
            removed = self.store.remove_tag(name, match[2])
            return Response(202) if removed else errors(404, "TAG_UNKNOWN", "tag unknown")
        return None
