"""Migrations of a schema, by the real engine on a real PostgreSQL."""

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
import pulumi
import pytest

from components.postgres.resources import FoundationProvider, Migration, SchemaMigrations
from provider.postgres.history import Version, checksum_of
from provider.postgres.migrate import Migrator
from provider.postgres.row_level_security import RowLevelSecurity
from provider.postgres.server import Server
from tests.provider.engine import Database, Program

TASKS = """
CREATE TABLE tasks (
    tenant_id uuid NOT NULL DEFAULT (current_setting('app.current_tenant'))::uuid,
    id bigint GENERATED ALWAYS AS IDENTITY,
    title text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
"""
NOTES = """
CREATE TABLE notes (
    tenant_id uuid NOT NULL DEFAULT (current_setting('app.current_tenant'))::uuid,
    id bigint GENERATED ALWAYS AS IDENTITY,
    text text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
INSERT INTO notes (text) SELECT title FROM tasks;
CREATE VIEW titles WITH (security_invoker = true, security_barrier = true) AS SELECT title FROM tasks;
"""
TENANT = UUID("6d1f7d2e-53a5-4f0b-9f3c-0d6a5a0f1c11")


def migrations(*texts: str) -> list[Migration]:
    return [{"version": n, "name": f"{n:04}_step.sql", "sql": text} for n, text in enumerate(texts, start=1)]


@pytest.fixture
def schema(database: Database) -> str:
    """A new schema, owned by the role of the same name."""
    name = f"tenant_{uuid4().hex[:12]}"
    database.names(name)
    return name


@pytest.fixture
def program(database: Database, schema: str):  # type: ignore[no-untyped-def]
    """Makes a program that migrates ``schema``."""

    def make(steps: Sequence[Migration], *, tenant: UUID | None = TENANT, **changed: str) -> Program:
        def run() -> None:
            settings = database.settings
            provider = FoundationProvider(
                "database",
                host=settings["host"],
                port=int(settings["port"]),
                username=settings["user"],
                password=settings["password"],
            )
            resource = SchemaMigrations(
                "migrations",
                **({"schema": schema, "database": "postgres", "owner": schema} | changed),
                migrations=steps,
                row_level_security=None
                if tenant is None
                else {
                    "column": "tenant_id",
                    "setting": "app.current_tenant",
                    "tenant_id": str(tenant),
                    "roles": [schema],
                },
                opts=pulumi.ResourceOptions(provider=provider),
            )
            pulumi.export("version", resource.version)
            pulumi.export("applied", resource.applied)

        return run

    return make


def history(database: Database, schema: str) -> list[tuple[int, str]]:
    return database.run(
        "SELECT version, name FROM foundation.schema_versions WHERE schema_name = %s ORDER BY version", schema
    )


def tables(database: Database, schema: str) -> list[tuple[str, str]]:
    return database.run("SELECT tablename, tableowner FROM pg_tables WHERE schemaname = %s ORDER BY 1", schema)


def test_applies_only_what_is_new(project, database, schema, program) -> None:
    changes, shown = project.preview(program(migrations(TASKS)))
    assert changes["create"] == 3
    assert "0001_step.sql" in shown
    assert tables(database, schema) == []

    project.up(program(migrations(TASKS)))
    assert tables(database, schema) == [("tasks", schema)]
    assert history(database, schema) == [(1, "0001_step.sql")]
    assert project.up(program(migrations(TASKS))) == {"same": 3}

    changes, shown = project.preview(program(migrations(TASKS, NOTES)))
    assert (changes, "0002_step.sql" in shown) == ({"same": 2, "update": 1}, True)
    outputs = project.stack(program(migrations(TASKS, NOTES))).up(color="never").outputs
    assert outputs["version"].value == 2
    assert [row["name"] for row in outputs["applied"].value] == ["0001_step.sql", "0002_step.sql"]
    assert tables(database, schema) == [("notes", schema), ("tasks", schema)]


def test_edited_history_is_refused_before_anything_happens(project, database, schema, program) -> None:
    project.up(program(migrations(TASKS)))
    edited = migrations(TASKS.replace("title", "heading"), NOTES)
    shown = project.failure(program(edited), preview=True)
    assert "version 1 (0001_step.sql) was edited after it was applied" in shown
    assert shown.count("SHA-256") >= 1
    assert "as version 3" in shown
    assert history(database, schema) == [(1, "0001_step.sql")]


def test_the_database_remembers_what_a_lost_state_forgot(project, database, schema, program) -> None:
    project.up(program(migrations(TASKS)))
    project.forget()
    shown = project.failure(program(migrations(TASKS.replace("title", "heading"))))
    applied, edited = checksum_of(TASKS), checksum_of(TASKS.replace("title", "heading"))
    assert f"applied with SHA-256 {applied}, now {edited}" in shown
    # The right files go on where the database is.
    project.up(program(migrations(TASKS, NOTES)))
    assert [version for version, _ in history(database, schema)] == [1, 2]


