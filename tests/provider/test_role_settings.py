"""Settings of roles on a real PostgreSQL, by the provider's process as the engine drives it."""

from __future__ import annotations

from uuid import uuid4

import pytest

from provider.plugin import UNKNOWN, Properties
from tests.plugins.rpc import Plugin
from tests.provider.engine import Database
from tests.provider.recorded import Recorded


@pytest.fixture
def recorded(plugin: Plugin) -> Recorded:
    return Recorded(plugin, "foundation:postgres:RoleSettings")


def session(database: Database, role: str, setting: str) -> str | None:
    """What a new session of the role has."""
    with database.connect(user=role, password="test") as connection:
        row = connection.execute("SELECT current_setting(%s, true)", (setting,)).fetchone()
    assert row is not None
    return row[0]


def test_sessions_start_with_the_settings(recorded: Recorded, database: Database, schema: str) -> None:
    tenant = str(uuid4())
    inputs: Properties = {"role": schema, "database": "postgres"}
    settings = {"app.current_tenant": tenant, "search_path": 'one, "$user", public', "statement_timeout": "5s"}
    assert recorded.up(inputs | {"settings": settings}) == "create"
    assert session(database, schema, "app.current_tenant") == tenant
    assert session(database, schema, "search_path") == 'one, "$user", public'
    assert session(database, schema, "statement_timeout") == "5s"
    assert recorded.up(inputs | {"settings": settings}, refresh=True) == "same"

    # One changes, one goes; the session's own default comes back.
    assert recorded.up(inputs | {"settings": {"app.current_tenant": tenant, "search_path": "two"}}) == "update"
    assert session(database, schema, "search_path") == "two"
    assert session(database, schema, "statement_timeout") == "0"

    recorded.destroy()
    assert session(database, schema, "app.current_tenant") in (None, "")


def test_drift_is_mended_and_others_settings_are_left_alone(
    recorded: Recorded, database: Database, schema: str
) -> None:
    inputs = {"role": schema, "settings": {"app.current_tenant": "one", "work_mem": "8MB"}}
    recorded.up(inputs)
    for change in ("SET app.current_tenant TO 'two'", "RESET work_mem", "SET lock_timeout TO '3s'"):
        database.run(f"ALTER ROLE {schema} {change}")  # type: ignore[arg-type]
    assert recorded.up(inputs, refresh=True) == "update"
    assert session(database, schema, "app.current_tenant") == "one"
    assert session(database, schema, "work_mem") == "8MB"
    assert session(database, schema, "lock_timeout") == "3s"
    assert recorded.up(inputs | {"database": "postgres"}) == "replace"
    recorded.destroy()
    assert session(database, schema, "lock_timeout") == "3s"


def test_a_role_that_is_gone_is_reported_gone(recorded: Recorded, database: Database) -> None:
    role = f"role_{uuid4().hex[:12]}"
    database.run(f"CREATE ROLE {role}")  # type: ignore[arg-type]
    recorded.up({"role": role, "settings": {"work_mem": "8MB"}})
    made = recorded.made
    assert made is not None
    database.run(f"DROP ROLE {role}")  # type: ignore[arg-type]
    assert recorded.plugin.read(recorded.token, made) is None
    recorded.destroy()


def test_settings_can_be_imported(recorded: Recorded, database: Database, schema: str) -> None:
    database.run(f"ALTER ROLE {schema} IN DATABASE postgres SET work_mem TO '8MB'")  # type: ignore[arg-type]
    found = recorded.plugin.adopt(recorded.token, f"{schema}@postgres")
    assert found is not None
    assert found.inputs == {"role": schema, "database": "postgres", "settings": {"work_mem": "8MB"}}


def test_mistakes_are_named(recorded: Recorded, schema: str) -> None:
    assert recorded.check({"role": schema, "settings": {}}).keys() == {"settings"}
    assert recorded.check({"role": "", "settings": {"a b": "1", "work_mem": 8}, "colour": "red"}).keys() == {
        "role",
        'settings["a b"]',
        'settings["work_mem"]',
        "colour",
    }
    assert recorded.check({"role": UNKNOWN, "settings": UNKNOWN, "database": UNKNOWN}) == {}
    missing = {"role": "nobody_at_all", "settings": {"work_mem": "8MB"}}
    assert 'role "nobody_at_all" does not exist' in recorded.failure(missing)
    wrong = {"role": schema, "settings": {"work_mem": "plenty"}}
    assert 'invalid value for parameter "work_mem"' in recorded.failure(wrong)
