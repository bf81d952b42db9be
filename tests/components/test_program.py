"""The program itself, run on project folders of its own."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest
import yaml

from tests.components.monitor import Graph, run

PROJECT = Path(__file__).parents[2]
STACK = "local-foo"

SERVICE = """
[local]
host=127.0.0.1
port=6543
user=postgres
password=the-admins-password
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an environment of another name than `local`, and its own folder for what is local."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(PROJECT / "__main__.py", folder)
    settings = yaml.safe_load((PROJECT / "Pulumi.local.yaml").read_text())
    environment = settings["config"]["foundation:environment"]
    # What the sandbox has of Hetzner and of the gateway's Redis is told by files of its own.
    del environment["hetzner"], environment["gateway"]["redis"]
    (folder / f"Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(settings))
    shutil.copytree(PROJECT / "tenants" / "local", folder / "tenants" / STACK)
    directory = tmp_path / "elsewhere"
    directory.mkdir()
    (directory / "pg_service.conf").write_text(SERVICE)
    monkeypatch.setenv("FOUNDATION_DIR", str(directory))
    monkeypatch.chdir(folder)
    return folder


def program(project: Path) -> Graph:
    return run(lambda: runpy.run_path(str(project / "__main__.py"), run_name="__main__"), stack=STACK)


def test_builds_the_environment_that_the_stack_names(project: Path) -> None:
    graph = program(project)
    assert graph.error == ""
    tenants = {found.name for found in graph.of_type("foundation:tenant:TenantStack")}
    assert tenants == {file.stem for file in (project / "tenants" / STACK).glob("*.yaml")}
    assert graph.exports["tenants"].keys() == tenants


def test_registers_no_stack_traces(project: Path) -> None:
    """They would be a quarter of the state. The stack itself is made by the SDK before the program runs."""
    made = [found for found in program(project).resources.values() if found.type != "pulumi:pulumi:Stack"]
    assert not [found.urn for found in made if found.frames]


def test_follows_the_folder_of_the_local_environment(project: Path) -> None:
    graph = program(project)
    directory = project.parent / "elsewhere"
    kubernetes = graph.named("pulumi:providers:kubernetes", "kubernetes").inputs
    assert kubernetes["kubeconfig"] == str(directory / "kubeconfig")
    assert graph.named("pulumi:providers:postgresql", "postgresql").inputs["port"] == "6543"
    assert "the-admins-password" not in repr(graph)


def test_a_tenant_more_is_a_file_more(project: Path) -> None:
    before = program(project)
    text = (project / "tenants" / STACK / "alice.yaml").read_text()
    alice = next(line for line in text.splitlines() if line.startswith("id:"))
    acme = text.replace("alice", "acme").replace(alice, "id: 2f1d9a5e-0f0b-4b3e-8f53-7c1f2a6d4b90")
    (project / "tenants" / STACK / "acme.yaml").write_text(acme)
    after = program(project)
    assert after.error == ""
    assert after.below("acme")
    for found in before.of_type("foundation:tenant:TenantStack"):
        assert after.below(found.name) == before.below(found.name)


def test_says_every_problem_of_the_files_and_registers_nothing(project: Path) -> None:
    (project / "tenants" / STACK / "alice.yaml").open("a").write("colour: red\n")
    (project / "tenants" / STACK / "bob.yaml").open("a").write("weight: 3\n")
    graph = program(project)
    (message,) = graph.errors
    assert f"tenants/{STACK}/alice.yaml:" in message
    assert "colour" in message
    assert "weight" in message
    assert "Traceback" not in message
    assert not [found for found in graph.resources.values() if found.type != "pulumi:pulumi:Stack"]


def test_says_that_a_secret_is_missing(project: Path) -> None:
    (project / "tenants" / STACK / "alice.yaml").open("a").write("secrets: {discord_token: {config: nowhere}}\n")
    graph = program(project)
    assert "pulumi config set --secret nowhere" in "\n".join(graph.errors)
    assert not graph.of_type("foundation:tenant:TenantStack")


def test_says_that_the_sandbox_is_down(project: Path) -> None:
    (project.parent / "elsewhere" / "pg_service.conf").unlink()
    (message,) = program(project).errors
    assert "pg_service.conf isn't there" in message
