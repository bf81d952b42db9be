"""Where final backups lie: where nothing that is done to another environment reaches them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from automation.backup import Backup, verify
from automation.errors import FoundationError
from automation.project import Project
from local.directory import FoundationDirectory


@pytest.fixture(params=["default", "elsewhere"])
def directory(request: pytest.FixtureRequest, tmp_path: Path) -> FoundationDirectory:
    folder = tmp_path / ("project/.foundation" if request.param == "default" else "elsewhere")
    return FoundationDirectory(folder).create()


def backup_of(project: Project, content: bytes) -> Backup:
    project.backups.mkdir(parents=True)
    file = project.backups / "acme.dump"
    file.write_bytes(content)
    return Backup(file, hashlib.sha256(content).hexdigest(), datetime(2026, 11, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("environment", "location"), [("local", ".foundation/backups/acme.dump"), ("prod", "backups/prod/acme.dump")]
)
def test_a_record_names_a_place_that_holds_in_every_clone(
    directory: FoundationDirectory, tmp_path: Path, environment: str, location: str
) -> None:
    project = Project(tmp_path / "project", environment, directory)
    backup = backup_of(project, b"rows")
    recorded = backup.recorded(project)
    assert recorded["location"] == location
    verify(project, recorded["location"], recorded["sha256"])
    backup.file.write_bytes(b"other rows")
    with pytest.raises(FoundationError, match="its SHA-256 differs"):
        verify(project, recorded["location"], recorded["sha256"])


def test_the_end_of_the_local_environment_spares_the_backups_of_others(
    directory: FoundationDirectory, tmp_path: Path
) -> None:
    project = Project(tmp_path / "project", "prod", directory)
    assert not project.backups.is_relative_to(directory.root)
