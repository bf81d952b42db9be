"""Migrations of a schema on a real PostgreSQL, by the provider's process as the engine drives it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from components.postgres.resources import Migration
from provider.plugin import UNKNOWN, Properties, contains_unknown
from provider.postgres.history import Version, checksum_of
from provider.postgres.migrate import Migrator
from provider.postgres.row_level_security import RowLevelSecurity
from provider.postgres.server import Server
from tests.plugins.rpc import Plugin
from tests.provider.recorded import Recorded
from tests.provider.samples import NOTES, TASKS, TENANT, history, migrations, state_of, tables


@pytest.fixture
def migrated(plugin: Plugin) -> Recorded:
    return Recorded(plugin, "foundation:postgres:SchemaMigrations")


class Wanted:
    """Makes the inputs that migrate ``schema``."""

    def __init__(self, schema: str) -> None:
        self._schema = schema

    def __call__(self, steps: Sequence[Migration], *, tenant: UUID | None = TENANT, **changed: str) -> Properties:
        inputs: Properties = {"schema": self._schema, "database": "postgres", "owner": self._schema, **changed}
        inputs["migrations"] = list(steps)
        if tenant is not None:
            inputs["rowLevelSecurity"] = {
                "column": "tenant_id",
                "setting": "app.current_tenant",
                "tenantId": str(tenant),
                "roles": [self._schema],
            }
        return inputs


@pytest.fixture
def wanted(schema: str) -> Wanted:
    return Wanted(schema)


def test_applies_only_what_is_new(migrated, database, schema, wanted) -> None:
    shown = migrated.plugin.preview(migrated.token, wanted(migrations(TASKS)))
    assert (shown["version"], [row["name"] for row in shown["applied"]]) == (1, ["0001_step.sql"])
    assert tables(database, schema) == []

    assert migrated.up(wanted(migrations(TASKS))) == "create"
    assert tables(database, schema) == [("tasks", schema)]
    assert migrated.up(wanted(migrations(TASKS))) == "same"
    assert migrated.up(wanted(migrations(TASKS, NOTES))) == "update"
    assert tables(database, schema) == [("notes", schema), ("tasks", schema)]
    assert history(database, schema) == [(1, "0001_step.sql"), (2, "0002_step.sql")]


def test_a_preview_bears_what_is_unknown(migrated, wanted) -> None:
    inputs = wanted(migrations(TASKS), schema=UNKNOWN, owner=UNKNOWN)
    inputs["rowLevelSecurity"] |= {"tenantId": UNKNOWN, "roles": [UNKNOWN]}
    assert migrated.check(inputs) == {}
    assert migrated.check(inputs | {"rowLevelSecurity": UNKNOWN}) == {}
    assert contains_unknown(migrated.plugin.preview(migrated.token, inputs))


def test_edited_history_is_refused_before_anything_happens(migrated, database, schema, wanted) -> None:
    migrated.up(wanted(migrations(TASKS)))
    edited = migrations(TASKS.replace("title", "heading"), NOTES)
    shown = migrated.failure(wanted(edited))
    assert "version 1 (0001_step.sql) was edited after it was applied" in shown
    assert shown.count("SHA-256") >= 1
    assert "as version 3" in shown
    assert history(database, schema) == [(1, "0001_step.sql")]


def test_the_database_remembers_what_a_lost_state_forgot(migrated, database, schema, wanted) -> None:
    migrated.up(wanted(migrations(TASKS)))
    migrated.made = None
    shown = migrated.failure(wanted(migrations(TASKS.replace("title", "heading"))))
    applied, edited = checksum_of(TASKS), checksum_of(TASKS.replace("title", "heading"))
    assert f"applied with SHA-256 {applied}, now {edited}" in shown
    # The right files go on where the database is.
    migrated.up(wanted(migrations(TASKS, NOTES)))
    assert [version for version, _ in history(database, schema)] == [1, 2]


def test_a_removed_version_and_another_place_are_refused(migrated, database, schema, wanted) -> None:
    migrated.up(wanted(migrations(TASKS, NOTES)))
    shown = migrated.failure(wanted(migrations(TASKS), schema="elsewhere", tenant=uuid4()))
    assert "version 2 (0002_step.sql) was applied, but its file is gone" in shown
    assert f"can't change from {schema} to elsewhere" in shown
    assert f"can't change from {TENANT}" in shown


def test_a_file_may_be_renamed(migrated, database, schema, wanted) -> None:
    migrated.up(wanted(migrations(TASKS)))
    renamed = [{**step, "name": "0001_tasks.sql"} for step in migrations(TASKS)]
    assert migrated.up(wanted(renamed)) == "update"
    assert history(database, schema) == [(1, "0001_tasks.sql")]
    assert migrated.up(wanted(renamed), refresh=True) == "same"


def test_a_migration_happens_wholly_or_not_at_all(migrated, database, schema, wanted) -> None:
    broken = TASKS + "CREATE TABLE other (id int);\nSELECT nonsense;\n"
    shown = migrated.failure(wanted(migrations(TASKS, broken.replace("tasks", "jobs")), tenant=None))
    assert "version 2 (0002_step.sql, line 9)" in shown
    assert 'column "nonsense" does not exist' in shown
    assert tables(database, schema) == [("tasks", schema)]
    assert history(database, schema) == [(1, "0001_step.sql")]

    migrated.up(wanted(migrations(TASKS, NOTES)))
    assert [version for version, _ in history(database, schema)] == [1, 2]


def test_a_migration_cannot_end_its_transaction(migrated, database, schema, wanted) -> None:
    shown = migrated.failure(wanted(migrations(TASKS, "CREATE TABLE half (id int); COMMIT; SELECT nonsense;")))
    assert "transaction commands" in shown
    assert tables(database, schema) == [("tasks", schema)]


def test_errors_quote_no_rows(migrated, database, schema, wanted) -> None:
    secret = "planted-in-a-row"
    steps = migrations(
        TASKS, f"INSERT INTO tasks (title) VALUES ('{secret}'), ('{secret}');CREATE UNIQUE INDEX ON tasks (title);"
    )
    shown = migrated.failure(wanted(steps))
    assert "could not create unique index" in shown
    assert secret not in shown


def test_rows_are_the_tenants_own_whatever_a_session_says(migrated, database, schema, wanted) -> None:
    migrated.up(wanted(migrations(TASKS, NOTES)))
    other = str(uuid4())
    with database.connect(user=schema, password="test") as session:
        session.execute(f"SET search_path TO {schema}")  # type: ignore[arg-type]
        assert session.execute("SELECT * FROM tasks").fetchall() == []
        session.execute("SELECT set_config('app.current_tenant', %s, false)", (str(TENANT),))
        session.execute("INSERT INTO tasks (title) VALUES ('mine')")
        assert session.execute("SELECT title FROM titles").fetchall() == [("mine",)]
        # As another tenant it sees nothing, and writes nothing, neither as that tenant nor as itself.
        session.execute("SELECT set_config('app.current_tenant', %s, false)", (other,))
        assert session.execute("SELECT * FROM tasks").fetchall() == []
        for tenant in (other, str(TENANT)):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                session.execute("INSERT INTO tasks (tenant_id, title) VALUES (%s, 'x')", (tenant,))
        assert session.execute("UPDATE tasks SET title = 'x'").rowcount == 0
        assert session.execute("DELETE FROM tasks").rowcount == 0
        # Nor is what is no tenant at all let through.
        session.execute("SELECT set_config('app.current_tenant', '', false)")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            session.execute("SELECT * FROM tasks")


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("CREATE TABLE bare (id int)", "table bare needs the column `tenant_id uuid NOT NULL DEFAULT"),
        ("CREATE TABLE texts (tenant_id text NOT NULL DEFAULT '')", "table texts needs the column"),
        ("CREATE VIEW all_tasks AS SELECT * FROM tasks", "view all_tasks runs with its owner's rights"),
    ],
)
def test_what_escapes_row_level_security_is_refused(migrated, database, schema, wanted, sql, complaint) -> None:
    assert complaint in migrated.failure(wanted(migrations(TASKS, sql)))
    assert history(database, schema) == [(1, "0001_step.sql")]


TAMPERING = [
    "ALTER TABLE {schema}.tasks DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE {schema}.tasks NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY tenant_pinned ON {schema}.tasks",
    "ALTER POLICY tenant_isolation ON {schema}.tasks USING (true)",
    "UPDATE foundation.schema_versions SET checksum = repeat('0', 64) WHERE schema_name = '{schema}'",
    "DELETE FROM foundation.schema_versions WHERE schema_name = '{schema}' AND version = 1",
    "DELETE FROM foundation.schema_versions WHERE schema_name = '{schema}'",
    "DROP TABLE {schema}.tasks, {schema}.notes CASCADE",
]


def test_drift_is_found_and_mended(migrated, database, schema, wanted) -> None:
    inputs = wanted(migrations(TASKS, NOTES))
    migrated.up(inputs)
    before = state_of(database, schema)
    for tampering in TAMPERING:
        with database.connect() as connection:
            connection.execute(tampering.format(schema=schema))  # type: ignore[arg-type]
        assert state_of(database, schema) != before
        assert migrated.up(inputs, refresh=True) == "update", tampering
        assert state_of(database, schema) == before, tampering
    assert migrated.up(inputs, refresh=True) == "same"


def test_deleting_leaves_data_and_history(migrated, database, schema, wanted) -> None:
    inputs = wanted(migrations(TASKS))
    migrated.up(inputs)
    before = state_of(database, schema)
    migrated.destroy()
    assert state_of(database, schema) == before
    migrated.up(inputs)
    assert state_of(database, schema) == before


def test_a_schema_made_anew_is_migrated_anew(migrated, database, schema, wanted) -> None:
    inputs = wanted(migrations(TASKS))
    migrated.up(inputs)
    before = state_of(database, schema)
    with database.connect() as connection:
        connection.execute(f"DROP SCHEMA {schema} CASCADE")  # type: ignore[arg-type]
        connection.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {schema}")  # type: ignore[arg-type]
    migrated.up(inputs, refresh=True)
    assert state_of(database, schema) == before


def test_a_missing_schema_is_said(migrated, wanted) -> None:
    shown = migrated.failure(wanted(migrations(TASKS), schema="nowhere"))
    assert "schema nowhere doesn't exist: make it before its migrations" in shown


def test_two_at_once_apply_each_version_once(database, schema) -> None:
    texts = [TASKS, NOTES, "INSERT INTO tasks (title) VALUES ('once')"]
    wanted = [Version(n, f"{n}.sql", checksum_of(text)) for n, text in enumerate(texts, start=1)]
    by_checksum = {checksum_of(text): text for text in texts}
    security = RowLevelSecurity("tenant_id", "app.current_tenant", TENANT, (schema,))
    migrator = Migrator(
        server=Server.from_settings({**database.settings, "username": "postgres"}),
        database="postgres",
        schema=schema,
        owner=schema,
        wanted=wanted,
        recorded=[],
        security=security,
        text_of=lambda version: by_checksum[version.checksum],
        log=lambda _: None,
        warn=lambda _: None,
        cancelled=threading.Event(),
    )
    with ThreadPoolExecutor() as pool:
        for run in [pool.submit(migrator.run) for _ in range(4)]:
            run.result()
    assert database.run(f"SELECT title FROM {schema}.tasks") == [("once",)]  # type: ignore[arg-type]
    assert [version for version, _ in history(database, schema)] == [1, 2, 3]


def test_pgrls_agrees(migrated, database, schema, wanted) -> None:
    migrated.up(wanted(migrations(TASKS, NOTES)))
    settings = database.settings
    url = f"postgresql://postgres:{settings['password']}@{settings['host']}:{settings['port']}/postgres"
    for command in ("lint --fail-on warning", "verify --strict --mode cross-tenant", "verify --strict --mode write"):
        done = subprocess.run(
            [str(Path(sys.executable).with_name("pgrls")), *command.split(), "--schemas", schema],
            env=os.environ | {"DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
