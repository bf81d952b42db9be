"""Many at once, servers that go away, kills, cancelling, secrets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pulumi
import pulumi_postgresql as postgresql
import pulumi_random as random
import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from local.sandbox import Sandbox
from provider.plugin import Properties, Secret
from tests.plugins.postgresql.world import World
from tests.plugins.rpc import Plugin, Refused, standin
from tests.provider.engine import Database, Project


def test_many_grants_at_once(plugin: Plugin, world: World) -> None:
    """Grants of several roles on one schema meet in one row of the catalogue ("tuple concurrently updated")."""
    roles = [f"{world.prefix}_many{number}" for number in range(8)]
    schema = {"database": world.database, "schema": world.schema}
    wanted: list[tuple[str, Properties]] = []
    for role in roles:
        plugin.make("Role", {"name": role})
        grant = {**schema, "role": role}
        wanted += [
            ("Grant", {**grant, "objectType": "schema", "privileges": ["USAGE"]}),
            ("Grant", {**grant, "objectType": "table", "privileges": ["SELECT"]}),
            ("Grant", {"database": world.database, "role": role, "objectType": "database", "privileges": ["CONNECT"]}),
            ("GrantRole", {"role": role, "grantRole": world.app}),
        ]
    with ThreadPoolExecutor(len(wanted)) as pool:
        made = list(pool.map(lambda item: (item[0], plugin.make(*item)), wanted))
    assert all(world.run(f"SELECT has_schema_privilege('{role}', '{world.schema}', 'USAGE')")[0][0] for role in roles)
    with ThreadPoolExecutor(len(made)) as pool:
        list(pool.map(lambda item: plugin.delete(*item), made))


def test_what_is_there_already_is_somebody_elses(plugin: Plugin, world: World) -> None:
    """As the published plugin has it. What an interrupted update had made, the automation takes over."""
    name = f"{world.prefix}_new"
    world.server.run(f"CREATE ROLE {name} CREATEDB")  # type: ignore[arg-type]
    with pytest.raises(Refused, match=f'role "{name}" already exists'):
        plugin.make("Role", {"name": name, "login": True})
    assert world.run(f"SELECT rolcreatedb, rolcanlogin FROM pg_roles WHERE rolname = '{name}'") == [(True, False)]
    world.server.run(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    with pytest.raises(Refused, match=f'database "{name}" already exists'):
        plugin.make("Database", {"name": name, "owner": name})


def test_no_error_shows_a_secret(plugin: Plugin, settings: Properties, world: World) -> None:
    planted = f"planted-{uuid4()}"
    with pytest.raises(Refused) as refused:
        plugin.make("Role", {"name": "x" * 40 + world.prefix, "roles": ["nobody"], "password": Secret(planted)})
    assert planted not in str(refused.value)
    assert 'role "nobody" does not exist' in str(refused.value)
    with standin("postgresql") as other:
        other.configure({**settings, "password": Secret(planted)})
        with pytest.raises(Refused, match="password authentication failed") as refused:
            other.make("Role", {"name": world.prefix})
    assert planted not in str(refused.value)


def test_a_statement_that_fails_puts_no_password_into_the_servers_log(
    plugin: Plugin, sandbox: Sandbox, world: World
) -> None:
    planted, name = f"planted-{uuid4()}", f"{world.prefix}_refused"
    with pytest.raises(Refused, match="invalid input syntax for type timestamp"):
        plugin.make("Role", {"name": name, "password": Secret(planted), "validUntil": "one fine day"})
    log = (sandbox.directory.sandbox / "logs" / "postgres.log").read_text()
    # The statement is in the log, the password isn't.
    assert f'CREATE ROLE "{name}"' in log
    assert planted not in log
    role = plugin.make("Role", {"name": name, "login": True, "password": Secret(planted)})
    with world.server.connect(user=name, password=planted, dbname="postgres") as session:
        assert session.execute("SELECT current_user").fetchone() == (name,)
    plugin.delete("Role", role)


def test_a_wait_ends_when_the_user_cancels(settings: Properties, world: World) -> None:
    grant = {"role": world.app, "database": world.database, "objectType": "database", "privileges": ["CONNECT"]}
    with standin("postgresql") as plugin, world.server.connect(dbname=world.database) as holder:
        plugin.configure(settings)
        holder.execute("SELECT pg_advisory_lock(oid::bigint) FROM pg_roles WHERE rolname = %s", (world.app,))
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(plugin.make, "Grant", grant)
            for attempt in Retrying(stop=stop_after_delay(30), wait=wait_fixed(0.05)):
                with attempt:
                    assert world.run("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'advisory'")
            plugin.cancel()
            with pytest.raises(Refused, match="cancelled"):
                waiting.result()


def test_a_lost_connection_is_tried_again(plugin: Plugin, world: World) -> None:
    grant = {"role": world.app, "database": world.database, "objectType": "database", "privileges": ["CONNECT"]}
    with world.server.connect(dbname=world.database) as holder, ThreadPoolExecutor() as pool:
        holder.execute("SELECT pg_advisory_lock(oid::bigint) FROM pg_roles WHERE rolname = %s", (world.app,))
        waiting = pool.submit(plugin.make, "Grant", grant)
        for attempt in Retrying(stop=stop_after_delay(30), wait=wait_fixed(0.05)):
            with attempt:
                query = """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE wait_event = 'advisory' AND datname = current_database()
                """
                assert world.server.run(query, database=world.database)
        holder.execute("SELECT pg_advisory_unlock_all()")
        assert waiting.result().id == f"{world.app}_{world.database}_database"


def test_a_user_that_is_no_superuser(settings: Properties, world: World) -> None:
    """It becomes a member of the owners concerned for the while, and of none for longer."""
    user, password = f"{world.prefix}_admin", str(uuid4())
    world.server.run(f"CREATE ROLE {user} LOGIN CREATEROLE CREATEDB PASSWORD '{password}'")  # type: ignore[arg-type]
    with standin("postgresql") as plugin:
        plugin.configure({**settings, "username": user, "password": Secret(password), "superuser": "false"})
        owner, app, name = (f"{world.prefix}_{part}" for part in ("mine", "reader", "made"))
        made = [("Role", plugin.make("Role", {"name": role})) for role in (owner, app)]
        made.append(("Database", plugin.make("Database", {"name": name, "owner": owner})))
        made.append(("Schema", plugin.make("Schema", {"name": name, "database": name, "owner": owner})))
        grant = {"role": app, "database": name, "schema": name, "objectType": "schema", "privileges": ["USAGE"]}
        made.append(("Grant", plugin.make("Grant", grant)))
        found = plugin.read("Grant", made[-1][1])
        assert found is not None
        assert plugin.diff("Grant", found, grant).changed == frozenset()
        # PostgreSQL gives the maker of a role the right to manage it, which is none to act for it.
        memberships = """
            SELECT 1 FROM pg_auth_members WHERE pg_get_userbyid(member) = %s AND (set_option OR inherit_option)
        """
        assert world.server.run(memberships, user) == []
        for kind, resource in reversed(made):
            plugin.delete(kind, resource)
    assert world.server.run("SELECT 1 FROM pg_roles WHERE rolname IN (%s, %s)", owner, app) == []


def test_with_the_engine(project: Project, database: Database, world: World) -> None:
    """The whole with Pulumi's engine: unknowns in the preview, secrets in the state, nothing to do afterwards."""

    def program() -> None:
        known = database.settings
        provider = postgresql.Provider(
            "server",
            host=known["host"],
            port=int(known["port"]),
            username=known["user"],
            password=known["password"],
            sslmode="disable",
        )
        options = pulumi.ResourceOptions(provider=provider)
        password = random.RandomPassword("password", length=24)
        app = postgresql.Role("app", name=f"{world.prefix}_one", login=True, password=password.result, opts=options)
        schema = postgresql.Schema("app", name=app.name, database=world.database, owner=app.name, opts=options)
        postgresql.Grant(
            "app",
            role=world.app,
            database=schema.database,
            schema=schema.name,
            object_type="schema",
            privileges=["USAGE"],
            opts=options,
        )
        pulumi.export("password", password.result)

    changes, _ = project.preview(program)
    assert changes == {"create": 6}
    assert project.up(program) == {"create": 6}
    password = project.stack(program).outputs()["password"].value
    database.connect(user=f"{world.prefix}_one", password=password).close()
    assert password not in project.state_text()
    assert project.up(program, refresh=True) == {"same": 6}
    project.destroy(program)
    assert database.run("SELECT 1 FROM pg_roles WHERE rolname = %s", f"{world.prefix}_one") == []
