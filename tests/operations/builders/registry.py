"""A container registry in memory, as much of the OCI distribution specification as a push and a pull need."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class Registry(ThreadingHTTPServer):
    """Blobs and manifests by digest; manifests also by tag. Repositories are not told apart."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.stored: dict[str, bytes] = {}
        self.tags: dict[str, str] = {}
        self.uploads: dict[str, bytes] = {}

    @property
    def address(self) -> str:
        return f"localhost:{self.server_port}"

    def put(self, data: bytes) -> str:
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.stored[digest] = data
        return digest

    def image(self, files: dict[str, bytes]) -> str:
        """Store an image of one layer; returns its digest."""
        raw = io.BytesIO()
        with tarfile.open(fileobj=raw, mode="w") as archive:
            for name, data in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        layer = raw.getvalue()
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [self.put(layer)]},
            "history": [{"created_by": "base"}],
        }
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._descriptor("application/vnd.oci.image.config.v1+json", json.dumps(config).encode()),
            "layers": [self._descriptor(LAYER, layer)],
        }
        return self.put(json.dumps(document).encode())

    def _descriptor(self, kind: str, data: bytes) -> dict[str, Any]:
        return {"mediaType": kind, "digest": self.put(data), "size": len(data)}

    def archive(self, digest: str, path: Path) -> Path:
        """Write everything that is stored as an OCI layout whose one image has this digest."""
        index = json.dumps({"manifests": [{"digest": digest}]}).encode()
        blobs = {f"blobs/{key.replace(':', '/')}": data for key, data in self.stored.items()}
        with tarfile.open(path, "w") as archive:
            for name, data in {"index.json": index, **blobs}.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        return path


class Handler(BaseHTTPRequestHandler):
    server: Registry  # type: ignore[assignment] - the one that made it
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's word
        pass

    def answer(self, code: int, data: bytes = b"", **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        data = b""
        while size := int(self.rfile.readline(), 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return data

    def do_GET(self) -> None:
        if self.path == "/v2/":
            return self.answer(200)
        name = self.path.rpartition("/")[2]
        digest = self.server.tags.get(name, name)
        if digest not in self.server.stored:
            return self.answer(404)
        kind = MANIFEST if "/manifests/" in self.path else "application/octet-stream"
        return self.answer(200, self.server.stored[digest], Content_Type=kind, Docker_Content_Digest=digest)

    do_HEAD = do_GET  # noqa: N815 - the base class's word

    def do_POST(self) -> None:
        self.body()
        place = f"{urlsplit(self.path).path}{len(self.server.uploads)}"
        self.server.uploads[place] = b""
        self.answer(202, Location=place)

    def do_PATCH(self) -> None:
        self.server.uploads[self.path] += self.body()
        self.answer(202, Location=self.path, Range=f"0-{len(self.server.uploads[self.path]) - 1}")

    def do_PUT(self) -> None:
        where, data = urlsplit(self.path), self.body()
        digest = self.server.put(self.server.uploads.get(where.path, b"") + data)
        if "/manifests/" in where.path:
            self.server.tags[where.path.rpartition("/")[2]] = digest
        elif parse_qs(where.query)["digest"] != [digest]:
            return self.answer(400)
        return self.answer(201, Location=where.path, Docker_Content_Digest=digest)
