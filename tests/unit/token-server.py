"""A registry and its token server for client-auth.c. Prints its port; ends with its stdin.

GET /v2/MODE/... answers 200 to whoever has the right, else 401 with a challenge; MODE is handed to
the token server in the realm's query and says how both behave. GET /log tells what was asked.
"""

import base64
import email.utils
import http.server
import json
import os
import socket
import sys
import threading
import time
import urllib.parse

LOGIN = "Basic " + base64.b64encode(b"alice:open sesame").decode()
IDENTITY = "Basic " + base64.b64encode(b"alice:identity").decode()
OTHER = os.environ["HELM_REGISTRY_CONFIG"] + ".other"  # takes its place in the mode "swap"
lock = threading.Lock()
tokens = {}
services = {}  # of the tokens
counts = {}
busy_until = 0
log = []
port = 0


def count(what):
    with lock:
        counts[what] = counts.get(what, 0) + 1
        return counts[what]


def wanted_scopes(mode, method, repository):
    if mode == "catalog":
        return ["registry:catalog:*"]
    if mode in ("aws", "two"):
        return ["aws"]
    actions = {"star": "*", "told": "*", "quay": "pull,push"}.get(mode, "delete") if method == "DELETE" else "pull"
    return [f"repository:{repository}:{actions}"]


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def note(self, *what):
        with lock:
            log.append(" ".join(what))

    def issue(self, mode, scopes, service, refresh=None):
        number = count("tokens")
        token = f"token-{number}"
        with lock:
            tokens[token] = scopes
            services[token] = service
        reply = {"access_token" if mode == "oauth" else "token": token}
        if mode != "short":
            reply["expires_in"] = 300
        else:
            reply["expires_in"] = 1
        if refresh:
            reply["refresh_token"] = refresh
        self.answer(200, reply)

    def token(self, query, form):
        mode = query.get("mode", ["normal"])[0]
        authorization = self.headers.get("Authorization", "")
        who = {"": "nobody", LOGIN: "alice", IDENTITY: "alice's identity"}.get(authorization, "mallory")
        if form:
            scopes = " ".join(form.get("scope", [])).split()
            who = "identity" if form.get("refresh_token") == ["identity"] else "wrong identity"
        else:
            scopes = query.get("scope", [])
        self.note("TOKEN", self.command, mode, who, query.get("service", form.get("service", ["-"]))[0],
                  *scopes)
        if mode == "junk":
            return self.answer(200, b"<html>no token</html>")
        if mode == "huge":
            return self.answer(200, b'{"token":"' + b"x" * (200 << 10) + b'"}')
        if mode == "header":
            return self.answer(200, {"token": "a\r\nX-Evil: 1"})
        if mode == "flaky" and count("flaky") == 1:
            return self.answer(503, b"", Retry_After="0")
        if mode == "dated":
            global busy_until
            busy_until = busy_until or int(time.time()) + 3
            if time.time() < busy_until:
                return self.answer(503, b"", Retry_After=email.utils.formatdate(busy_until, usegmt=True))
        if mode == "swap" and who == "mallory" and os.path.exists(OTHER):
            os.rename(OTHER, os.environ["HELM_REGISTRY_CONFIG"])
        if mode == "cut" and count("cut") == 1:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return None
        if mode == "down":
            return self.answer(404, b"not here")
        if mode == "near" and "again" not in query:
            return self.answer(307, b"", Location=self.path + "&again=1")
        if mode == "away":
            return self.answer(307, b"", Location=f"http://localhost:{port}{self.path}")
        if form and mode in ("get404", "get405"):
            return self.answer(int(mode[3:]))
        if "wrong" in who or who == "mallory":
            return self.answer(401, {"errors": [{"code": "UNAUTHORIZED", "message": "who are you"}]})
        if who == "nobody" and mode == "closed":
            return self.answer(403, {"details": "no"})
        if any(":delete" in scope for scope in scopes) and mode == "quay":
            return self.answer(400, {"error": "invalid scope"})
        return self.issue(mode, scopes, query.get("service", [""])[0], "refreshed" if "offline_token" in query else None)

    def service(self, mode):
        return "catalog" if mode == "two" and self.path.endswith("/catalog") else "my,service"

    def challenge(self, mode, scopes, error):
        if mode == "other":
            return 'Negotiate'
        if mode in ("basic", "both", "catalogbasic"):
            return 'Basic realm="registry"'
        host = f"127.0.0.1:{port}"
        scheme = "http"
        value = f'Bearer realm="{scheme}://{host}/token?mode={mode}",service="{self.service(mode)}"'
        if mode in ("star", "quay"):
            scopes = [scope.rsplit(":", 1)[0] + ":delete" for scope in scopes]
        if mode not in ("bare",):
            value += f',scope="{" ".join(scopes)}"'
        return value + (f',error="{error}"' if error else "")

    def registry(self):
        path = self.path[len("/v2/"):]
        mode = path.split("/")[0] or sys.argv[1]
        repository = path.rsplit("/", 2)[0]
        authorization = self.headers.get("Authorization", "")
        scopes = wanted_scopes(mode, self.command, repository)
        error = None
        if mode == "open":
            return self.answer(200)
        if mode == "basic" or mode == "both":
            if authorization == LOGIN:
                return self.answer(200)
            if mode == "both" and not authorization:
                return self.answer(200, WWW_Authenticate="basic realm=zot")
        elif authorization.startswith("Bearer "):
            token = authorization[len("Bearer "):]
            with lock:
                granted = tokens.get(token)
            error = "insufficient_scope"
            if token == "registry-token":
                return self.answer(200)
            if granted is None:
                error = "invalid_token"
            elif mode == "limited":
                pass
            elif mode == "two" and services[token] != self.service(mode):
                pass
            elif mode == "once" and count(token) > 1:
                error = "invalid_token"
            elif path and mode not in ("bare",) and not self.covered(scopes, granted):
                pass
            else:
                return self.answer(200)
        self.note("401", self.command, mode, authorization.split(" ")[0] or "-")
        return self.answer(401, b"{}", WWW_Authenticate=self.challenge(mode, scopes, error))

    @staticmethod
    def covered(scopes, granted):
        def rights(text):
            kind = text.rsplit(":", 1)
            return kind[0], set(kind[-1].split(","))
        have = [rights(scope) for scope in granted]
        return all(any(name == want[0] and want[1] <= actions for name, actions in have)
                   for want in map(rights, scopes))

    def handle_any(self):
        url = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        length = int(self.headers.get("Content-Length") or 0)
        form = urllib.parse.parse_qs(self.rfile.read(length).decode()) if length else {}
        if url.path == "/log":
            with lock:
                text = "\n".join(log)
                log.clear()
            return self.answer(200, text.encode())
        if url.path == "/token":
            return self.token(query, form)
        return self.registry()

    do_GET = do_POST = do_PUT = do_DELETE = handle_any


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
port = server.server_address[1]
print(port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
