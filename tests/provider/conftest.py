"""The run's PostgreSQL, our provider on it, and a scratch project for every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from local.sandbox import Sandbox
from local.toolchain import Toolchain
from provider.plugin import Secret
from tests.plugins.rpc import Plugin, foundation
from tests.provider.engine import Database, Project


@pytest.fixture(scope="session")
def database(sandbox: Sandbox) -> Database:
    """The run's shared server; tests take names of their own in it."""
    return Database.of(sandbox.directory)


@pytest.fixture
def schema(database: Database) -> str:
    """A new schema, owned by the role of the same name."""
    return database.names(f"tenant_{uuid4().hex[:12]}")[0]


@pytest.fixture(scope="module")
def plugin(database: Database) -> Iterator[Plugin]:
    """Our provider's process, without an engine between."""
    known = database.settings
    with foundation() as running:
        running.configure(
            {
                "host": known["host"],
                "port": known["port"],
                "username": known["user"],
                "password": Secret(known["password"]),
            }
        )
        yield running


@pytest.fixture
def project(tmp_path: Path, toolchain: Toolchain) -> Project:
    return Project(tmp_path, toolchain)
