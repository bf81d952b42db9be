"""What a parallel run relies on: tests of one group run in one worker, so that they share what their fixtures make."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

MODULE = """
import os
import pathlib
import pytest

pytestmark = pytest.mark.xdist_group("one")


@pytest.mark.parametrize("number", range(4))
def test_it(number):
    pathlib.Path(__file__).with_name("workers").open("a").write(os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


def test_groups_hold_together(tmp_path: Path) -> None:
    for name in ("test_a.py", "test_b.py"):
        (tmp_path / name).write_text(MODULE)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", "-p", "no:cacheprovider", "."]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    workers = (tmp_path / "workers").read_text().split()
    assert len(workers) == 8
    assert len(set(workers)) == 1
