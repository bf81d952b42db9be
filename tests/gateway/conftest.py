"""One front for all tests: two replicas of Traefik, the auth service, and three tenants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.sandbox import Sandbox
from tests.gateway.world import Door, Front
from tests.services.auth.world import AuthDatabase, Replica, Tenant, replica


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthDatabase]:
    made = AuthDatabase.make(tmp_path_factory.mktemp("gateway-auth"))
    yield made
    made.server.destroy()


@pytest.fixture(scope="session")
def auth(database: AuthDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with replica(database, tmp_path_factory.mktemp("gateway-auth-log")) as running:
        yield running


@pytest.fixture(scope="session")
def front(sandbox: Sandbox, auth: Replica, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    made = Front(folder, sandbox.directory.kubeconfig)
    made.start()
    made.use_auth(auth.port)
    try:
        made.serve(
            {"name": "alice"},
            {"name": "bob"},
            {"name": "slow", "requests_per_minute": 60},
            {"name": "sus", "status": "suspended"},
            {"name": "far", "ip_allow_list": ["192.0.2.0/24"]},
            {"name": "own", "domains": [f"shop-{made.id}.own.example"]},
        )
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="session")
def door(front: Front) -> Iterator[Door]:
    with front.traefik() as made:
        yield made


@pytest.fixture(scope="session")
def second(front: Front, door: Door) -> Iterator[Door]:
    """Another replica."""
    with front.traefik("traefik-2") as made:
        yield made


@pytest.fixture(scope="session")
def alice(front: Front, database: AuthDatabase) -> Tenant:
    return database.tenant(front.slug("alice"))


@pytest.fixture(scope="session")
def bob(front: Front, database: AuthDatabase) -> Tenant:
    return database.tenant(front.slug("bob"))


@pytest.fixture(scope="session")
def token(auth: Replica, alice: Tenant) -> str:
    return auth.token(alice)
