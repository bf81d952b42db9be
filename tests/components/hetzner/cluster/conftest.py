"""A Kubernetes and an emulated Hetzner whose servers join it, without the rest of a sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.kubernetes.api import ClusterApi
from local.kubernetes.server import KubernetesServer
from local.kubernetes.setup import install_crds
from local.ports import choose_port
from local.toolchain import Toolchain
from tests.hetzner_emulator.conftest import Emulator, Project
from tests.provider.engine import Project as Engine


@dataclass(frozen=True)
class Ground:
    """What a cluster's program stands on."""

    kubeconfig: Path
    emulator: Emulator
    hetzner: Project

    def get(self, path: str) -> Any:
        """The object at ``path`` of the Kubernetes API."""
        api = ClusterApi(self.kubeconfig)
        try:
            return api.get(path)
        finally:
            api.close()

    def nodes(self) -> dict[str, Any]:
        """Kubernetes' nodes by name."""
        return {node["metadata"]["name"]: node for node in self.get("/api/v1/nodes")["items"]}


@pytest.fixture(scope="session")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Kubeconfig of a running Kubernetes with the CRDs of the sandbox."""
    folder = tmp_path_factory.mktemp("kubernetes")
    server = KubernetesServer(folder, folder / "kubeconfig")
    server.start(choose_port(None))
    api = ClusterApi(server.kubeconfig)
    try:
        install_crds(api)
    finally:
        api.close()
    yield server.kubeconfig
    server.destroy()


@pytest.fixture(scope="session")
def ground(kubernetes: Path, emulators: Callable[..., Emulator]) -> Ground:
    """An empty project whose servers join the cluster."""
    emulator = emulators(kubeconfig=kubernetes)
    return Ground(kubernetes, emulator, emulator.project())


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory, toolchain: Toolchain) -> Engine:
    """A scratch project with the real engine."""
    return Engine(tmp_path_factory.mktemp("engine"), toolchain)
