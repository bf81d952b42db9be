"""Tenants cannot reach each other's data, whichever role asks and whatever it claims to be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import psycopg
import pytest
from psycopg import errors, sql

from models import names
from tests.isolation.world import World

# One environment for all of them, so one worker.
pytestmark = pytest.mark.xdist_group("isolation")

SLUGS = ("alice", "bob", "charlie")
PAIRS = list(permutations(SLUGS, 2))
REFUSED = (errors.InsufficientPrivilege,)


@pytest.fixture(scope="module", autouse=True)
def seeded(world: World) -> None:
    """One task for each tenant, written by the tenant itself through an ordinary login."""
    for slug in SLUGS:
        with world.login(slug) as connection:
            connection.execute("INSERT INTO agents (id, name, role) VALUES ('seldon', 'Seldon', 'orchestrator')")
            connection.execute("INSERT INTO tasks (name, lead_agent) VALUES (%s, 'seldon')", [f"{slug}'s own task"])


@pytest.fixture
def admin(world: World) -> Iterator[psycopg.Connection]:
    """The administrator, in a transaction that is rolled back."""
    with world.administrator() as connection:
        yield connection
        connection.rollback()


def tables(connection: psycopg.Connection, schema: str) -> list[str]:
    rows = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p') ORDER BY 1",
        [schema],
    ).fetchall()
    return [name for (name,) in rows]


@pytest.mark.parametrize("slug", SLUGS)
def test_a_tenant_sees_its_own_rows_without_naming_schema_or_tenant(world: World, slug: str) -> None:
    with world.login(slug) as connection:
        rows = connection.execute("SELECT name, tenant_id FROM tasks").fetchall()
    assert (f"{slug}'s own task", world.tenant(slug).id) in rows
    assert {tenant_id for _, tenant_id in rows} == {world.tenant(slug).id}


@pytest.mark.parametrize(("slug", "other"), PAIRS)
def test_every_statement_on_anothers_tables_is_refused(world: World, slug: str, other: str) -> None:
    schema = names.database_schema(other)
    with world.administrator() as connection:
        found = tables(connection, schema)
    assert len(found) >= 7  # FC-035
    statements = (
        "SELECT * FROM {}",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "LOCK TABLE {}",
        "UPDATE {} SET tenant_id = tenant_id",
    )
    with world.login(slug) as connection:
        for table in found:
            for statement in (
                *statements,
                "INSERT INTO {} DEFAULT VALUES",
                "DROP TABLE {}",
                "ALTER TABLE {} ADD x int",
            ):
                with pytest.raises(REFUSED), connection.transaction():
                    connection.execute(sql.SQL(statement).format(sql.Identifier(schema, table)))


@pytest.mark.parametrize(("slug", "other"), PAIRS)
def test_anothers_schema_takes_no_new_objects(world: World, slug: str, other: str) -> None:
    place = sql.Identifier(names.database_schema(other), "intruder")
    with world.login(slug) as connection:
        for statement in ("CREATE TABLE {} (x int)", "CREATE FUNCTION {}() RETURNS int LANGUAGE sql AS 'SELECT 1'"):
            with pytest.raises(REFUSED), connection.transaction():
                connection.execute(sql.SQL(statement).format(place))


@pytest.mark.parametrize(("slug", "other"), PAIRS)
def test_future_tables_and_sequences_are_closed_to_others(
    world: World, admin: psycopg.Connection, slug: str, other: str
) -> None:
    schema = names.database_schema(other)
    owner = world.owner_of(schema)
    admin.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
    admin.execute(sql.SQL("CREATE TABLE {} (id int)").format(sql.Identifier(schema, "later")))
    admin.execute(sql.SQL("CREATE SEQUENCE {}").format(sql.Identifier(schema, "later_seq")))
    admin.execute("RESET ROLE")
    rights = {"table": ("SELECT", "INSERT", "UPDATE", "DELETE"), "sequence": ("USAGE", "SELECT")}
    for relation, kind in (("later", "table"), ("later_seq", "sequence")):
        for privilege in rights[kind]:
            rows = admin.execute(
                f"SELECT r.rolname, has_{kind}_privilege(r.rolname, %s, %s)"
                " AND has_schema_privilege(r.rolname, %s, 'USAGE') FROM pg_roles r WHERE r.rolname IN (%s, %s)",
                [f"{schema}.{relation}", privilege, schema, names.database_role(slug), names.database_role(other)],
            ).fetchall()
            assert dict(rows) == {names.database_role(slug): False, names.database_role(other): True}


@pytest.mark.parametrize(("slug", "other"), PAIRS)
def test_sequences_are_closed_to_others(world: World, slug: str, other: str) -> None:
    schema = names.database_schema(other)
    with world.administrator() as connection:
        owner = world.owner_of(schema)
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        connection.execute(sql.SQL("CREATE SEQUENCE IF NOT EXISTS {}").format(sql.Identifier(schema, "probe_seq")))
    try:
        with world.login(slug) as connection:
            for function in ("nextval", "currval", "lastval"):
                argument = "" if function == "lastval" else f"'{schema}.probe_seq'"
                expected = (
                    errors.ObjectNotInPrerequisiteState if function == "lastval" else errors.InsufficientPrivilege
                )
                with pytest.raises(expected), connection.transaction():
                    connection.execute(f"SELECT {function}({argument})")
        with world.login(other) as connection:
            assert connection.execute(f"SELECT nextval('{schema}.probe_seq')").fetchone() is not None
    finally:
        with world.administrator() as connection:
            connection.execute(sql.SQL("DROP SEQUENCE {}").format(sql.Identifier(schema, "probe_seq")))


@pytest.mark.parametrize(("slug", "other"), PAIRS)
def test_no_other_role_can_be_taken_on(world: World, slug: str, other: str) -> None:
    with world.login(slug) as connection:
        # All tenants share the one role that holds the right to connect; it has nothing else (see below).
        roles = [
            name
            for (name,) in connection.execute(
                "SELECT rolname FROM pg_roles WHERE rolname NOT IN (current_user, %s)", [world.shared_role]
            )
        ]
        assert names.database_role(other) in roles
        for role in roles:
            with pytest.raises(REFUSED), connection.transaction():
                connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))


@pytest.mark.parametrize(("slug", "other"), PAIRS)
@pytest.mark.parametrize("how", ["SET", "SET LOCAL", "set_config"])
def test_a_forged_tenant_context_shows_nothing_and_writes_nothing(
    world: World, slug: str, other: str, how: str
) -> None:
    forged = str(world.tenant(other).id)
    claim = (
        sql.SQL("SELECT set_config('app.current_tenant', {}, true)")
        if how == "set_config"
        else sql.SQL(how + " app.current_tenant = {}")
    ).format(sql.Literal(forged))
    with world.login(slug) as connection:
        with connection.transaction():
            connection.execute(claim)
            assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (0,)
            assert connection.execute("UPDATE tasks SET name = 'stolen'").rowcount == 0
            assert connection.execute("DELETE FROM tasks").rowcount == 0
        with pytest.raises(REFUSED), connection.transaction():
            connection.execute(claim)
            connection.execute("INSERT INTO tasks (name, lead_agent) VALUES ('forged', 'seldon')")
        with pytest.raises(REFUSED), connection.transaction():
            connection.execute(
                "INSERT INTO tasks (tenant_id, name, lead_agent) VALUES (%s, 'forged', 'seldon')", [forged]
            )


@pytest.mark.parametrize("slug", SLUGS)
def test_without_a_tenant_context_there_is_nothing(world: World, slug: str) -> None:
    with world.login(slug) as connection:
        connection.execute("SET app.current_tenant = '00000000-0000-0000-0000-000000000000'")
        assert connection.execute("SELECT count(*) FROM tasks").fetchone() == (0,)
        # What is no UUID at all is refused aloud: the policy's form that stays silent is beyond pgrls' prover.
        connection.execute("SET app.current_tenant = ''")
        with pytest.raises(errors.InvalidTextRepresentation), connection.transaction():
            connection.execute("SELECT count(*) FROM tasks")


@pytest.mark.parametrize("slug", SLUGS)
def test_the_owner_of_the_tables_is_held_to_the_policies_too(world: World, slug: str) -> None:
    schema = names.database_schema(slug)
    with world.administrator() as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(world.owner_of(schema))))
        rows = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(schema, "tasks"))).fetchone()
    assert rows == (0,)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_role_has_no_power_of_its_own(world: World, slug: str) -> None:
    with world.administrator() as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolcanlogin, rolconnlimit"
            " FROM pg_roles WHERE rolname = %s",
            [names.database_role(slug)],
        ).fetchone()
        memberships = connection.execute(
            "SELECT m.roleid::regrole::text, m.admin_option FROM pg_auth_members m WHERE m.member = %s::regrole",
            [names.database_role(slug)],
        ).fetchall()
    assert row == (False, False, False, False, False, True, 5)  # FC-051
    assert memberships == [(world.shared_role, False)]


def test_the_shared_role_may_connect_and_nothing_else(world: World) -> None:
    with world.login("alice") as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(world.shared_role)))
        for slug in SLUGS:
            with pytest.raises(REFUSED), connection.transaction():
                connection.execute(
                    sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(names.database_schema(slug), "tasks"))
                )
    with world.administrator() as connection:
        owned = connection.execute(
            "SELECT deptype, classid::regclass::text FROM pg_shdepend WHERE refobjid = %s::regrole", [world.shared_role]
        ).fetchall()
    assert owned == [("a", "pg_database")]


@pytest.mark.parametrize("slug", SLUGS)
def test_the_auth_database_and_the_shared_schema_are_closed(world: World, slug: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        world.login(slug, database=world.auth_database)
    with world.login(slug) as connection:
        for statement in ("CREATE TABLE public.x (y int)", "CREATE TEMP TABLE x (y int)", "CREATE SCHEMA x"):
            with pytest.raises(REFUSED), connection.transaction():
                connection.execute(statement)


def test_every_table_of_every_tenant_is_under_forced_policies(world: World) -> None:
    with world.administrator() as connection:
        rows = connection.execute(
            "SELECT n.nspname, c.relname, c.relrowsecurity AND c.relforcerowsecurity,"
            " array(SELECT polname::text FROM pg_policy WHERE polrelid = c.oid ORDER BY 1)"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname LIKE 'tenant\\_%' AND c.relkind IN ('r', 'p')"
        ).fetchall()
    assert len(rows) >= 7 * len(SLUGS)
    unguarded = [row for row in rows if not row[2] or row[3] != ["tenant_isolation", "tenant_pinned"]]
    assert unguarded == []
