"""The three sample tenants, brought up once by the real command on the run's sandbox."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from local.sandbox import Sandbox
from local.toolchain import Toolchain
from models.loading import load_environment
from tests.isolation.world import World
from tests.scratch import ROOT, ScratchProject


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, toolchain: Toolchain, sandbox: Sandbox) -> Iterator[World]:
    # Every other test's slugs end in its project's id: alice, bob and charlie are this world's alone.
    scratch = ScratchProject.make(tmp_path_factory.mktemp("world") / "project", sandbox.directory)
    for file in (ROOT / "tenants" / "local").glob("*.yaml"):
        shutil.copy(file, scratch.tenants)
    try:
        scratch.cli("up")
        tenants = load_environment(scratch.folder, scratch.environment).tenants
        yield World(sandbox.directory, {tenant.slug: tenant for tenant in tenants}, scratch.database)
    finally:
        scratch.destroy()
