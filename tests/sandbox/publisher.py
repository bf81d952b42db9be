"""A local HTTPS server with the layout of the sites that publish Kubernetes, etcd and kwok."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import ssl
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from local.kubernetes.credentials import prepare_credentials
from local.kubernetes.official import ARCHITECTURES, ETCD_VERSION, KUBERNETES_VERSION, KWOK_VERSION, Publishers

ARCHITECTURE = ARCHITECTURES[os.uname().machine]
PROGRAMS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kwok")


@dataclass
class Site:
    """``files`` by path; ``broken`` and ``busy``: how many answers to a path end too early or are status 503."""

    url: str
    certificate: Path
    files: dict[str, bytes] = field(default_factory=dict)
    broken: dict[str, int] = field(default_factory=dict)
    busy: dict[str, int] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and ``Range`` of every GET."""

    @property
    def publishers(self) -> Publishers:
        return Publishers(*(f"{self.url}/{name}" for name in ("release", "etcd", "kwok", "releases")))

    def path_of(self, program: str) -> str:
        """Where the program, or the archive it is in, lies."""
        return {
            "etcd": f"/etcd/{ETCD_VERSION}/etcd-{ETCD_VERSION}-linux-{ARCHITECTURE}.tar.gz",
            "kwok": f"/kwok/{KWOK_VERSION}/kwok-linux-{ARCHITECTURE}",
        }.get(program, f"/release/{KUBERNETES_VERSION}/bin/linux/{ARCHITECTURE}/{program}")

    def publish(self, programs: dict[str, bytes]) -> None:
        """Put up the programs with their hashes."""
        for name, content in programs.items():
            path = self.path_of(name)
            self.files[path] = _packed(name, content) if name == "etcd" else content
            digest = hashlib.sha256(self.files[path]).hexdigest()
            file = path.rpartition("/")[2]
            if name == "etcd":
                others = "0" * 64 + f"  etcd-{ETCD_VERSION}-darwin-arm64.zip\n"
                self.files[f"/etcd/{ETCD_VERSION}/SHA256SUMS"] = f"{others}{digest}  {file}\n".encode()
            elif name == "kwok":
                assets = [{"name": "kwok.yaml", "digest": None}, {"name": file, "digest": f"sha256:{digest}"}]
                self.files[f"/releases/{KWOK_VERSION}"] = json.dumps({"assets": assets}).encode()
            else:
                self.files[f"{path}.sha256"] = digest.encode()


def _packed(name: str, content: bytes) -> bytes:
    folder = f"etcd-{ETCD_VERSION}-linux-{ARCHITECTURE}"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for file, text in ((f"{folder}/README.md", b"read me"), (f"{folder}/{name}", content)):
            entry = tarfile.TarInfo(file)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text))
    return packed.getvalue()


class _Handler(BaseHTTPRequestHandler):
    site: Site

    def do_HEAD(self) -> None:
        self._begin(200 if self.path in self.site.files else 404, 0)

    def do_GET(self) -> None:
        site, wanted = self.site, self.headers.get("Range")
        site.asked.append((self.path, wanted))
        content = site.files.get(self.path)
        if content is None:
            self._begin(404, 0)
            return
        if site.busy.get(self.path, 0) > 0:
            site.busy[self.path] -= 1
            self._begin(503, 0)
            return
        found = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        start = int(found[1]) if found else 0
        if start >= len(content) and found:
            self._begin(416, 0)
            return
        content = content[start:]
        self._begin(206 if found else 200, len(content))
        if site.broken.get(self.path, 0) > 0:
            site.broken[self.path] -= 1
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def _begin(self, status: int, length: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The tests look at ``asked``."""


@contextmanager
def publishing(folder: Path) -> Iterator[Site]:
    """The site, with a certificate of its own in ``folder``."""
    prepare_credentials(folder, port=0)

    class Handler(_Handler):
        """Of this site alone."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "apiserver.crt", folder / "apiserver.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Handler.site = site = Site(f"https://127.0.0.1:{server.server_port}", folder / "apiserver.crt")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
