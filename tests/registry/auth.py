"""Users, rights, tokens: who may do what, and how it is told (Basic, Bearer, OAuth2)."""

from __future__ import annotations

import base64
import fnmatch
import secrets
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from profiles import Profile
from watch import Watch, basic_pair, credential
from web import Request, Response, as_json

Scope = tuple[str, str, frozenset[str]]  # kind, name, actions


def repository_scope(name: str, *actions: str) -> Scope:
    return ("repository", name, frozenset(actions))


CATALOG: Scope = ("registry", "catalog", frozenset("*"))


def scope_text(scope: Scope) -> str:
    order = ["pull", "push", "delete", "*"]
    return f"{scope[0]}:{scope[1]}:{','.join(sorted(scope[2], key=order.index))}"


@dataclass
class User:
    name: str
    password: str
    rights: dict[str, str] = field(default_factory=lambda: {"*": "pull,push,delete"})
    catalog: bool = True
    identities: set[str] = field(default_factory=set)  # refresh tokens

    def may(self, name: str) -> frozenset[str]:
        found: set[str] = set()
        for pattern, actions in self.rights.items():
            if fnmatch.fnmatchcase(name, pattern):
                found |= set(actions.split(",")) - {""}
        return frozenset(found)


@dataclass
class Token:
    user: User | None
    granted: dict[tuple[str, str], frozenset[str]]
    ends: float
    flat: bool
    revoked: bool = False


def errors(status: int, code: str, message: str, *headers: tuple[str, str],
           bare: bool = False) -> Response:
    if not code:
        return Response(status, [("Content-Type", "text/plain; charset=utf-8"), *headers],
                        message.encode())
    error = {"code": code, "message": message, "detail": None}
    return as_json(status, error if bare else {"errors": [error]}, *headers)


