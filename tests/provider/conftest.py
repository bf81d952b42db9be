"""The run's PostgreSQL, and a scratch project for every test."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.sandbox import Sandbox
from local.toolchain import Toolchain
from tests.provider.engine import Database, Project


@pytest.fixture
def database(sandbox: Sandbox) -> Database:
    """The run's shared server; tests take names of their own in it."""
    return Database.of(sandbox.directory)


@pytest.fixture
def project(tmp_path: Path, toolchain: Toolchain) -> Project:
    return Project(tmp_path, toolchain)
