"""Programs run by the real engine, with our provider plugin and a real PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, LiteralString

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pulumi import automation

from local.directory import FoundationDirectory
from local.toolchain import Toolchain

REPOSITORY = Path(__file__).resolve().parents[2]
Program = Callable[[], None]


@dataclass(frozen=True)
class Database:
    """A real server of the session's; each test takes names of its own in it."""

    settings: dict[str, str] = field(repr=False)

    @classmethod
    def of(cls, directory: FoundationDirectory) -> Database:
        lines = directory.pg_service_file.read_text().splitlines()[1:]
        return cls(dict(line.split("=", 1) for line in lines if line))

    def connect(self, **settings: str) -> psycopg.Connection[Any]:
        """The superuser's connection unless ``user`` and ``password`` say otherwise."""
        return psycopg.connect(make_conninfo("", **(self.settings | settings)), autocommit=True)

    def run(self, statement: LiteralString, *parameters: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        with self.connect(dbname=database) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def names(self, prefix: str) -> tuple[str, str]:
        """A new role, and a new schema of the same name that it owns."""
        role = sql.Identifier(prefix)
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'test'").format(role))
            connection.execute(sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(role, role))
        return prefix, prefix


class Project:
    """A scratch project with the stack ``local-test`` (or another) and programs to run in it."""

    def __init__(self, folder: Path, toolchain: Toolchain, stack: str = "local-test") -> None:
        self.folder = folder
        self._stack = stack
        self._toolchain = toolchain
        self._made: automation.Stack | None = None
        state = folder / "state"
        state.mkdir(parents=True, exist_ok=True)
        plugin = f"plugins: {{providers: [{{name: foundation, path: {REPOSITORY / 'provider'}}}]}}\n"
        runtime = f"runtime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}\n"
        (folder / "Pulumi.yaml").write_text(f"name: foundation\n{runtime}{plugin}")
        self.environment = toolchain.environment() | {
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PYTHONPATH": str(REPOSITORY),
        }

    def stack(self, program: Program) -> automation.Stack:
        """The stack with ``program``; made and selected once."""
        if self._made is None:
            options = automation.LocalWorkspaceOptions(
                work_dir=str(self.folder),
                env_vars=self.environment,
                pulumi_command=automation.PulumiCommand(root=str(self._toolchain.directory.root)),
            )
            self._made = automation.create_or_select_stack(
                self._stack, project_name="foundation", program=program, opts=options
            )
        self._made.workspace.program = program
        return self._made

    def up(self, program: Program, *, refresh: bool = False) -> dict[str, int]:
        """Updates; how many resources were created, updated and so on. Raises ``CommandError`` with the output."""
        summary = self.stack(program).up(color="never", refresh=refresh)
        return {str(kind): count for kind, count in (summary.summary.resource_changes or {}).items()}

    def preview(self, program: Program) -> tuple[dict[str, int], str]:
        """What an update would do, and what the user sees of it."""
        result = self.stack(program).preview(color="never", diff=True)
        return {str(getattr(key, "value", key)): count for key, count in result.change_summary.items()}, result.stdout

    def destroy(self, program: Program) -> None:
        self.stack(program).destroy(color="never")

    def failure(self, program: Program, *, preview: bool = False) -> str:
        """What the user sees of an update (or preview) that fails."""
        try:
            self.preview(program) if preview else self.up(program)
        except automation.CommandError as error:
            return str(error)
        raise AssertionError("it succeeded")

    def resources(self) -> set[str]:
        """Names of the recorded resources."""
        state = json.loads((self.folder / f"state/.pulumi/stacks/foundation/{self._stack}.json").read_text())
        return {resource["urn"].rpartition("::")[2] for resource in state["checkpoint"]["latest"]["resources"]}

    def state_text(self) -> str:
        """Everything the file backend holds, current state and history."""
        return "\n".join(file.read_text() for file in self.folder.rglob("*.json"))

    def start(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        """Runs the CLI on a program's text, in a process group of its own, as a shell does."""
        (self.folder / "__main__.py").write_text(program)
        return subprocess.Popen(
            ["pulumi", "--non-interactive", *arguments],
            cwd=self.folder,
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )

    def pulumi(self, program: str, *arguments: str) -> str:
        """The CLI's output. Raises when it fails."""
        process = self.start(program, *arguments)
        output, _ = process.communicate()
        assert process.returncode == 0, output
        return output

    def kill(self) -> None:
        """Kills engine, program and plugins, as a power cut would."""
        for process in psutil.process_iter(["cwd"]):
            if process.info["cwd"] and Path(process.info["cwd"]).is_relative_to(self.folder):
                process.kill()
                process.wait()