class Gate:
    def __init__(self, profile: Profile, watch: Watch):
        self.profile, self.watch = profile, watch
        self.lock = threading.RLock()
        self.users: dict[str, User] = {}
        self.tokens: dict[str, Token] = {}
        self.server = secrets.token_hex(6)
        self.kinds_given: set[str] = set()

    # Users.

    def add_user(self, user: User) -> None:
        with self.lock:
            old = self.users.get(user.name)
            if old:
                user.identities = user.identities or old.identities
                for token in self.tokens.values():
                    if token.user is old:
                        token.user = user
            self.users[user.name] = user
        self._guard(user)

    def _guard(self, user: User) -> None:
        role = self.profile.realm_role
        at_registry = (self.profile.auth == "basic" or self.profile.basic_too
                       or self.profile.direct_bearer or self.profile.catalog == "admin")
        allowed = {("api", "authorization"), ("api", "body")}
        if at_registry or role == "registry":
            allowed.add(("registry", "authorization"))
        if self.profile.auth == "bearer":
            allowed |= {(role, "authorization"), (role, "body")}
        for secret in {user.password, *user.identities}:
            self.watch.add_canary(secret, allowed)

    def revoke(self, user: str | None = None) -> None:
        with self.lock:
            for token in self.tokens.values():
                token.revoked |= user is None or (token.user is not None
                                                  and token.user.name == user)

    def user_of(self, request: Request) -> User | None:
        """By Basic, if the password is right."""
        scheme, secret = credential(request.headers.get("Authorization"))
        if scheme != "basic":
            return None
        name, password = basic_pair(secret)
        user = self.users.get(name)
        return user if user is not None and user.password == password else None

    def may(self, user: User | None, scope: Scope) -> frozenset[str]:
        if scope[0] == "registry":
            allowed = user.catalog if user else "push" in self.profile.anonymous
            return frozenset("*") if allowed and self.profile.catalog not in (
                "denied", "admin") else frozenset()
        rights: set[str] = set()
        if fnmatch.fnmatchcase(scope[1], self.profile.public):
            rights = set(self.profile.anonymous.split(",")) - {""}
        if user:
            rights |= user.may(scope[1])
        return frozenset(rights)

    # Registry requests.

    def check(self, request: Request, host: str, realm: str, needs: list[Scope]) -> Response | None:
        """None where the request may go on; else the answer."""
        profile = self.profile
        scheme, secret = credential(request.headers.get("Authorization"))
        if profile.auth == "none":
            return None
        if profile.auth == "basic" or (scheme == "basic" and profile.basic_too):
            return self._check_user(request, host, realm, needs, self.user_of(request))
        if scheme == "bearer":
            user = self._direct(secret)
            if user:
                return self._check_user(request, host, realm, needs, user)
            return self._check_token(request, host, realm, needs, secret)
        if scheme:
            self.watch.violation("authorization", request, f"{scheme} was not offered")
        for need in needs:
            if scope_text(need) in self.kinds_given:
                self.watch.storm("no-token", request, scope_text(need))
        return self._challenge(request, host, realm, needs, "")

    def _direct(self, secret: str) -> User | None:
        if not self.profile.direct_bearer:
            return None
        if self.profile.direct_bearer == "base64":
            try:
                secret = base64.b64decode(secret, validate=True).decode("latin-1")
            except ValueError:
                return None
        for user in self.users.values():
            if user.password == secret:
                return user
        return None

    def _check_user(self, request: Request, host: str, realm: str, needs: list[Scope],
                    user: User | None) -> Response | None:
        anonymous = not request.headers.get("Authorization")
        if user is None and not anonymous:
            time.sleep(self.profile.login_delay)
        admits = self.profile.anonymous and (needs or self.profile.offers)
        if user is None and not (anonymous and admits):
            return self._challenge(request, host, realm, needs, "")
        for need in needs:
            if not need[2] <= self.may(user, need):
                if user is None and self.profile.offers:
                    return self._challenge(request, host, realm, needs, "")
                return errors(403, "DENIED", "requested access to the resource is denied")
        return None

    def _check_token(self, request: Request, host: str, realm: str, needs: list[Scope],
                     secret: str) -> Response | None:
        token = self.tokens.get(secret)
        if token is None and secret.startswith("crt.") and not secret.startswith(
                f"crt.{self.server}."):
            self.watch.violation("foreign-token", request, "a token that another host gave")
        if token is None or token.revoked or token.ends <= time.monotonic():
            return self._challenge(request, host, realm, needs, "invalid_token")
        for need in needs:
            granted = (self.may(token.user, need) if token.flat
                       else token.granted.get(need[:2], frozenset()))
            if not (need[2] <= granted or "*" in granted):
                if self.profile.insufficient:
                    return errors(*self.profile.insufficient)
                return self._challenge(request, host, realm, needs, "insufficient_scope")
        return None

    def _challenge(self, request: Request, host: str, realm: str, needs: list[Scope],
                   error: str) -> Response:
        profile = self.profile
        admin = profile.catalog == "admin" and needs == [CATALOG]
        if profile.auth == "basic" or admin:
            value = 'Basic realm="harbor"' if admin else profile.basic_challenge.format(host=host)
        else:
            scopes = " ".join(scope_text(need) for need in needs if need[2])
            value = profile.challenge.format(
                realm=realm, service=profile.service.format(host=host),
                scope=f',scope="{scopes}"' if scopes else "")
            value += f',error="{error}"' if error else ""
        return errors(401, "UNAUTHORIZED", "authentication required",
                      ("WWW-Authenticate", value), bare=profile.bare_errors)

    # The token server.

    def answer_token(self, request: Request, host: str) -> Response:
        if request.method == "GET":
            return self._token_by_get(request, host)
        if request.method == "POST" and self.profile.token_post:
            return self._token_by_post(request, host)
        return errors(405, "UNSUPPORTED", "method not allowed")

    def _token_by_get(self, request: Request, host: str) -> Response:
        scopes = request.parameter_list("scope")
        for scope in scopes:
            if " " in scope:
                self.watch.violation("scope", request, "several scopes in one parameter")
        scheme, _ = credential(request.headers.get("Authorization"))
        if scheme not in ("", "basic"):
            self.watch.violation("authorization", request, f"{scheme} at a token server")
        user = self.user_of(request)
        if scheme and user is None:
            time.sleep(self.profile.login_delay)
            return errors(401, "UNAUTHORIZED", "incorrect username or password")
        if user is None and not self.profile.anonymous_token:
            return errors(401, "UNAUTHORIZED", "authentication required")
        offline = request.parameters.get("offline_token") == "true" and user is not None
        return self._grant(request, host, user, request.parameters.get("service"),
                           [part for scope in scopes for part in scope.split(" ")], offline)

    def _token_by_post(self, request: Request, host: str) -> Response:
        body = request.body(1 << 20)
        request.entry.setdefault("canaries", []).extend(
            self.watch.look_for_secrets(request, body))
        form = {k: v[0] for k, v in parse_qs(body.decode("latin-1"), True).items()}
        request.entry["form"] = sorted(form)
        user = None
        if form.get("grant_type") == "refresh_token":
            user = next((u for u in self.users.values()
                         if form.get("refresh_token") in u.identities), None)
        elif form.get("grant_type") == "password":
            user = self.users.get(form.get("username", ""))
            if user and user.password != form.get("password"):
                user = None
        else:
            self.watch.violation("token-form", request, "no such grant_type")
            return as_json(400, {"error": "unsupported_grant_type"})
        if user is None:
            return errors(401, "UNAUTHORIZED", "invalid refresh token")
        return self._grant(request, host, user, form.get("service"),
                           form.get("scope", "").split(), form.get("access_type") == "offline")

    def _grant(self, request: Request, host: str, user: User | None, service: str | None,
               scopes: list[str], offline: bool) -> Response:
        profile = self.profile
        if service != profile.service.format(host=host):
            self.watch.violation("scope", request, f"not the challenge's service: {service}")
        self.watch.storm("token-storm", request, f"{user.name if user else '-'} {sorted(scopes)}")
        granted: dict[tuple[str, str], frozenset[str]] = {}
        for text in scopes:
            self.watch.scope(request, text, profile.flat_scope)
            kind, _, rest = text.partition(":")
            name, _, actions = rest.rpartition(":")
            asked = frozenset(actions.split(","))
            if asked & set(profile.refuse_actions):
                return errors(400, "INVALID_REQUEST", f"unable to decode scope {text}")
            may = self.may(user, (kind, name, asked))
            key = (kind, name)
            granted[key] = granted.get(key, frozenset()) | (
                may if "*" in asked else asked & may)
        value = self.mint(user, granted)
        with self.lock:
            for (kind, name), actions in granted.items():
                self.kinds_given.add(scope_text((kind, name, actions)))
        answer: dict[str, object] = {key: value for key in profile.token_keys}
        if profile.tell_lifetime:
            answer["expires_in"] = profile.token_lifetime
            answer["issued_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        if offline and user:
            identity = f"refresh.{secrets.token_urlsafe(24)}"
            user.identities.add(identity)
            self._guard(user)
            answer["refresh_token"] = identity
        return as_json(200, answer)

    def mint(self, user: User | None,
             granted: dict[tuple[str, str], frozenset[str]] | None = None) -> str:
        value = f"crt.{self.server}.{secrets.token_urlsafe(24)}"
        ends = time.monotonic() + self.profile.token_lifetime
        with self.lock:
            self.tokens[value] = Token(user, granted or {}, ends, bool(self.profile.flat_scope))
        return value

    def exchange(self, request: Request) -> Response:
        """ACR: an access token of the directory for a refresh token."""
        body = request.body(1 << 20)
        self.watch.look_for_secrets(request, body)
        form = {k: v[0] for k, v in parse_qs(body.decode("latin-1"), True).items()}
        user = next((u for u in self.users.values() if u.password == form.get("access_token")),
                    None)
        if user is None:
            return errors(401, "UNAUTHORIZED", "invalid access token")
        identity = f"refresh.{secrets.token_urlsafe(24)}"
        user.identities.add(identity)
        self._guard(user)
        return as_json(200, {"refresh_token": identity})
