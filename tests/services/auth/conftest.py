"""One database server and two replicas for all tests; each test takes tenants of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.auth.world import AuthDatabase, Replica, Tenant, replica


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthDatabase]:
    made = AuthDatabase.make(tmp_path_factory.mktemp("auth"))
    yield made
    made.server.destroy()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For logs."""
    return tmp_path_factory.mktemp("replicas")


@pytest.fixture(scope="session")
def auth(database: AuthDatabase, folder: Path) -> Iterator[Replica]:
    with replica(database, folder) as running:
        yield running


@pytest.fixture(scope="session")
def other(database: AuthDatabase, auth: Replica, folder: Path) -> Iterator[Replica]:
    """A second replica."""
    with replica(database, folder) as running:
        yield running


@pytest.fixture
def tenant(database: AuthDatabase) -> Tenant:
    return database.tenant()
