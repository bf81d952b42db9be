"""What anybody gets wrong once: the answer says what and what to do, and is never a traceback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from automation.cli import app
from local.directory import ENVIRONMENT_VARIABLE
from tests.scratch import CLI, ROOT


@pytest.mark.parametrize("folder", ["/sys/foundation", "/proc/foundation", "README.md"])
@pytest.mark.parametrize("command", [("up",), ("down", "--yes"), ("tenants", "list")])
def test_a_folder_that_cant_be_made_is_named(
    folder: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    done = CliRunner().invoke(app, list(command), env={ENVIRONMENT_VARIABLE: folder})
    assert done.exit_code == 2, done.output
    assert folder in done.stderr
    assert ENVIRONMENT_VARIABLE in done.stderr


def test_a_changed_sandbox_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "sandbox.json").write_text("{")
    variables = os.environ | {ENVIRONMENT_VARIABLE: str(tmp_path)}
    done = subprocess.run([CLI, "sandbox", "status"], cwd=ROOT, env=variables, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(tmp_path / "sandbox.json") in done.stderr
    assert "delete it" in done.stderr


def test_a_clone_that_cant_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "automation").mkdir()
    shutil.copy(ROOT / "automation" / "bootstrap.py", tmp_path / "automation")
    for file in ("pyproject.toml", "requirements.lock", "requirements-setup.lock"):
        shutil.copy(ROOT / file, tmp_path)
    (tmp_path / ".venv").write_text("in the way")
    command = [sys.executable, "-I", tmp_path / "automation" / "bootstrap.py"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(tmp_path / ".venv") in done.stderr
    assert "Next step" in done.stderr
