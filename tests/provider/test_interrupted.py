"""Migrations that are killed or cancelled in the middle, by the CLI on a program in a file."""

from __future__ import annotations

import signal

import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from tests.provider.engine import Database, Project

TABLE = "CREATE TABLE {name} (tenant_id uuid NOT NULL DEFAULT gen_random_uuid());"


@pytest.fixture
def program(database: Database, schema: str) -> str:
    """Its second migration waits until nobody holds the schema's gate."""
    gate = f"SELECT pg_advisory_xact_lock(4242, hashtext('{schema}'));"
    texts = [TABLE.format(name="first"), TABLE.format(name="second") + gate]
    steps = [{"version": n, "name": f"{n}.sql", "sql": text} for n, text in enumerate(texts, start=1)]
    settings = {key: database.settings[key] for key in ("host", "password")}
    return f"""
import pulumi
from components.postgres.resources import FoundationProvider, SchemaMigrations
provider = FoundationProvider("database", port={database.settings["port"]}, username="postgres", **{settings})
SchemaMigrations("migrations", schema="{schema}", database="postgres", owner="{schema}", migrations={steps},
                 opts=pulumi.ResourceOptions(provider=provider))
"""


def tables(database: Database, schema: str) -> list[str]:
    rows = database.run("SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1", schema)
    return [name for (name,) in rows]


def await_gate(database: Database, schema: str) -> None:
    query = """
        SELECT 1 FROM pg_locks
         WHERE classid = 4242 AND objid = (hashtext(%s)::bigint & 4294967295)::oid AND NOT granted
    """
    for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.05)):
        with attempt:
            assert database.run(query, schema)


@pytest.mark.parametrize("cut", ["kill", "interrupt"])
def test_the_next_update_finishes_the_work(
    project: Project, database: Database, schema: str, program: str, cut: str
) -> None:
    project.pulumi(program, "stack", "init", "local-test")
    with database.connect() as gate:
        gate.execute("SELECT pg_advisory_lock(4242, hashtext(%s))", (schema,))
        running = project.start(program, "up", "--yes", "--skip-preview")
        await_gate(database, schema)
        if cut == "kill":
            project.kill()
            running.communicate()
        else:
            running.send_signal(signal.SIGINT)
            output, _ = running.communicate()
            assert "cancelled, nothing was changed" in output
    assert tables(database, schema) == ["first"]

    if cut == "kill":
        project.pulumi(program, "cancel", "--yes")
    project.pulumi(program, "up", "--yes", "--skip-preview")
    assert tables(database, schema) == ["first", "second"]
    project.pulumi(program, "up", "--yes", "--skip-preview", "--expect-no-changes")
