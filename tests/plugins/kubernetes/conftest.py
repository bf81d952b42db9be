"""A namespace and a scratch stack for every test, on the run's shared sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.sandbox import Sandbox
from local.toolchain import Toolchain
from tests.plugins.kubernetes.world import World


@pytest.fixture
def world(tmp_path: Path, toolchain: Toolchain, sandbox: Sandbox) -> Iterator[World]:
    made = World(tmp_path / "world", toolchain, sandbox.directory.kubeconfig)
    yield made
    made.kubectl("delete", "namespace", made.namespace, "--ignore-not-found", "--wait=false")