def test_a_removed_version_and_another_place_are_refused(project, database, schema, program) -> None:
    project.up(program(migrations(TASKS, NOTES)))
    shown = project.failure(program(migrations(TASKS), schema="elsewhere", tenant=uuid4()), preview=True)
    assert "version 2 (0002_step.sql) was applied, but its file is gone" in shown
    assert f"can't change from {schema} to elsewhere" in shown
    assert f"can't change from {TENANT}" in shown


def test_a_migration_happens_wholly_or_not_at_all(project, database, schema, program) -> None:
    broken = TASKS + "CREATE TABLE other (id int);\nSELECT nonsense;\n"
    shown = project.failure(program(migrations(TASKS, broken.replace("tasks", "jobs")), tenant=None))
    assert "version 2 (0002_step.sql, line 9)" in shown
    assert 'column "nonsense" does not exist' in shown
    assert tables(database, schema) == [("tasks", schema)]
    assert history(database, schema) == [(1, "0001_step.sql")]

    project.up(program(migrations(TASKS, NOTES)))
    assert [version for version, _ in history(database, schema)] == [1, 2]


def test_a_migration_cannot_end_its_transaction(project, database, schema, program) -> None:
    shown = project.failure(program(migrations(TASKS, "CREATE TABLE half (id int); COMMIT; SELECT nonsense;")))
    assert "transaction commands" in shown
    assert tables(database, schema) == [("tasks", schema)]


def test_errors_quote_no_rows(project, database, schema, program) -> None:
    secret = "planted-in-a-row"
    steps = migrations(
        TASKS, f"INSERT INTO tasks (title) VALUES ('{secret}'), ('{secret}');CREATE UNIQUE INDEX ON tasks (title);"
    )
    shown = project.failure(program(steps))
    assert "could not create unique index" in shown
    assert secret not in shown


def test_rows_are_the_tenants_own_whatever_a_session_says(project, database, schema, program) -> None:
    project.up(program(migrations(TASKS, NOTES)))
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
def test_what_escapes_row_level_security_is_refused(project, database, schema, program, sql, complaint) -> None:
    assert complaint in project.failure(program(migrations(TASKS, sql)))
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


def test_drift_is_found_and_mended(project, database, schema, program) -> None:
    wanted = program(migrations(TASKS, NOTES))
    project.up(wanted)
    before = state_of(database, schema)
    for tampering in TAMPERING:
        with database.connect() as connection:
            connection.execute(tampering.format(schema=schema))  # type: ignore[arg-type]
        assert state_of(database, schema) != before
        assert project.up(wanted, refresh=True) == {"same": 2, "update": 1}, tampering
        assert state_of(database, schema) == before, tampering
    assert project.up(wanted, refresh=True) == {"same": 3}


def state_of(database: Database, schema: str) -> list[object]:
    return [
        tables(database, schema),
        database.run(
            "SELECT version, checksum FROM foundation.schema_versions WHERE schema_name = %s ORDER BY 1", schema
        ),
        database.run(
            "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class WHERE relnamespace = %s::regnamespace"
            " AND relkind = 'r' ORDER BY 1",
            schema,
        ),
        database.run(
            "SELECT tablename, policyname, qual, with_check FROM pg_policies WHERE schemaname = %s ORDER BY 1, 2",
            schema,
        ),
    ]


def test_deleting_leaves_data_and_history(project, database, schema, program) -> None:
    wanted = program(migrations(TASKS))
    project.up(wanted)
    before = state_of(database, schema)
    project.destroy(wanted)
    assert state_of(database, schema) == before
    project.up(wanted)
    assert state_of(database, schema) == before


def test_a_schema_made_anew_is_migrated_anew(project, database, schema, program) -> None:
    wanted = program(migrations(TASKS))
    project.up(wanted)
    before = state_of(database, schema)
    with database.connect() as connection:
        connection.execute(f"DROP SCHEMA {schema} CASCADE")  # type: ignore[arg-type]
        connection.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {schema}")  # type: ignore[arg-type]
    project.refresh(wanted)
    project.up(wanted)
    assert state_of(database, schema) == before


def test_a_missing_schema_is_said(project, program) -> None:
    shown = project.failure(program(migrations(TASKS), schema="nowhere"))
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


def test_secrets_stay_secret(project, database, schema, program) -> None:
    project.up(program(migrations(TASKS)))
    assert database.settings["password"] not in project.state_text()
    # The SQL isn't in the state at all: a thousand tenants would hold a thousand copies of it.
    assert "CREATE TABLE" not in project.state_text()


def test_pgrls_agrees(project, database, schema, program) -> None:
    project.up(program(migrations(TASKS, NOTES)))
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
