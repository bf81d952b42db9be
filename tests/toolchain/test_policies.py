"""A policy pack whose process is killed: what it didn't judge does not count as judged."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.toolchain.conftest import Project

# Each gate appears when its place is reached, and holds the run there until it is gone.
PACK = """
import os, threading
from pathlib import Path
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy, StackValidationPolicy

def judge_all(args, report):
    if os.environ["WHEN"] == "all together":
        Path(os.environ["GATE"]).touch()
        threading.Event().wait()

def judge_one(args, report):
    if os.environ["WHEN"] == "one" and args.name == "second":
        Path(os.environ["GATE"]).touch()
        threading.Event().wait()

PolicyPack("pack", [
    StackValidationPolicy("judge-all", "all together", judge_all, EnforcementLevel.MANDATORY),
    ResourceValidationPolicy("judge-one", "one by one", judge_one, EnforcementLevel.MANDATORY),
])
"""
PROGRAM = """
Thing("first", value="1")
Thing("second", value="2")
"""


@pytest.mark.parametrize("moment", ["one", "all together"])
def test_an_update_whose_policies_were_killed_fails(
    project: Project, tmp_path: Path, wait_until: Callable[[Callable[[], object]], None], moment: str
) -> None:
    gate = tmp_path / "gate"
    project.program(PROGRAM)
    project.write("pack/PulumiPolicy.yaml", f"runtime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}\n")
    project.write("pack/__main__.py", PACK)
    project.environment.update(WHEN=moment, GATE=str(gate))
    update = project.start("up", "--yes", "--skip-preview", "--policy-pack", "pack")
    wait_until(gate.exists)
    [pack] = [process for process in psutil.process_iter() if _runs_pack(process, project.folder)]
    pack.kill()
    said, _ = update.communicate(timeout=60)
    assert update.returncode != 0, said
    assert "error reading from server" in said


def _runs_pack(process: psutil.Process, folder: Path) -> bool:
    try:
        arguments = process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
    return "pulumi.policy" in arguments and str(folder / "pack") in arguments
