"""Life of the sandbox's Kubernetes server."""

from __future__ import annotations

import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

from local.files import write_private
from local.kubernetes.api import ClusterApi
from local.kubernetes.manifests import SERVER, module_version, stages
from local.ports import LOOPBACK
from local.processes import RESUME_TIMEOUT, ServerError, ServerProcess
from local.toolchain.golang import build_go

PROGRAM = "foundation-kubernetes"
VERSION = module_version(SERVER, "k8s.io/kubernetes")
# 2 to 5 s on an idle machine.
START_TIMEOUT = 120.0


def build() -> Path:
    """The server's executable, built on the first call on this machine. Raises ``BuildError``."""
    major, minor, _ = VERSION.removeprefix("v").split(".")
    # Without its version the server calls itself v0.0.0, which clients refuse to parse.
    stamp = "k8s.io/component-base/version"
    ldflags = f"-s -w -X {stamp}.gitVersion={VERSION} -X {stamp}.gitMajor={major} -X {stamp}.gitMinor={minor}"
    return build_go(SERVER, ".", PROGRAM, ldflags, first_time="8 minutes")


@dataclass(frozen=True)
class KubernetesServer:
    """Kubernetes for one sandbox. ``sandbox`` (absolute) holds data and log, ``kubeconfig`` is where clients look."""

    sandbox: Path
    kubeconfig: Path
    name: str = "kubernetes"

    @property
    def data(self) -> Path:
        """Database, keys and the server's own kubeconfig."""
        return self.sandbox / "kubernetes"

    @property
    def version(self) -> str:
        """Version of the server's programs."""
        return VERSION

    @property
    def process(self) -> ServerProcess:
        """The server's process."""
        return ServerProcess(PROGRAM, self.data, self.sandbox / "logs" / "kubernetes.log")

    def endpoint(self, port: int) -> str:
        """Where clients reach it."""
        return f"https://{LOOPBACK}:{port}"

    def resume(self, port: int) -> bool:
        """Whether the server runs already and answers on ``port``, or does so soon."""
        if self.process.find() is None or not self._own_kubeconfig.exists():
            return False
        try:
            self.process.wait_until(self._ready, RESUME_TIMEOUT)
        except ServerError:
            return False
        return self.endpoint(port) in self.kubeconfig.read_text()

    def start(self, port: int) -> None:
        """Run the server on ``port``, wait until its API is ready and write the kubeconfig.

        Raises ``ServerError`` and ``BuildError``. A start that was interrupted anywhere is completed by the next one.
        """
        executable, stages_file = build(), stages()
        # Whatever an earlier run wrote names an earlier port.
        self._own_kubeconfig.unlink(missing_ok=True)
        self.process.spawn(
            [executable, "--data", self.data, "--port", str(port), "--stages", stages_file],
            # Nothing of the caller's: proxies and log settings of his would change what the components do.
            {"PATH": "/usr/bin:/bin", "HOME": str(self.data)},
        )
        self.process.wait_until(self._ready, START_TIMEOUT)

    def stop(self) -> None:
        """End the server; the data stays."""
        self.process.stop(signal.SIGTERM)

    def destroy(self) -> None:
        """Stop and delete everything."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        self.kubeconfig.unlink(missing_ok=True)

    def answers(self) -> bool:
        """Whether the API is ready now."""
        if not self.kubeconfig.exists():
            return False
        api = ClusterApi(self.kubeconfig)
        try:
            return api.ready()
        finally:
            api.close()

    @property
    def _own_kubeconfig(self) -> Path:
        return self.data / "kubeconfig"

    def _ready(self) -> bool:
        if not self._own_kubeconfig.exists():
            return False
        write_private(self.kubeconfig, self._own_kubeconfig.read_text())
        return self.answers()
