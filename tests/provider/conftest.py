"""One toolchain and one PostgreSQL for the session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.directory import FoundationDirectory
from local.ports import choose_port
from local.postgres.server import PostgresServer
from local.toolchain import Toolchain, ensure
from tests.provider.engine import Database, Project


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> FoundationDirectory:
    return FoundationDirectory(tmp_path_factory.mktemp("foundation")).create()


@pytest.fixture(scope="session")
def toolchain(directory: FoundationDirectory) -> Toolchain:
    return ensure(directory)


@pytest.fixture(scope="session")
def database(directory: FoundationDirectory) -> Iterator[Database]:
    directory.sandbox.mkdir()
    server = PostgresServer(directory.sandbox, directory.pg_service_file)
    server.start(choose_port(None))
    yield Database.of(directory)
    server.destroy()


@pytest.fixture
def project(tmp_path: Path, toolchain: Toolchain) -> Project:
    return Project(tmp_path, toolchain)
