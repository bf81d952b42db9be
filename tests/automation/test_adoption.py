"""An update killed between making something and writing that down: the next one takes it over."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import psutil
import psycopg
from psycopg import sql
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from components.postgres.platform import owner_of, tenants_of
from tests.scratch import ScratchProject

Projects = Callable[..., ScratchProject]
PATIENCE = 120
# Nobody makes a role while this lock is held; whoever tries waits.
LOCK = "LOCK TABLE pg_authid IN SHARE ROW EXCLUSIVE MODE"
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'pg_authid'::regclass"


def test_roles_that_a_killed_update_had_made_are_taken_over(project: Projects) -> None:
    scratch = project("acme")
    roles = {owner_of(scratch.database), tenants_of(scratch.database)}
    with scratch.connect("postgres") as server, scratch.connect("postgres") as watcher:
        with server.transaction():
            server.execute(LOCK)
            update = subprocess.Popen(
                scratch.command("up"), cwd=scratch.folder, env=scratch.variables, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            _until(lambda: watcher.execute(WAITING).fetchone() == (len(roles),), update)
            # The engine hears no more of what becomes of its requests.
            engine = _engine(update)
            engine.suspend()
        _until(lambda: _roles(watcher, roles) == roles, update)
        engine.kill()
        said, _ = update.communicate(timeout=PATIENCE)
    assert update.returncode == 1, said
    urns = {resource["urn"] for resource in scratch.state()["resources"]}
    pending = {operation["resource"]["urn"] for operation in scratch.state()["pending_operations"]}
    assert len([urn for urn in pending - urns if "postgresql:index/role:Role" in urn]) == len(roles)

    again = scratch.cli("up")
    for role in roles:
        assert f"taking over postgresql:index/role:Role {role}, which an interrupted update had made" in again.stderr
    made = {resource["id"]: resource for resource in scratch.state()["resources"] if resource.get("id") in roles}
    assert {role: resource["protect"] for role, resource in made.items()} == dict.fromkeys(roles, True)
    assert not scratch.state().get("pending_operations")
    assert not scratch.json("up")["changed"]


def test_roles_of_others_are_left_alone(project: Projects) -> None:
    scratch = project()
    owner = sql.Identifier(owner_of(scratch.database))
    with scratch.connect("postgres") as server:
        server.execute(sql.SQL("CREATE ROLE {} CREATEDB").format(owner))
        try:
            said = scratch.cli("up", expect=1)
            assert f'role "{owner_of(scratch.database)}" already exists' in said.stderr
            assert "taking over" not in said.stderr
            row = server.execute("SELECT rolcreatedb FROM pg_roles WHERE rolname = %s", [owner_of(scratch.database)])
            assert row.fetchone() == (True,)
        finally:
            server.execute(sql.SQL("DROP ROLE {}").format(owner))


def _roles(server: psycopg.Connection[tuple[object, ...]], wanted: set[str]) -> set[object]:
    return {role for (role,) in server.execute("SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)", [list(wanted)])}


def _engine(update: subprocess.Popen[str]) -> psutil.Process:
    children = psutil.Process(update.pid).children(recursive=True)
    [engine] = [child for child in children if child.name() == "pulumi"]
    return engine


def _until(condition: Callable[[], bool], update: subprocess.Popen[str]) -> None:
    def check() -> None:
        assert update.poll() is None, update.communicate()
        assert condition()

    Retrying(
        retry=retry_if_exception_type(AssertionError),
        stop=stop_after_delay(PATIENCE),
        wait=wait_fixed(0.1),
        reraise=True,
    )(check)
