"""A hub on the loopback interface that answers as Hugging Face's does, and can be told to misbehave.

Two servers: the hub itself, and the storage that it sends large files' readers to. Each is another host to the other.
"""
import hashlib
import http.server
import json
import re
import threading


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.hub, self.answer = hub, answer
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        pass  # who goes away in the middle of an answer is part of the tests


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.hub.seen.append((self.server.url, self.command, self.path, dict(self.headers)))
        for rule in self.server.hub.rules:
            method, pattern, times, action = rule
            if times > 0 and method == self.command and re.search(pattern, self.path):
                rule[2] -= 1
                return action(self)
        self.server.answer(self)

    do_HEAD = do_GET

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if "Content-Length" not in dict(headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def error(self, status, code="", message="", headers=()):
        self.reply(status, message.encode(), {"X-Error-Code": code, "X-Error-Message": message, **dict(headers)})

    def send_file(self, body, headers=(), stop_after=None, ignore_range=False):
        """The bytes that were asked for; with `stop_after` the connection ends behind so many of them."""
        begin = 0 if ignore_range else int((re.match(r"bytes=(\d+)-$", self.headers.get("Range", "")) or [0, 0])[1])
        if begin and begin >= len(body):
            return self.reply(416, b"", {"Content-Range": f"bytes */{len(body)}"})
        part = body[begin:]
        self.send_response(206 if begin else 200)
        for name, value in {**dict(headers), "Accept-Ranges": "bytes", "Content-Length": str(len(part))}.items():
            self.send_header(name, value)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(part[:stop_after])
        if stop_after is not None:
            self.wfile.flush()
            self.close_connection = True


class Hub:
    def __init__(self):
        self.repos = {}  # name → {revision → {file → bytes}}
        self.access = {}  # name → the token that may read it
        self.rules = []  # [method, pattern, times, action]
        self.seen = []  # (server, method, path, headers)
        self.hub = Server(self, self.answer)
        self.storage = Server(self, self.answer_of_storage)
        self.url = self.hub.url

    def close(self):
        for server in (self.hub, self.storage):
            server.shutdown()
            server.server_close()

    def add(self, name, files, revision="main"):
        self.repos.setdefault(name, {})[revision] = files

    def rule(self, method, pattern, action, times=1):
        """The next `times` such questions are answered by action(handler)."""
        self.rules.append([method, pattern, times, action])

    def asked(self, pattern="", method=None, server=None):
        return [entry for entry in self.seen if re.search(pattern, entry[2]) and method in (None, entry[1]) and server in (None, entry[0])]

    @staticmethod
    def commit(files):
        return hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()

    @staticmethod
    def is_large(name):
        return name.endswith((".safetensors", ".gguf", ".bin"))

    @classmethod
    def etag(cls, name, body):
        return hashlib.sha256(body).hexdigest() if cls.is_large(name) else hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()

    def find(self, name, revision):
        """The files of a revision or of a commit."""
        revisions = self.repos.get(name, {})
        return revisions.get(revision) or next((files for files in revisions.values() if self.commit(files) == revision), None)

    def answer(self, handler):
        path = handler.path.replace("%2F", "/")
        if match := re.fullmatch(r"/api/models/(.+?)/revision/(.+?)(\?.*)?", path):
            if match[1] not in self.repos:
                return handler.error(401 if "Authorization" not in handler.headers else 404, "RepoNotFound", "Repository not found")
            files = self.find(match[1], match[2])
            if files is None:
                return handler.error(404, "RevisionNotFound", f"Invalid rev id: {match[2]}")
            return handler.reply(200, json.dumps({
                "id": match[1], "modelId": match[1], "sha": self.commit(files), "private": False, "gated": False,
                "siblings": [{"rfilename": name} for name in files]}).encode(), {"Content-Type": "application/json"})
        if match := re.fullmatch(r"/api/models/(.+?)/tree/(.+?)\?.*", path):  # huggingface_hub's
            files = self.find(match[1], match[2])
            return handler.reply(200, json.dumps([{
                "type": "file", "path": name, "size": len(body), "oid": hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest(),
                **({"lfs": {"oid": self.etag(name, body), "size": len(body), "pointerSize": 130}} if self.is_large(name) else {})}
                for name, body in files.items()]).encode(), {"Content-Type": "application/json"})
        if match := re.fullmatch(r"/(.+?)/resolve/(.+?)/(.+)", path):
            return self.answer_file(handler, *match.groups())
        handler.error(404)

    def answer_file(self, handler, repo, revision, name):
        files = self.find(repo, revision)
        if files is None or name not in files:
            return handler.error(404, "EntryNotFound", "Entry not found")
        token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        if repo in self.access and token != self.access[repo]:
            return handler.error(403 if token else 401, "GatedRepo", f"Access to model {repo} is restricted.")
        body, etag = files[name], self.etag(name, files[name])
        headers = {"X-Repo-Commit": self.commit(files)}
        if not self.is_large(name):
            return handler.send_file(body, {**headers, "ETag": f'"{etag}"'})
        handler.reply(302, b"Found", {**headers, "X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(body)),
                                      "Location": f"{self.storage.url}/{etag}?signature=x"})

    def answer_of_storage(self, handler):
        for revisions in self.repos.values():
            for files in revisions.values():
                for name, body in files.items():
                    if handler.path.startswith(f"/{self.etag(name, body)}?"):
                        return handler.send_file(body, {"ETag": '"not-the-hash"'})
        handler.error(404)
