"""Life of the sandbox's Kubernetes server."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.files import write_private
from local.kubernetes.api import ClusterApi
from local.kubernetes.components import Component, components, write_etcd_configuration
from local.kubernetes.credentials import prepare_credentials
from local.kubernetes.manifests import stages
from local.kubernetes.official import KUBERNETES_VERSION
from local.kubernetes.programs import BUILT, Programs, get_programs
from local.ports import LOOPBACK
from local.processes import RESUME_TIMEOUT, ServerProcess

API_SERVER = "kube-apiserver"
# 2 to 5 s on an idle machine.
START_TIMEOUT = 120.0


@dataclass(frozen=True)
class KubernetesServer:
    """Kubernetes for one sandbox. ``sandbox`` (absolute) holds data and logs, ``kubeconfig`` is where clients look.

    It is one process, or five where the official programs run; ``programs`` gets them.
    """

    sandbox: Path
    kubeconfig: Path
    name: str = "kubernetes"
    programs: Callable[[], Programs] = get_programs

    @property
    def data(self) -> Path:
        """Database, keys and the server's own kubeconfig."""
        return self.sandbox / "kubernetes"

    @property
    def version(self) -> str:
        """Version of the server's programs."""
        return KUBERNETES_VERSION

    @property
    def process(self) -> ServerProcess:
        """The process that serves the API."""
        return self._official()[API_SERVER] if self.is_official() else self._built()

    def is_official(self) -> bool:
        """Whether the last start was one of the official programs."""
        return self._source_file.exists() and self._source_file.read_text() == "official"

    def endpoint(self, port: int) -> str:
        """Where clients reach it."""
        return f"https://{LOOPBACK}:{port}"

    def resume(self, port: int) -> bool:
        """Whether the server runs already, whole, and answers on ``port``, or does so soon."""
        if not self._own_kubeconfig.exists() or not self._is_whole():
            return False
        # Whoever deleted it gets it back.
        write_private(self.kubeconfig, self._own_kubeconfig.read_text())
        if not self.process.answers_soon(self.answers, RESUME_TIMEOUT):
            return False
        return self.endpoint(port) in self.kubeconfig.read_text()

    def start(self, port: int) -> None:
        """Run the server on ``port``, wait until its API is ready and write the kubeconfig.

        Raises ``ServerError``, ``ToolchainError`` and ``BuildError``. A start that was interrupted anywhere is
        completed by the next one.
        """
        programs, stages_file = self.programs(), stages()
        self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Whatever an earlier run wrote names an earlier port.
        self._own_kubeconfig.unlink(missing_ok=True)
        write_private(self._source_file, programs.source)
        kubeconfig = prepare_credentials(self.data, port)
        write_etcd_configuration(self.data)
        write_private(self._own_kubeconfig, kubeconfig)
        write_private(self.kubeconfig, kubeconfig)
        wanted = components(self.data, port, stages_file)
        if programs.source == "built":
            file = self.data / "components.json"
            write_private(file, json.dumps({component.name: component.arguments for component in wanted}, indent=2))
            self._spawn(self._built(), programs, ["--data", str(self.data), "--components", str(file)])
            self.process.wait_until(self.answers, START_TIMEOUT)
        else:
            self._start_official(programs, wanted)

    def stop(self) -> None:
        """End the server; the data stays."""
        # Those of the other kind too, should an earlier start have been of it. The database last: all write to it.
        for process in reversed([self._built(), *self._official().values()]):
            process.stop(signal.SIGTERM)

    def destroy(self) -> None:
        """Stop and delete everything."""
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
        self.kubeconfig.unlink(missing_ok=True)

    def answers(self) -> bool:
        """Whether the API is ready now and no component has ended."""
        return self._api_ready() and (not self.is_official() or self._is_whole())

    @property
    def _own_kubeconfig(self) -> Path:
        return self.data / "kubeconfig"

    @property
    def _source_file(self) -> Path:
        return self.data / "programs"

    def _built(self) -> ServerProcess:
        return ServerProcess(BUILT, self.data, self.sandbox / "logs" / "kubernetes.log")

    def _official(self) -> dict[str, ServerProcess]:
        """The processes in the order of their start."""
        return {
            component.name: ServerProcess(
                component.name, component.file, self.sandbox / "logs" / f"{component.name}.log"
            )
            for component in components(self.data, port=0, stages=self.data)
        }

    def _is_whole(self) -> bool:
        processes = self._official().values() if self.is_official() else [self._built()]
        return all(process.find() for process in processes)

    def _start_official(self, programs: Programs, wanted: list[Component]) -> None:
        """The database and the API first; the others end when they don't find it."""
        processes = self._official()
        for component in wanted:
            self._spawn(processes[component.name], programs, component.arguments)
            if component.name == API_SERVER:
                self.process.wait_until(self._api_ready, START_TIMEOUT)

    def _spawn(self, process: ServerProcess, programs: Programs, arguments: Sequence[str]) -> None:
        # Nothing of the caller's: proxies and log settings of his would change what the components do.
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.data)}
        process.spawn([programs.folder / process.program, *arguments], environment, folder=self.data)

    def _api_ready(self) -> bool:
        if not self.kubeconfig.exists():
            return False
        api = ClusterApi(self.kubeconfig)
        try:
            return api.ready()
        finally:
            api.close()
