"""Scratch copies of the project folder, run by the real CLI and engine on a sandbox that other tests use too."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from kubernetes import client, config
from psycopg.conninfo import make_conninfo
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from automation.cli import app
from local.directory import ENVIRONMENT_VARIABLE, FoundationDirectory
from local.toolchain import ensure
from models import names

ROOT = Path(__file__).resolve().parent.parent
CLI = Path(sys.executable).with_name("foundation")
# The rooms that a program needs; the scratch folder links to those of this clone.
ROOMS = ("automation", "components", "models", "policies", "products", "provider", "schemas", "services", ".venv")
COMMAND_SECONDS = 600


@dataclass(frozen=True)
class ScratchProject:
    """A project folder of its own, with the stack ``local-<id>``. Names that the cluster and the database server
    share with other tests hold the id: tenants' slugs, the tenants' database, the platform's namespace."""

    folder: Path
    id: str
    directory: FoundationDirectory

    @classmethod
    def make(cls, folder: Path, directory: FoundationDirectory) -> ScratchProject:
        """Set up the folder without tenants."""
        scratch = cls(folder, uuid.uuid4().hex[:6], directory)
        scratch.fill()
        return scratch

    def fill(self) -> None:
        """Write everything but tenants into the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        # The program reads the files beside itself: a link to it would lead back to the clone.
        for file in ("Pulumi.yaml", "__main__.py"):
            shutil.copy(ROOT / file, self.folder)
        for room in ROOMS:
            (self.folder / room).symlink_to(ROOT / room)
        self.tenants.mkdir(parents=True)
        self.write_settings()

    @property
    def environment(self) -> str:
        """Name of the environment and its stack."""
        return f"local-{self.id}"

    @property
    def tenants(self) -> Path:
        """The folder of the tenants' files."""
        return self.folder / "tenants" / self.environment

    @property
    def database(self) -> str:
        """The tenants' database."""
        return f"foundation_{self.id}"

    @property
    def settings_file(self) -> Path:
        """The environment's settings."""
        return self.folder / f"Pulumi.{self.environment}.yaml"

    @property
    def state_file(self) -> Path:
        """The stack's state."""
        return self.directory.state / ".pulumi" / "stacks" / "foundation" / f"{self.environment}.json"

    @cached_property
    def variables(self) -> dict[str, str]:
        """The environment of commands: this run's local folder, a terminal wide enough for tables."""
        return os.environ | {ENVIRONMENT_VARIABLE: str(self.directory.root), "COLUMNS": "200", "NO_COLOR": "1"}

    @cached_property
    def engine_variables(self) -> dict[str, str]:
        """The environment of a shell that has sourced what ``foundation env`` prints."""
        return self.variables | ensure(self.directory).environment()

    def write_settings(self, **changes: Any) -> None:
        """Those of environment local with names of this project's own; ``changes`` go into the settings' top."""
        yaml = YAML()
        settings = yaml.load((ROOT / "Pulumi.local.yaml").read_text())
        environment = settings["config"]["foundation:environment"]
        environment["platform_namespace"] = f"foundation-{self.id}"
        environment["postgresql"]["database"] = self.database
        environment["postgresql"]["auth_database"] = f"auth_{self.id}"
        # The sandbox that tests share has nodes of its own.
        environment.pop("hetzner", None)
        # Most tests need no front door: the gateway's own objects in the cluster are enough.
        del environment["gateway"]["redis"]
        environment.update(changes)
        with self.settings_file.open("w") as file:
            yaml.dump(settings, file)

    def slug(self, name: str) -> str:
        """The slug of the tenant that the test calls ``name``."""
        return f"{name}-{self.id}"

    def file(self, name: str) -> Path:
        """The tenant's file."""
        return self.tenants / f"{self.slug(name)}.yaml"

    def add_tenant(self, name: str, plan: str = "starter", **fields: Any) -> str:
        """Write a tenant's file by hand, as somebody without the CLI does; returns its slug."""
        slug = self.slug(name)
        tenant = {
            "api_version": "foundation/v1",
            "slug": slug,
            "id": str(uuid.uuid5(uuid.NAMESPACE_DNS, slug)),
            "display_name": name.title(),
            "plan": plan,
            "admin_email": f"admin@{slug}.test",
        }
        with self.file(name).open("w") as file:
            YAML().dump(tenant | fields, file)
        return slug

    def edit(self, name: str, **fields: Any) -> None:
        """Change fields of a tenant's file."""
        yaml = YAML()
        tenant = yaml.load(self.file(name).read_text())
        tenant.update(fields)
        with self.file(name).open("w") as file:
            yaml.dump(tenant, file)

    def cli(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run ``foundation`` in the folder; another exit code than expected fails with everything it said."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def command(self, *arguments: str) -> list[str]:
        """The command line of ``foundation``."""
        return [str(CLI), "--environment", self.environment, *arguments]

    def invoke(self, *arguments: str, expect: int = 0) -> Result:
        """Run ``foundation`` in this process: for commands that start no engine, a tenth of the time."""
        command = ["--project", str(self.folder), "--environment", self.environment, *arguments]
        done = CliRunner().invoke(app, command, env={ENVIRONMENT_VARIABLE: str(self.directory.root)})
        assert done.exit_code == expect, f"exit code {done.exit_code}\n{done.output}"
        return done

    def json(self, *arguments: str, expect: int = 0) -> Any:
        """What the command answers to machines."""
        return json.loads(self.cli(*arguments, "--json", expect=expect).stdout)

    def shell(self, script: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a script in a shell where plain ``pulumi`` works."""
        done = subprocess.run(
            ["bash", "-c", f"set -e; {script}"],
            cwd=self.folder,
            env=self.engine_variables,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == expect, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def apply(self) -> None:
        """Make the world match the files, by plain Pulumi: for what a test starts from. It takes half the time of
        ``foundation up``, which looks first, and adds no nodes for tenants that have their own."""
        init = "" if self.state_file.exists() else f"pulumi stack init {self.environment}; "
        self.shell(f"{init}pulumi up --stack {self.environment} --non-interactive --yes --skip-preview")

    def state(self) -> dict[str, Any]:
        """The stack's state as it lies on disk."""
        return dict(json.loads(self.state_file.read_text())["checkpoint"]["latest"])

    def kubernetes(self) -> Any:
        """A client of the sandbox's cluster, as administrator; the package's types are all optional, hence Any."""
        connect: Any = config.new_client_from_config
        return connect(config_file=str(self.directory.kubeconfig))

    def connect(self, dbname: str | None = None) -> psycopg.Connection[tuple[Any, ...]]:
        """The superuser in the tenants' database, or in another one."""
        lines = (line.partition("=") for line in self.directory.pg_service_file.read_text().splitlines() if "=" in line)
        settings = {key: value for key, _, value in lines} | {"dbname": dbname or self.database}
        return psycopg.connect(make_conninfo("", **settings), autocommit=True)

    def destroy(self) -> None:
        """Leave the sandbox as it was found: the stack, the databases, the roles and the namespaces go.

        Not by ``foundation down``, so that a test that left the stack broken doesn't break the next one too.
        """
        slugs = [file.stem for file in self.tenants.glob("*.yaml")]
        with self.connect("postgres") as server:
            for database in (self.database, f"auth_{self.id}"):
                server.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)'.encode())
            pattern = f"%\\_{self.id}\\_%"
            for (role,) in server.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE %s", [pattern]).fetchall():
                server.execute(f'DROP ROLE "{role}"'.encode())
        with self.kubernetes() as api:
            core: Any = client.CoreV1Api(api)
            wanted = {names.namespace(slug) for slug in slugs}
            for namespace in core.list_namespace().items:
                name = namespace.metadata.name
                if name in wanted or name.endswith(f"-{self.id}"):
                    core.delete_namespace(name)
        self.state_file.unlink(missing_ok=True)
