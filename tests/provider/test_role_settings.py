"""Settings of roles, by the real engine on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import uuid4

import pulumi
import pytest

from components.postgres.resources import FoundationProvider, RoleSettings
from tests.provider.engine import Database, Program, Project

Make = Callable[..., Program]


@pytest.fixture
def role(database: Database) -> str:
    return database.names(f"role_{uuid4().hex[:12]}")[0]


@pytest.fixture
def program(database: Database, role: str) -> Make:
    def make(settings: Mapping[str, str], *, role: str = role, in_database: str | None = "postgres") -> Program:
        def run() -> None:
            provider = FoundationProvider(
                "database",
                host=database.settings["host"],
                port=int(database.settings["port"]),
                username="postgres",
                password=database.settings["password"],
            )
            options = pulumi.ResourceOptions(provider=provider)
            resource = RoleSettings("settings", role=role, settings=settings, database=in_database, opts=options)
            pulumi.export("settings", resource.settings)

        return run

    return make


def session(database: Database, role: str, setting: str) -> str | None:
    """What a new session of the role has."""
    with database.connect(user=role, password="test") as connection:
        row = connection.execute("SELECT current_setting(%s, true)", (setting,)).fetchone()
    assert row is not None
    return row[0]


def test_sessions_start_with_the_settings(project: Project, database: Database, role: str, program: Make) -> None:
    tenant = str(uuid4())
    wanted = program({"app.current_tenant": tenant, "search_path": "one, two", "statement_timeout": "5s"})
    project.up(wanted)
    assert session(database, role, "app.current_tenant") == tenant
    assert session(database, role, "search_path") == "one, two"
    assert session(database, role, "statement_timeout") == "5s"
    assert project.up(wanted, refresh=True) == {"same": 3}

    # One changes, one goes; the session's own default comes back.
    assert project.up(program({"app.current_tenant": tenant, "search_path": "two"})) == {"same": 2, "update": 1}
    assert session(database, role, "search_path") == "two"
    assert session(database, role, "statement_timeout") == "0"

    project.destroy(wanted)
    assert session(database, role, "app.current_tenant") in (None, "")


def test_drift_is_mended_and_others_settings_are_left_alone(
    project: Project, database: Database, role: str, program: Make
) -> None:
    wanted = program({"app.current_tenant": "one", "work_mem": "8MB"}, in_database=None)
    project.up(wanted)
    with database.connect() as connection:
        connection.execute(f"ALTER ROLE {role} SET app.current_tenant TO 'two'")  # type: ignore[arg-type]
        connection.execute(f"ALTER ROLE {role} RESET work_mem")  # type: ignore[arg-type]
        connection.execute(f"ALTER ROLE {role} SET lock_timeout TO '3s'")  # type: ignore[arg-type]
    assert project.up(wanted, refresh=True) == {"same": 2, "update": 1}
    assert session(database, role, "app.current_tenant") == "one"
    assert session(database, role, "work_mem") == "8MB"
    assert session(database, role, "lock_timeout") == "3s"
    project.destroy(wanted)
    assert session(database, role, "lock_timeout") == "3s"


def test_mistakes_are_named(project: Project, program: Make) -> None:
    assert "must hold at least one setting" in project.failure(program({}), preview=True)
    assert "is no setting's name" in project.failure(program({"a b": "1"}), preview=True)
    assert 'role "nobody_at_all" does not exist' in project.failure(program({"work_mem": "8MB"}, role="nobody_at_all"))
    assert 'invalid value for parameter "work_mem"' in project.failure(program({"work_mem": "plenty"}))
