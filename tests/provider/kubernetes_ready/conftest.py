"""A Kubernetes with one node, and our provider's process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.kubernetes.api import ClusterApi
from local.kubernetes.nodes import Node
from local.kubernetes.server import KubernetesServer
from local.kubernetes.setup import add_nodes
from local.ports import choose_port
from tests.plugins.rpc import Plugin, foundation


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of a running cluster whose node ``one`` is Ready."""
    folder = tmp_path_factory.mktemp("kubernetes")
    server = KubernetesServer(folder, folder / "kubeconfig")
    try:
        server.start(choose_port(None))
        api = ClusterApi(server.kubeconfig)
        add_nodes(api, [Node("one", cpu=2, memory=4)])
        api.close()
        yield server.kubeconfig
    finally:
        server.destroy()


@pytest.fixture(scope="session")
def plugin() -> Iterator[Plugin]:
    """Our provider, without an engine."""
    with foundation() as running:
        running.configure({})
        yield running
