"""The database server: real, closed to strangers, set up as production's is where that matters."""

from __future__ import annotations

from pathlib import Path

import psutil
import psycopg
import pytest

from local.sandbox import Sandbox
from tests.sandbox.conftest import connect


def test_service_file_logs_in_as_superuser(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSERVICEFILE", str(sandbox.directory.pg_service_file))
    with psycopg.connect(service="local") as database:
        row = database.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == ("postgres", True)
        assert database.info.server_version // 10000 == 17


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("max_connections", "500"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
        ("password_encryption", "scram-sha-256"),
        ("server_encoding", "UTF8"),
        # What lies in /dev/shm outlives a killed server.
        ("dynamic_shared_memory_type", "mmap"),
    ],
)
def test_setting(sandbox: Sandbox, setting: str, value: str) -> None:
    with connect(sandbox.directory) as database:
        assert database.execute("SELECT current_setting(%s)", [setting]).fetchone() == (value,)


@pytest.mark.parametrize("wrong", [{"password": "guess"}, {"password": ""}, {"user": "nobody"}], ids=str)
def test_login_needs_the_password(sandbox: Sandbox, wrong: dict[str, str]) -> None:
    with pytest.raises(psycopg.OperationalError):
        connect(sandbox.directory, **wrong)


def test_no_rule_trusts_anybody(sandbox: Sandbox) -> None:
    with connect(sandbox.directory) as database:
        methods = database.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert methods == [("scram-sha-256",)]


def test_password_is_in_no_arguments_or_environment(sandbox: Sandbox) -> None:
    password = sandbox.postgres.password_file.read_text()
    assert len(password) == 32
    pid = sandbox.status()[0].pid
    assert pid is not None
    arguments = [file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline") if file.exists()]
    assert not any(password.encode() in text for text in arguments)
    assert password not in psutil.Process(pid).environ().values()
    log = (sandbox.directory.sandbox / "logs" / "postgres.log").read_text()
    assert password not in log


def test_server_does_not_run_as_root(sandbox: Sandbox) -> None:
    pid = sandbox.status()[0].pid
    assert pid is not None
    assert 0 not in psutil.Process(pid).uids()
    assert 0 not in psutil.Process(pid).gids()
