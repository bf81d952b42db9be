"""Scratch projects run by the real engine."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from local.directory import FoundationDirectory
from local.toolchain import Toolchain, ensure

# A provider written with the SDK's own server, as a user would write one. With ``gate``, a create reports that it
# began by making the file, and ends when the file is gone.
PLUGIN = """
import asyncio, sys
from pathlib import Path
from pulumi.provider.experimental import provider as p
from pulumi.provider.experimental.server import main

class Scratch(p.Provider):
    async def get_schema(self, r):
        return p.GetSchemaResponse(schema='{"name": "scratch", "version": "0.1.0"}')
    async def diff(self, r):
        changed = [key for key in r.new_inputs if r.old_state.get(key) != r.new_inputs[key]]
        return p.DiffResponse(changes=bool(changed), diffs=changed)
    async def create(self, r):
        if not r.preview and "gate" in r.properties:
            gate = Path(r.properties["gate"].value)
            gate.touch()
            while gate.exists():
                await asyncio.sleep(0.05)
        return p.CreateResponse(resource_id=r.urn.rpartition("::")[2], properties=r.properties)
    async def update(self, r):
        return p.UpdateResponse(properties=r.news)
    async def delete(self, r):
        return None

main(sys.argv[1:], "0.1.0", Scratch())
"""

# What every program of these tests begins with.
PRELUDE = """
import pulumi

class Thing(pulumi.CustomResource):
    value: pulumi.Output[str]
    def __init__(self, name, opts=None, **inputs):
        super().__init__("scratch:index:Thing", name, inputs, opts)
"""


@dataclass(frozen=True)
class Project:
    """A project folder and the environment that runs it."""

    folder: Path
    environment: dict[str, str]

    def write(self, name: str, text: str) -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return file

    def program(self, text: str) -> None:
        self.write("__main__.py", PRELUDE + textwrap.dedent(text))

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the CLI; stdout and stderr both in ``stdout``."""
        return subprocess.run(
            ["pulumi", "--non-interactive", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the CLI in a process group of its own, as a shell does."""
        return subprocess.Popen(
            ["pulumi", "--non-interactive", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def processes(self) -> list[psutil.Process]:
        """The processes that belong to this project: its programs and plugins run in its folder."""
        found = []
        for process in psutil.process_iter():
            try:
                if Path(process.cwd()).is_relative_to(self.folder):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
                continue
        return found


@pytest.fixture(scope="session")
def toolchain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toolchain]:
    """A toolchain in a folder of its own, with a space in its path; built, whatever the machine has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("FOUNDATION_DIR", raising=False)
        patch.delenv("FOUNDATION_REFERENCE_PLUGINS", raising=False)
        patch.setenv("FOUNDATION_TOOLCHAIN", "built")
        yield ensure(FoundationDirectory(tmp_path_factory.mktemp("a foundation") / ".foundation"))


@pytest.fixture
def project(toolchain: Toolchain, tmp_path: Path) -> Project:
    """An empty project with stack ``local-test`` selected and the plugin ``scratch``."""
    # State of its own, so that tests don't see each other's stacks.
    state = tmp_path / "state"
    state.mkdir()
    environment = os.environ | toolchain.environment() | {"PULUMI_BACKEND_URL": f"file://{state}"}
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "PULUMI_CONFIG_PASSPHRASE"):
        environment.pop(name, None)
    folder = tmp_path / "project"
    folder.mkdir()
    made = Project(folder, environment)
    made.write(
        "Pulumi.yaml",
        """
        name: scratch
        runtime: python
        plugins: {providers: [{name: scratch, path: ./plugin}]}
        """,
    )
    made.write("plugin/PulumiPlugin.yaml", f"runtime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}\n")
    made.write("plugin/__main__.py", PLUGIN)
    made.program("")
    created = made.pulumi("stack", "init", "local-test")
    assert created.returncode == 0, created.stdout
    return made


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object]], None]:
    """Wait until a condition holds; the test fails when it doesn't within a minute."""

    def wait(condition: Callable[[], object]) -> None:
        def check() -> None:
            assert condition()

        Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.05), reraise=True)(check)

    return wait
