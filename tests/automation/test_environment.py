"""A whole local environment from nothing to nothing, in a folder of its own, and the commands on its parts."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import platformdirs
import psutil
import pytest

from local.directory import FoundationDirectory
from local.sandbox import Sandbox
from local.toolchain import Toolchain
from tests.scratch import CLI, ROOT, ScratchProject

Projects = Callable[..., ScratchProject]


@pytest.fixture
def alone(tmp_path: Path, toolchain: Toolchain) -> Iterator[ScratchProject]:
    """A project with a local folder, and later a sandbox, of its own."""
    directory = FoundationDirectory(tmp_path / ".foundation").create()
    yield ScratchProject.make(tmp_path / "project", directory)
    if directory.root.exists():
        Sandbox(directory).destroy()


def _files(alone: ScratchProject) -> set[Path]:
    """The project's files, apart from what Python itself keeps of a program that it ran."""
    return {path for path in alone.folder.rglob("*") if not path.is_symlink() and "__pycache__" not in path.parts}


def test_from_nothing_to_nothing(alone: ScratchProject) -> None:
    alone.add_tenant("acme")
    home = alone.folder.with_name("home")
    home.mkdir()
    alone.variables.update(HOME=str(home), XDG_CACHE_HOME=str(platformdirs.user_cache_path()))
    before = _files(alone)
    assert alone.json("up")["changed"]
    assert {part["state"] for part in alone.json("sandbox", "status")["sandbox"]} == {"running"}
    assert _processes(alone)

    alone.json("down", "--keep-data")
    assert {part["state"] for part in alone.json("sandbox", "status")["sandbox"]} == {"stopped"}
    assert not alone.json("up")["changed"]

    # The state names ports that somebody else has meanwhile.
    old = json.loads(alone.directory.sandbox_file.read_text())["ports"]
    alone.json("sandbox", "stop")
    with ExitStack() as others:
        for port in old.values():
            others.enter_context(socket.create_server(("127.0.0.1", port)))
        assert not alone.json("refresh", "--check")["changed"]
        assert not alone.json("refresh")["changed"]
        assert alone.json("up", "--refresh")["counts"]["replace"] == 0

    asked = subprocess.run(
        alone.command("down"), cwd=alone.folder, env=alone.variables, input="n\n", text=True, capture_output=True
    )
    assert asked.returncode == 1
    assert alone.state_file.exists()

    alone.cli("down", "--yes")
    assert not alone.directory.root.exists()
    assert not _processes(alone)
    assert _files(alone) == before
    alone.cli("down", "--yes")
    assert not alone.directory.root.exists()
    assert list(home.iterdir()) == []


def test_doctor_says_what_is_in_use(project: Projects) -> None:
    findings = {found["part"]: found for found in project().json("doctor")["findings"]}
    for part in ("python", "pulumi", "pulumi-language-python", "pulumi-resource-kubernetes", "postgres", "kubernetes"):
        assert findings[part]["state"] == "ok", findings[part]
    assert findings["kubernetes programs"]["detail"].startswith(("official v1.", "built v1."))
    detail = findings["pulumi-resource-kubernetes"]["detail"]
    assert detail.startswith(("stand-in", "reference"))


def test_doctor_works_before_anything_is_set_up(tmp_path: Path) -> None:
    for file in ("Pulumi.yaml", "Pulumi.local.yaml"):
        shutil.copy(ROOT / file, tmp_path)
    done = subprocess.run([CLI, "-C", tmp_path, "doctor", "--json"], capture_output=True, text=True)
    findings = {found["part"]: found for found in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert findings["toolchain"]["state"] == "missing"
    assert "prepare" in findings["toolchain"]["next_step"]
    elsewhere = subprocess.run([CLI, "doctor", "--json"], cwd="/", capture_output=True, text=True)
    assert json.loads(elsewhere.stdout)["findings"]


def test_env_makes_plain_pulumi_work(project: Projects) -> None:
    scratch = project()
    variables = scratch.json("env")
    assert variables["PULUMI_BACKEND_URL"] == f"file://{scratch.directory.state}?metadata=skip"
    assert scratch.shell("pulumi version").stdout.startswith("v3.")
    assert "secret" not in json.dumps(variables).lower()


def test_schemas_are_fresh_and_stale_ones_are_found(tmp_path: Path) -> None:
    assert subprocess.run([CLI, "-C", ROOT, "schema", "--check"], capture_output=True).returncode == 0
    for file in ("Pulumi.yaml", "Pulumi.local.yaml"):
        shutil.copy(ROOT / file, tmp_path)
    command = [CLI, "-C", tmp_path, "schema"]
    stale = subprocess.run([*command, "--check", "--json"], capture_output=True, text=True)
    assert stale.returncode == 1
    assert json.loads(stale.stdout)["stale_schemas"]
    subprocess.run(command, check=True, capture_output=True)
    assert subprocess.run([*command, "--check"], capture_output=True).returncode == 0
    assert {file.name for file in (tmp_path / "schemas").iterdir()} == {
        file.name for file in (ROOT / "schemas").iterdir()
    }


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["-e", "nowhere", "up"], "local"),
        (["-C", "/", "up"], "Pulumi.yaml"),
        (["-e", "prod", "preview"], "PULUMI_BACKEND_URL"),
    ],
)
def test_unusable_environments_are_bad_input(project: Projects, arguments: list[str], named: str) -> None:
    variables = {name: value for name, value in project().variables.items() if not name.startswith("PULUMI_")}
    done = subprocess.run([CLI, *arguments], cwd=ROOT, env=variables, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert named in done.stderr


def _processes(scratch: ScratchProject) -> list[str]:
    """Processes that name the local folder or its database's in their arguments."""
    folders = (str(scratch.directory.root), str(Sandbox(scratch.directory).postgres.place.folder))
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        found += [word for word in words for folder in folders if word.startswith(folder)]
    return found
