"""pgrls agrees: its linter finds nothing wrong, its prover shows that no row leaks between tenants."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from models import names
from tests.isolation.world import World

# One environment for all of them, so one worker.
pytestmark = pytest.mark.xdist_group("isolation")

SCHEMAS = [names.database_schema(slug) for slug in ("alice", "bob", "charlie")]


def pgrls(world: World, *arguments: str) -> tuple[int, Any]:
    """pgrls' exit code and report. The database's password reaches it by libpq's service file alone."""
    command = [str(Path(sys.executable).with_name("pgrls")), *arguments]
    command += ["--schemas", ",".join(SCHEMAS), "--format", "json"]
    done = subprocess.run(command, env=world.libpq_environment(), capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_the_linter_finds_nothing(world: World) -> None:
    code, report = pgrls(world, "lint", "--fail-on", "warning")
    assert code == 0, report


@pytest.mark.parametrize("mode", ["cross-tenant", "write"])
def test_isolation_is_proved(world: World, mode: str) -> None:
    code, report = pgrls(world, "verify", "--mode", mode, "--strict")
    assert code == 0, report


def test_the_prover_would_see_a_leak(world: World) -> None:
    table = f"{SCHEMAS[0]}.leaking"
    with world.administrator() as connection:
        connection.execute(f"SET ROLE {world.owner_of(SCHEMAS[0])}")
        connection.execute(f"CREATE TABLE {table} (tenant_id uuid NOT NULL, text text)")
        connection.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        connection.execute(f"CREATE POLICY all_of_it ON {table} USING (tenant_id IS NOT NULL)")
    try:
        code, report = pgrls(world, "verify", "--mode", "cross-tenant", "--strict")
        assert code != 0, report
        assert "leaking" in json.dumps(report)
    finally:
        with world.administrator() as connection:
            connection.execute(f"DROP TABLE {table}")
