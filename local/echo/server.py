"""Life of the process that stands for the sandbox's pods."""

from __future__ import annotations

import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from local.files import write_private
from local.ports import LOOPBACK
from local.processes import ServerProcess

# Where the package `local` is found, wherever the server stands.
_PROJECT = Path(__file__).parents[2]
# About 1 s on an idle machine.
START_TIMEOUT = 60.0
RESUME_TIMEOUT = 10.0
ANSWER_TIMEOUT = 2.0
GREETING, ACCEPTED = b"\x05\x01\x00", b"\x05\x00"


@dataclass(frozen=True)
class PodsServer:
    """The pods of ``kubeconfig``'s cluster. ``elsewhere``: apps that somebody else runs on this machine, by the file
    that holds their address. ``sandbox`` (absolute) holds the certificate authority and the log."""

    sandbox: Path
    kubeconfig: Path
    elsewhere: Mapping[str, Path] = field(default_factory=dict)
    name: str = "pods"

    @property
    def data(self) -> Path:
        """The certificate authority, and the server's address."""
        return self.sandbox / "pods"

    @property
    def certificate(self) -> Path:
        """What clients trust to reach the gateway: ``curl --cacert``."""
        return self.data / "ca.crt"

    @property
    def endpoint_file(self) -> Path:
        """Holds the address of the pods' network, for ``HTTP_PROXY``."""
        return self.data / "endpoint"

    @property
    def version(self) -> str:
        """Version of this package, which the server is part of."""
        return version("foundation")

    @property
    def process(self) -> ServerProcess:
        """The server's process."""
        return ServerProcess(Path(sys.executable).name, self.data, self.sandbox / "logs" / "pods.log")

    def endpoint(self, port: int) -> str:
        """Where the gateway dials the pods through."""
        return f"socks5://{LOOPBACK}:{port}"

    def resume(self, port: int) -> bool:
        """Whether the server runs already and answers on ``port``, or does so soon."""
        if not self.endpoint_file.exists() or not self.process.answers_soon(self.answers, RESUME_TIMEOUT):
            return False
        return self.endpoint_file.read_text() == self.endpoint(port)

    def start(self, port: int) -> None:
        """Run the server on ``port`` and wait until it answers. Raises ``ServerError``."""
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        command: list[str | Path] = [sys.executable, "-m", "local.echo", "--data", self.data, "--port", str(port)]
        command += ["--kubeconfig", self.kubeconfig]
        for app, file in self.elsewhere.items():
            command += ["--elsewhere", f"{app}={file}"]
        write_private(self.endpoint_file, self.endpoint(port))
        self.process.spawn(command, {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(_PROJECT)})
        self.process.wait_until(self.answers, START_TIMEOUT)

    def stop(self) -> None:
        """End the server; the authority stays."""
        self.process.stop(signal.SIGTERM)

    def destroy(self) -> None:
        """Stop and delete everything."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def answers(self) -> bool:
        """Whether it greets a SOCKS5 client now."""
        if not (self.endpoint_file.exists() and self.certificate.exists()):
            return False
        port = int(self.endpoint_file.read_text().rpartition(":")[2])
        try:
            with socket.create_connection((LOOPBACK, port), timeout=ANSWER_TIMEOUT) as client:
                client.sendall(GREETING)
                return client.recv(2) == ACCEPTED
        except OSError:
            return False
