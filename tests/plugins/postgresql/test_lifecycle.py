"""What the stand-in does to a real server, and what it finds there."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest

from provider.plugin import UNKNOWN, Properties, Secret, contains_unknown, reveal
from tests.plugins.postgresql.cases import cases
from tests.plugins.postgresql.world import World
from tests.plugins.rpc import Plugin


def test_every_type_settles_drifts_and_goes(plugin: Plugin, world: World) -> None:
    for case in cases(world):
        made = plugin.make(case.kind, case.inputs)
        assert plugin.diff(case.kind, made, case.inputs).changed == frozenset()
        found = plugin.read(case.kind, made)
        assert found is not None
        assert plugin.diff(case.kind, found, case.inputs).changed == frozenset()
        for change in case.changes:
            difference = plugin.diff(case.kind, made, change)
            if difference.changed and not difference.replaced and not contains_unknown(change):
                changed = plugin.change(case.kind, made, change)
                assert plugin.diff(case.kind, changed, change).changed == frozenset()
                made = plugin.change(case.kind, changed, case.inputs)
                assert plugin.diff(case.kind, made, case.inputs).changed == frozenset()
        for statement in case.drift:
            world.run(statement)
        plugin.delete(case.kind, made)
        # Deleting what is gone already is no error.
        plugin.delete(case.kind, made)


def test_drift_is_found_and_mended(plugin: Plugin, world: World) -> None:
    table = {
        "role": world.app,
        "database": world.database,
        "schema": world.schema,
        "objectType": "table",
        "privileges": ["SELECT", "INSERT"],
    }
    made = plugin.make("Grant", table)
    assert world.may("SELECT")
    assert not world.may("DELETE")
    world.run("REVOKE INSERT ON {schema}.t1 FROM {app}")
    drifted = plugin.read("Grant", made)
    assert drifted is not None
    assert plugin.diff("Grant", drifted, table).changed == {"privileges"}
    plugin.change("Grant", drifted, table)
    assert world.may("INSERT")

    plugin.change("Grant", made, {**table, "privileges": ["DELETE"]})
    assert (world.may("SELECT"), world.may("DELETE")) == (False, True)


def test_a_time_limit_typed_with_its_unit_is_drift_like_any_other(plugin: Plugin, world: World) -> None:
    inputs = {"name": f"{world.prefix}_limited", "statementTimeout": 30_000}
    made = plugin.make("Role", inputs)
    for typed, milliseconds in (("2min", 120_000), ("1.5s", 1_500), ("250", 250)):
        world.run(f"ALTER ROLE {world.prefix}_limited SET statement_timeout = '{typed}'")
        drifted = plugin.read("Role", made)
        assert drifted is not None
        assert drifted.outputs["statementTimeout"] == milliseconds
        assert plugin.diff("Role", drifted, inputs).changed == {"statementTimeout"}
    plugin.delete("Role", made)


def test_what_is_gone_is_reported_gone(plugin: Plugin, world: World) -> None:
    name = f"{world.prefix}_new"
    for kind, inputs, statement in (
        ("Role", {"name": name}, f"DROP ROLE {name}"),
        ("Schema", {"name": name, "database": world.database}, f"DROP SCHEMA {name}"),
        ("GrantRole", {"role": world.app, "grantRole": world.owner}, "REVOKE {owner} FROM {app}"),
    ):
        made = plugin.make(kind, inputs)
        world.run(statement)
        assert plugin.read(kind, made) is None
    in_gone_database = plugin.make("Schema", {"name": name, "database": world.database})
    world.server.run(f"DROP DATABASE {world.database} WITH (FORCE)")  # type: ignore[arg-type]
    assert plugin.read("Schema", in_gone_database) is None
    plugin.delete("Schema", in_gone_database)


def test_future_tables_come_with_the_default_privileges(plugin: Plugin, world: World) -> None:
    inputs = {
        "role": world.app,
        "database": world.database,
        "schema": world.schema,
        "owner": world.owner,
        "objectType": "table",
        "privileges": ["SELECT"],
    }
    made = plugin.make("DefaultPrivileges", inputs)
    world.run("SET ROLE {owner}; CREATE TABLE {schema}.later (a int)")
    assert world.may("SELECT", "later")
    plugin.delete("DefaultPrivileges", made)
    world.run("SET ROLE {owner}; CREATE TABLE {schema}.latest (a int)")
    assert not world.may("SELECT", "latest")


def test_a_role_logs_in_with_its_password_and_settings(plugin: Plugin, world: World) -> None:
    name, password = f"{world.prefix}_new", f"it's a \\ {uuid4()}"
    inputs: Properties = {
        "name": name,
        "login": True,
        "password": Secret(password),
        "searchPaths": ["one", "two"],
        "statementTimeout": 4000,
        "connectionLimit": 1,
    }
    made = plugin.make("Role", inputs)
    assert isinstance(made.outputs["password"], Secret)
    assert made.id == name
    with world.server.connect(user=name, password=password) as session:
        assert session.execute("SHOW search_path").fetchone() == ("one, two",)
        assert session.execute("SHOW statement_timeout").fetchone() == ("4s",)
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            world.server.connect(user=name, password=password)
    # The server keeps a SCRAM verifier, never the password.
    query = "SELECT rolpassword FROM pg_authid WHERE rolname = %s"
    assert world.server.run(query, name)[0][0].startswith("SCRAM-SHA-256$")

    plugin.change("Role", made, {**inputs, "password": Secret("another")})
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        world.server.connect(user=name, password=password)
    world.server.connect(user=name, password="another").close()


def test_deleting_a_role_hands_over_what_it_owns(plugin: Plugin, world: World) -> None:
    name = f"{world.prefix}_new"
    made = plugin.make("Role", {"name": name})
    world.server.run(f"CREATE SCHEMA {name} AUTHORIZATION {name}")  # type: ignore[arg-type]
    plugin.delete("Role", made)
    (owner,) = world.server.run("SELECT nspowner::regrole::text FROM pg_namespace WHERE nspname = %s", name)[0]
    assert owner == "postgres"
    world.server.run(f"DROP SCHEMA {name}")  # type: ignore[arg-type]


def test_a_schema_with_tables_is_not_dropped_unless_asked(plugin: Plugin, world: World) -> None:
    name = f"{world.prefix}_new"
    inputs = {"name": name, "database": world.database}
    made = plugin.make("Schema", inputs)
    world.run(f"CREATE TABLE {name}.kept (a int)")
    with pytest.raises(Exception, match="other objects depend on it"):
        plugin.delete("Schema", made)
    plugin.delete("Schema", plugin.change("Schema", made, {**inputs, "dropCascade": True}))
    assert plugin.read("Schema", made) is None


def test_what_exists_can_be_imported(plugin: Plugin, world: World) -> None:
    role = plugin.adopt("Role", world.app)
    assert role is not None
    assert {**role.inputs} == {"name": world.app, "login": True, "__defaults": []}
    schema = plugin.adopt("Schema", f"{world.database}.{world.schema}")
    assert schema is not None
    assert schema.inputs["owner"] == world.owner
    database = plugin.adopt("Database", world.database)
    assert database is not None
    assert plugin.diff("Database", database, {"name": world.database}).changed == frozenset()
    assert plugin.adopt("Role", f"{world.prefix}_nobody") is None
    assert plugin.adopt("Grant", "anything") is None


def test_a_preview_says_what_is_known(plugin: Plugin) -> None:
    shown = plugin.preview("Schema", {"name": "acme", "database": UNKNOWN})
    assert (shown["name"], shown["database"], shown["ifNotExists"], shown["owner"]) == ("acme", UNKNOWN, True, UNKNOWN)
    shown = plugin.preview("Role", {"login": True, "password": Secret(UNKNOWN)})
    assert shown["name"].startswith("it-")
    assert shown["password"] == Secret(UNKNOWN)
    assert reveal(shown["connectionLimit"]) == -1
