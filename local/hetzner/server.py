"""Life of the sandbox's Hetzner Cloud API."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import urllib3

from local.files import write_private
from local.hetzner.control import PREFIX as CONTROL
from local.hetzner.credentials import Credentials
from local.ports import LOOPBACK
from local.processes import ServerProcess

# Where the package `local` is found, wherever the server stands.
_PROJECT = Path(__file__).parents[2]
# About 1 s on an idle machine.
START_TIMEOUT = 60.0
RESUME_TIMEOUT = 10.0
HEALTH_TIMEOUT = 2.0
# Real servers take half a minute to be ordered and to boot; a sandbox's second is enough to be asynchronous.
SPEED = 20.0


@dataclass(frozen=True)
class HetznerServer:
    """The emulator for one sandbox. ``sandbox`` (absolute) holds state, credentials and log; servers become nodes of
    ``kubeconfig``'s cluster, unless it is None. ``speed``: how much faster than in reality actions are.
    ``credentials_file`` is written for clients: JSON with ``endpoint``, ``token`` and ``nodes``, whether servers become
    nodes."""

    sandbox: Path
    kubeconfig: Path | None = None
    speed: float = SPEED
    credentials_file: Path | None = None
    name: str = "hetzner"

    @property
    def data(self) -> Path:
        """State and credentials."""
        return self.sandbox / "hetzner"

    @property
    def version(self) -> str:
        """Version of this package, which the emulator is part of."""
        return version("foundation")

    @property
    def process(self) -> ServerProcess:
        """The server's process."""
        return ServerProcess(Path(sys.executable).name, self.data, self.sandbox / "logs" / "hetzner.log")

    @property
    def credentials(self) -> Credentials:
        """Its tokens."""
        return Credentials.load(self.data)

    def endpoint(self, port: int) -> str:
        """Where clients reach it: the value of ``hcloud:endpoint`` and ``HCLOUD_ENDPOINT``."""
        return f"http://{LOOPBACK}:{port}/v1"

    def resume(self, port: int) -> bool:
        """Whether the server runs already and answers on ``port``, or does so soon."""
        if not self._endpoint_file.exists() or not self.process.answers_soon(self.answers, RESUME_TIMEOUT):
            return False
        return self._endpoint_file.read_text() == self.endpoint(port)

    def start(self, port: int) -> None:
        """Run the server on ``port`` and wait until it answers. What was under way goes on.

        Raises ``ServerError``. A start that was interrupted anywhere is completed by the next one.
        """
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        command: list[str | Path] = [sys.executable, "-m", "local.hetzner", "--data", self.data, "--port", str(port)]
        command += ["--speed", str(self.speed)]
        if self.kubeconfig is not None:
            command += ["--kubeconfig", self.kubeconfig]
        write_private(self._endpoint_file, self.endpoint(port))
        if self.credentials_file is not None:
            nodes = self.kubeconfig is not None
            known = {"endpoint": self.endpoint(port), "token": self.credentials.token, "nodes": nodes}
            write_private(self.credentials_file, json.dumps(known))
        self.process.spawn(command, {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(_PROJECT)})
        self.process.wait_until(self.answers, START_TIMEOUT)

    def stop(self) -> None:
        """End the server; its state stays."""
        self.process.stop(signal.SIGTERM)

    def destroy(self) -> None:
        """Stop and delete everything."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        if self.credentials_file is not None:
            self.credentials_file.unlink(missing_ok=True)

    def answers(self) -> bool:
        """Whether the API answers now: this sandbox's, by its token, not another's that has the port."""
        if not self._endpoint_file.exists():
            return False
        url = self._endpoint_file.read_text().removesuffix("/v1") + f"{CONTROL}/health"
        headers = {"Authorization": f"Bearer {self.credentials.control_token}"}
        try:
            return urllib3.request("GET", url, headers=headers, retries=False, timeout=HEALTH_TIMEOUT).status == 204
        except urllib3.exceptions.HTTPError:
            return False

    @property
    def _endpoint_file(self) -> Path:
        return self.data / "endpoint"
