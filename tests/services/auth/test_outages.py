"""The database goes: everything is closed. It comes back: everything goes on, without a restart."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.services.auth.world import AuthDatabase, Replica, Tenant, eventually, replica

pytestmark = pytest.mark.xdist_group("auth-outages")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthDatabase]:
    """A server of this module's, to break."""
    made = AuthDatabase.make(tmp_path_factory.mktemp("breaks"))
    yield made
    made.server.destroy()


@pytest.fixture(scope="module")
def lone(own: AuthDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    with replica(own, tmp_path_factory.mktemp("lone")) as running:
        yield running


@pytest.fixture
def credentials(lone: Replica, own: AuthDatabase) -> tuple[Tenant, str, str]:
    tenant = own.tenant()
    token, key = lone.token(tenant), lone.key(tenant)["key"]
    for credential in (token, key):
        assert lone.verify(credential, tenant.host).status_code == 200
    return tenant, token, key


def closed(lone: Replica, tenant: Tenant, *held: str) -> None:
    """Credentials that were let through a moment ago aren't any more, and nothing else is."""
    for credential in held:
        answer = eventually(lambda credential=credential: _closed(lone, credential, tenant))
        assert answer.json() == {"error": "Unavailable"}
        assert answer.headers["retry-after"] == "1"
    assert lone.verify("forged", tenant.host).status_code == 401
    assert lone.login(tenant).status_code == 503
    assert lone.client.get("/ready").status_code == 503
    assert lone.client.get("/health").status_code == 200


def _closed(lone: Replica, credential: str, tenant: Tenant):  # type: ignore[no-untyped-def]
    answer = lone.verify(credential, tenant.host)
    return answer if answer.status_code == 503 else None


def opened(lone: Replica, tenant: Tenant, *held: str) -> None:
    for credential in held:
        eventually(lambda credential=credential: lone.verify(credential, tenant.host).status_code == 200)
    eventually(lambda: lone.login(tenant).status_code == 200)
    eventually(lone.is_ready)


def test_stopped_database(lone: Replica, own: AuthDatabase, credentials: tuple[Tenant, str, str]) -> None:
    tenant, *held = credentials
    own.server.stop()
    closed(lone, tenant, *held)
    own.server.start(own.port)
    opened(lone, tenant, *held)


def test_frozen_database(lone: Replica, own: AuthDatabase, credentials: tuple[Tenant, str, str]) -> None:
    """No connection is refused or reset, nothing answers: what a lost network looks like."""
    tenant, *held = credentials
    server = own.server.process.find()
    assert server is not None
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        closed(lone, tenant, *held)
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)
    opened(lone, tenant, *held)


def test_what_changed_meanwhile_is_known_afterwards(
    lone: Replica, own: AuthDatabase, credentials: tuple[Tenant, str, str]
) -> None:
    tenant, token, key = credentials
    own.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'auth-service'")
    own.run("UPDATE api_keys SET revoked_at = now() WHERE tenant_id = %s", tenant.id)
    eventually(lambda: lone.verify(key, tenant.host).status_code == 401)
    eventually(lambda: lone.verify(token, tenant.host).status_code == 200)
    eventually(lone.is_ready)


def test_it_starts_before_its_database(tmp_path: Path, own: AuthDatabase) -> None:
    tenant = own.tenant()
    own.server.stop()
    try:
        with replica(own, tmp_path, awaited=False) as running:
            eventually(lambda: running.answers("/health") == 200)
            assert running.client.get("/ready").status_code == 503
            own.server.start(own.port)
            eventually(running.is_ready)
            assert running.login(tenant).status_code == 200
    finally:
        if own.server.process.find() is None:
            own.server.start(own.port)


def test_requests_under_way_end_before_the_process(own: AuthDatabase, tmp_path: Path) -> None:
    tenant = own.tenant()
    with replica(own, tmp_path) as running:
        token = running.token(tenant)
        process = psutil.Process(running.process.pid)
        assert running.verify(token, tenant.host).status_code == 200
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(20) in (0, -signal.SIGTERM)
        assert not process.is_running()
    log = running.log.read_text()
    assert token not in log
    assert "Traceback" not in log
