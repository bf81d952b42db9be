"""What anybody gets wrong once: the answer says what and what to do, and is never a traceback."""

from __future__ import annotations

import os
import subprocess

import pytest

from local.directory import ENVIRONMENT_VARIABLE
from tests.scratch import CLI, ROOT


@pytest.mark.parametrize("folder", ["/sys/foundation", "/proc/foundation", "README.md"])
@pytest.mark.parametrize("command", [("up",), ("down", "--yes"), ("tenants", "list")])
def test_a_folder_that_cant_be_made_is_named(folder: str, command: tuple[str, ...]) -> None:
    variables = os.environ | {ENVIRONMENT_VARIABLE: folder}
    done = subprocess.run([CLI, *command], cwd=ROOT, env=variables, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert folder in done.stderr
    assert ENVIRONMENT_VARIABLE in done.stderr
