"""A tenant's life through the CLI, and what is refused to keep its data safe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from kubernetes import client

from models import names
from tests.scratch import ScratchProject

Projects = Callable[..., ScratchProject]
REGISTRY = "foundation:tenancy:Registry"

pytestmark = pytest.mark.xdist_group("tenants")


@pytest.fixture(scope="module")
def shared(module_project: Projects) -> ScratchProject:
    """An environment that is up, with tenant acme; each test leaves it so."""
    scratch = module_project("acme")
    scratch.apply()
    return scratch


def test_add_change_plan_and_remove(shared: ScratchProject) -> None:
    scratch = shared
    globex, initech = scratch.slug("globex"), scratch.add_tenant("initech")

    answer = scratch.json(
        "tenants", "add", globex, "--plan", "starter", "--name", "Globex", "--email", "it@globex.test"
    )
    assert answer["needs_up"]
    written = scratch.file("globex").read_text()
    assert written.startswith("# yaml-language-server: $schema=../../schemas/tenant.schema.json\n")
    assert "# part of every name" in written
    added = scratch.json("up")["changes"]
    assert {change["tenant"] for change in added if change["type"] != REGISTRY} == {globex, initech}
    assert {change["action"] for change in added if change["type"] != REGISTRY} == {"create"}
    with scratch.connect() as database:
        database.execute(f'CREATE TABLE "{names.database_schema(globex)}".kept (note text)'.encode())

    scratch.cli("tenants", "set-plan", globex, "pro")
    before, after = written.splitlines(), scratch.file("globex").read_text().splitlines()
    (edited,) = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert edited[0].replace("plan: starter", "plan: pro").split() == edited[1].split()
    changed = scratch.json("up")["changes"]
    assert {change["action"] for change in changed} == {"update"}
    assert {change["tenant"] for change in changed if change["type"] != REGISTRY} == {globex}
    assert scratch.json("tenants", "show", globex)["plan"] == "pro"

    # Both go, by the same updates: globex a step a call, initech at once where it stands after two of them.
    steps = [scratch.json("tenants", "remove", slug) for slug in (globex, initech)]
    scratch.apply()
    assert _has_schema(scratch, initech)
    assert _deployments(scratch, initech) == 0
    steps += [scratch.json("tenants", "remove", slug) for slug in (globex, initech)]
    assert not any(step["finished"] for step in steps)
    (kept,) = (scratch.directory.root / "backups").glob(f"{globex}-*.dump")
    assert kept.stat().st_mode & 0o077 == 0
    (backup,) = (scratch.directory.root / "backups").glob(f"{initech}-*.dump")
    assert hashlib.sha256(backup.read_bytes()).hexdigest() in scratch.file("initech").read_text()

    # A backup that isn't the recorded one any more stops the removal.
    whole = backup.read_bytes()
    backup.write_bytes(whole[:-1])
    scratch.cli("tenants", "remove", initech, "--yes", expect=1)
    assert _has_schema(scratch, initech)
    backup.write_bytes(whole)
    scratch.cli("tenants", "remove", initech, "--yes")
    assert not scratch.file("initech").exists()
    assert not _has_schema(scratch, initech)
    assert _has_schema(scratch, globex)

    assert scratch.json("tenants", "remove", globex)["finished"]
    scratch.apply()
    assert not _has_schema(scratch, globex)
    assert _has_schema(scratch, scratch.slug("acme"))
    with scratch.connect() as database:
        roles = database.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [names.database_role(globex)])
        assert not roles.fetchall()
    assert _phase(scratch, names.namespace(globex)) != "Active"
    assert [tenant["slug"] for tenant in scratch.json("tenants", "list")["tenants"]] == [scratch.slug("acme")]
    backup.unlink()
    kept.unlink()


def test_a_file_with_data_cannot_simply_go(shared: ScratchProject) -> None:
    scratch = shared
    acme = scratch.slug("acme")
    before = _resources(scratch)
    kept = scratch.file("acme").read_text()
    scratch.file("acme").unlink()

    refused = scratch.json("up", expect=4)["error"]
    assert refused["exit_code"] == 4
    assert refused["problems"][0].startswith(f"tenant '{acme}' still has data")
    assert "status: deleted" in refused["problems"][0]
    plain = scratch.shell(f"! pulumi up --stack {scratch.environment} --yes --skip-preview")
    assert "still has data" in plain.stdout

    renamed = kept.replace(f"slug: {acme}", f"slug: {scratch.slug('initech')}")
    scratch.file("initech").write_text(renamed)
    assert "can't be renamed" in scratch.cli("up", expect=4).stderr
    scratch.file("initech").unlink()

    assert _resources(scratch) == before
    scratch.file("acme").write_text(kept)
    assert not scratch.json("up")["changed"]


def test_a_state_that_was_cut_is_named(shared: ScratchProject) -> None:
    scratch = shared
    state = scratch.state_file.read_bytes()
    scratch.state_file.write_bytes(state[: len(state) // 2])
    try:
        for command in (("up",), ("tenants", "remove", scratch.slug("acme"))):
            done = scratch.cli(*command, expect=1)
            assert "Traceback" not in done.stderr
            assert "checkpoint" in done.stderr
    finally:
        scratch.state_file.write_bytes(state)


def test_wrong_files_are_told_all_at_once_and_nothing_is_touched(project: Projects) -> None:
    scratch = project("acme")
    scratch.add_tenant("globex", "entreprise")
    scratch.add_tenant("initech", "starter", unknown=1, slug="Initech!")

    told = scratch.cli("up", expect=2).stderr
    for expected in ("globex", "entreprise", "enterprise", "unknown", "Initech!"):
        assert expected in told
    error = json.loads(scratch.invoke("up", "--json", expect=2).stdout)["error"]
    assert len(error["problems"]) >= 3
    assert all(".yaml:" in problem for problem in error["problems"])
    for command in (["preview"], ["refresh"], ["tenants", "list"]):
        scratch.invoke(*command, expect=2)
    assert not scratch.state_file.exists()
    for name in ("globex", "initech"):
        scratch.file(name).unlink()


def test_edits_that_would_be_wrong_are_not_written(project: Projects) -> None:
    scratch = project("acme")
    acme = scratch.slug("acme")
    before = _files(scratch.tenants)

    for arguments in (
        ["add", acme, "--plan", "starter"],
        ["add", scratch.slug("globex"), "--plan", "gold"],
        ["add", "Bad_Slug", "--plan", "starter"],
        ["add", "../elsewhere", "--plan", "starter"],
        ["set-plan", f"../{scratch.environment}/{acme}", "pro"],
        ["add", "admin", "--plan", "starter"],
        ["add", scratch.slug("globex"), "--plan", "starter", "--email", "nobody"],
        ["set-plan", acme, "gold"],
        ["set-plan", scratch.slug("globex"), "starter"],
        ["show", scratch.slug("globex")],
        ["remove", scratch.slug("globex")],
    ):
        said = scratch.invoke("tenants", *arguments, expect=2)
        assert "next:" in said.stderr
        assert _files(scratch.tenants) == before, arguments


def _files(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


def _resources(scratch: ScratchProject) -> list[str]:
    return [resource["urn"] for resource in scratch.state()["resources"]]


def _has_schema(scratch: ScratchProject, slug: str) -> bool:
    with scratch.connect() as database:
        found = database.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", [names.database_schema(slug)])
        return found.fetchone() is not None


def _deployments(scratch: ScratchProject, slug: str) -> int:
    with scratch.kubernetes() as api:
        deployments = client.AppsV1Api(api).list_namespaced_deployment(names.namespace(slug)).items
    return sum(deployment.spec.replicas for deployment in deployments)


def _phase(scratch: ScratchProject, namespace: str) -> str:
    with scratch.kubernetes() as api:
        found = [item for item in client.CoreV1Api(api).list_namespace().items if item.metadata.name == namespace]
    return str(found[0].status.phase) if found else "gone"
