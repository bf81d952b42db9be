"""Our resources as programs use them, by Pulumi's engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pulumi
import pytest

from components.postgres.resources import FoundationProvider, Migration, RoleSettings, SchemaMigrations
from tests.provider.engine import Database, Program, Project
from tests.provider.samples import NOTES, TASKS, TENANT, history, migrations, tables


@pytest.fixture
def program(database: Database, schema: str) -> Callable[[Sequence[Migration]], Program]:
    def make(steps: Sequence[Migration]) -> Program:
        def run() -> None:
            known = database.settings
            provider = FoundationProvider(
                "database",
                host=known["host"],
                port=int(known["port"]),
                username=known["user"],
                password=known["password"],
            )
            options = pulumi.ResourceOptions(provider=provider)
            resource = SchemaMigrations(
                "migrations",
                schema=schema,
                database="postgres",
                owner=schema,
                migrations=steps,
                row_level_security={
                    "column": "tenant_id",
                    "setting": "app.current_tenant",
                    "tenant_id": str(TENANT),
                    "roles": [schema],
                },
                opts=options,
            )
            settings = RoleSettings("role", role=schema, settings={"app.current_tenant": str(TENANT)}, opts=options)
            pulumi.export("version", resource.version)
            pulumi.export("files", resource.applied.apply(lambda rows: [row["name"] for row in rows]))
            pulumi.export("settings", settings.settings)

        return run

    return make


def test_the_whole_life(
    project: Project, database: Database, schema: str, program: Callable[[Sequence[Migration]], Program]
) -> None:
    changes, shown = project.preview(program(migrations(TASKS)))
    assert changes == {"create": 4}
    assert "0001_step.sql" in shown
    assert tables(database, schema) == []

    project.up(program(migrations(TASKS)))
    assert tables(database, schema) == [("tasks", schema)]
    changes, shown = project.preview(program(migrations(TASKS, NOTES)))
    assert changes == {"same": 3, "update": 1}
    assert "0002_step.sql" in shown
    shown = project.failure(program(migrations(TASKS.replace("title", "heading"))), preview=True)
    assert "version 1 (0001_step.sql) was edited after it was applied" in shown

    outputs = project.stack(program(migrations(TASKS, NOTES))).up(color="never").outputs
    assert outputs["version"].value == 2
    assert outputs["files"].value == ["0001_step.sql", "0002_step.sql"]
    assert outputs["settings"].value == {"app.current_tenant": str(TENANT)}
    with database.connect(user=schema, password="test") as session:
        session.execute(f"INSERT INTO {schema}.tasks (title) VALUES ('mine')")  # type: ignore[arg-type]
        assert session.execute(f"SELECT title FROM {schema}.tasks").fetchall() == [("mine",)]  # type: ignore[arg-type]
    assert project.up(program(migrations(TASKS, NOTES)), refresh=True) == {"same": 4}

    # Neither the password nor the SQL (of which a thousand tenants would hold a thousand copies) is in the state.
    assert database.settings["password"] not in project.state_text()
    assert "CREATE TABLE" not in project.state_text()

    project.destroy(program(migrations(TASKS, NOTES)))
    assert [version for version, _ in history(database, schema)] == [1, 2]
    assert ("tasks", schema) in tables(database, schema)
