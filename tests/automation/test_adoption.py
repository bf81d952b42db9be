"""An update killed between making something and writing that down: the next one takes it over."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import psutil
import psycopg
from psycopg import sql
from pulumi.automation.events import StepEventStateMetadata
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from automation.adoption import DATABASE, adopt
from automation.engine import open_stack
from automation.project import Project
from automation.report import Diagnostic, Report
from components.postgres.platform import owner_of, tenants_of
from tests.scratch import ScratchProject

Projects = Callable[..., ScratchProject]
MESSAGE = "taking over postgresql:index/role:Role {}, which an interrupted update had made"
PATIENCE = 120
# Nobody makes a role while this lock is held; whoever tries waits.
LOCK = "LOCK TABLE pg_authid IN SHARE ROW EXCLUSIVE MODE"
WAITING = """SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE NOT granted AND relation = 'pg_authid'::regclass AND strpos(query, %s) > 0"""


def test_roles_that_a_killed_update_had_made_are_taken_over(project: Projects) -> None:
    scratch = project("acme")
    owner, tenants = owner_of(scratch.database), tenants_of(scratch.database)
    _kill_over(scratch, {owner, tenants})
    pending = {resource.get("inputs", {}).get("name"): resource for resource in _pending(scratch)}
    in_state = {resource["urn"] for resource in scratch.state()["resources"]}
    assert not {pending[role]["urn"] for role in (owner, tenants)} & in_state

    # One as if the provider had died over it, of which the engine tells so.
    told: list[str] = []
    stack = open_stack(Project(scratch.folder, scratch.environment, scratch.directory))
    stack.cancel()
    assert adopt(stack, _unheard(pending[tenants] | {"inputs": {"name": "nobody"}}), DATABASE, told.append) == 0
    assert adopt(stack, _unheard(pending[tenants]), DATABASE, told.append) == 1
    assert told[-1] == MESSAGE.format(tenants)
    # The other as the next update finds it.
    said = scratch.cli("up").stderr
    assert MESSAGE.format(owner) in said
    assert MESSAGE.format(tenants) not in said
    made = {resource["id"]: resource for resource in scratch.state()["resources"] if resource.get("id")}
    assert made[owner]["protect"] is made[tenants]["protect"] is True
    assert not _pending(scratch)
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


def _kill_over(scratch: ScratchProject, roles: set[str]) -> None:
    """Kill an update whose engine has asked for the roles, which are there, and doesn't know it."""
    with scratch.connect("postgres") as server, scratch.connect("postgres") as watcher:
        with server.transaction():
            server.execute(LOCK)
            update = subprocess.Popen(
                scratch.command("up"), cwd=scratch.folder, env=scratch.variables, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            # Others wait as well: the server is everybody's.
            _until(lambda: all(watcher.execute(WAITING, [role]).fetchone() == (1,) for role in roles), update)
            engine = _engine(update)
            engine.suspend()
        _until(lambda: _roles(watcher, roles) == roles, update)
        engine.kill()
        said, _ = update.communicate(timeout=PATIENCE)
    assert update.returncode == 1, said


def _pending(scratch: ScratchProject) -> list[dict[str, Any]]:
    """What the state says that an update was about to make."""
    return [dict(operation["resource"]) for operation in scratch.state().get("pending_operations") or []]


def _unheard(resource: dict[str, Any]) -> Report:
    """The report of an update whose provider died while it made the resource."""
    urn = resource["urn"]
    step = StepEventStateMetadata(resource["type"], urn, "", resource["parent"], resource["provider"])
    step.inputs = resource["inputs"]
    error = Diagnostic("error", "error reading from server: EOF", urn)
    return Report("up", failed={urn: step}, diagnostics=[error])


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
