"""What the documents say is true: their commands run, their links lead somewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.directory import ENVIRONMENT_VARIABLE, FoundationDirectory
from local.sandbox import Sandbox
from local.toolchain import Toolchain
from tests.scratch import ROOMS, ROOT

DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)(?:#[^)]*)?\)")
# This test is part of it.
NOT_HERE = ("make test",)
BEGIN, DOWN = "make up", "make down"
UP = ".venv/bin/foundation up"
# What does the same in half the time, for it looks only once.
PLAIN_UP = "source <(.venv/bin/foundation env) && pulumi up --stack local --non-interactive --yes --skip-preview"
# Files that are written where the figures are measured.
MEASURED = ("evidence/local.md", "evidence/hetzner.md", "evidence/gateway.md", "benchmark.md")
COMMAND_SECONDS = 600

Run = Callable[[str], None]


def commands(document: Path) -> list[str]:
    """The commands of the document's console blocks, in order."""
    lines = (line for block in BLOCK.findall(document.read_text()) for line in block.splitlines())
    found = (line.removeprefix("$ ").partition("  # ")[0].strip() for line in lines if line.startswith("$ "))
    return [command for command in found if command not in NOT_HERE]


def in_order(documents: list[Path]) -> list[Path]:
    """Documents with commands; those that take the environment down come last, for the others would bring it up."""
    return sorted((found for found in documents if commands(found)), key=lambda document: DOWN in commands(document))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, toolchain: Toolchain) -> Iterator[Run]:
    """Runs commands in a copy of the project folder whose environment `local` is up, with one tenant."""
    folder = tmp_path_factory.mktemp("documents")
    directory = FoundationDirectory(folder / ".foundation").create()
    for room in (*ROOMS, "local", "benchmarks", "requirements.lock", "requirements-setup.lock", "pyproject.toml"):
        (folder / room).symlink_to(ROOT / room)
    for file in (ROOT / "Makefile", ROOT / "__main__.py", *ROOT.glob("Pulumi*.yaml")):
        shutil.copy(file, folder)
    shutil.copytree(ROOT / "tenants", folder / "tenants", ignore=shutil.ignore_patterns("bob.yaml", "charlie.yaml"))
    variables = os.environ | {ENVIRONMENT_VARIABLE: str(directory.root)}
    shown: set[str] = set()

    def execute(command: str) -> None:
        if " down" in command:
            shown.clear()  # plain Pulumi starts no servers
        elif command == BEGIN and command in shown:
            return
        elif command == UP and command in shown:
            command = PLAIN_UP
        shown.add(command)
        done = subprocess.run(
            ["bash", "-c", f"set -e; {command}"],
            cwd=folder,
            env=variables,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"

    try:
        execute(BEGIN)
        yield execute
    finally:
        if directory.root.exists():
            Sandbox(directory).destroy()


@pytest.mark.xdist_group("documents")
@pytest.mark.parametrize("document", in_order(DOCUMENTS), ids=lambda path: path.stem)
def test_commands_run(run: Run, document: Path) -> None:
    for command in commands(document):
        run(command)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text()):
        if not target.endswith(MEASURED):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
