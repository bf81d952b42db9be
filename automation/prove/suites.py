"""Figures about tests: a suite is run once, and counted by group."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from automation.prove.clone import Clone
from automation.prove.frame import ROOT, Figure, equal, not_run

LEFT_OUT = "TESTS"


@dataclass(frozen=True)
class Ran:
    """A run of tests: its exit code, how many seconds it took, and its cases."""

    code: int
    seconds: float
    cases: Sequence[ElementTree.Element]


def tests_left_out() -> bool:
    """Whether this run is to do without them: ``TESTS=0``."""
    return os.environ.get(LEFT_OUT) == "0"


def run_tests(*command: str) -> Ran:
    """Run ``command`` (pytest, or something that runs it) in the project's folder."""
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        began = time.monotonic()
        environment = Clone(ROOT, {"PYTEST_ADDOPTS": f"--junit-xml={results}"}).environment
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        seconds = time.monotonic() - began
        cases = list(ElementTree.parse(results).iter("testcase"))  # noqa: S314  written by our own pytest
    return Ran(code, seconds, cases)


def by_group(ran: Ran, groups: Mapping[str, str]) -> Iterator[Figure]:
    """A figure for each group: folder or file of tests -> what they are about."""
    for group, about in groups.items():
        prefix = group.removesuffix(".py").replace("/", ".")
        mine = [case for case in ran.cases if case.get("classname", "").startswith(prefix)]
        bad = [case for case in mine if case.find("failure") is not None or case.find("error") is not None]
        skipped = [case for case in mine if case.find("skipped") is not None]
        if mine:
            told = f"{len(mine) - len(bad) - len(skipped)} passed, {len(bad)} failed, {len(skipped)} skipped"
            yield Figure(about, f"pytest {group}", "none fails", told, not bad)


def of_groups(groups: Mapping[str, str]) -> Iterator[Figure]:
    """Run these groups alone."""
    if tests_left_out():
        yield not_run("tests", "", "all pass", f"left out: {LEFT_OUT}=0")
        return
    ran = run_tests(".venv/bin/python", "-m", "pytest", "-q", *groups)
    yield equal("tests of this proof", "exit code of pytest", ran.code, 0)
    yield from by_group(ran, groups)
