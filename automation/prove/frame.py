"""The frame that every proof is put in: figures, a line for each, an evidence file, an exit code."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EVIDENCE = ROOT / "docs" / "evidence"


@dataclass(frozen=True)
class Figure:
    """One measured thing. ``ok`` is None when it wasn't run; ``measured`` then says why."""

    name: str
    how: str
    goal: str
    measured: str
    ok: bool | None

    @property
    def verdict(self) -> str:
        """In one word or two."""
        return "not run" if self.ok is None else "ok" if self.ok else "FALLS SHORT"

    def line(self) -> str:
        """As it is printed."""
        return f"{self.verdict:<12}{self.name}: {self.measured} (goal: {self.goal})"


def at_most(name: str, how: str, seconds: float, limit: float) -> Figure:
    """A duration in seconds that must not exceed ``limit``."""
    return Figure(name, how, f"at most {limit:g} s", f"{seconds:.1f} s", seconds <= limit)


def equal(name: str, how: str, measured: object, goal: object) -> Figure:
    """A value that must be just this one."""
    return Figure(name, how, str(goal), str(measured), measured == goal)


def not_run(name: str, how: str, goal: str, why: str) -> Figure:
    """Something that this machine or this call can't show."""
    return Figure(name, how, goal, why, None)


Proof = Callable[[], Iterator[Figure]]
_PROOFS: dict[str, Proof] = {}


def proof(name: str) -> Callable[[Proof], Proof]:
    """Register a proof: a generator of figures whose docstring says what it shows."""

    def register(function: Proof) -> Proof:
        _PROOFS[name] = function
        return function

    return register


def run(name: str) -> int:
    """Run the proof, print its figures as they come and write its evidence; the exit code."""
    if name not in _PROOFS:
        print(f"there is no proof {name!r}; use one of: {', '.join(sorted(_PROOFS))}", file=sys.stderr)
        return 2
    function = _PROOFS[name]
    began = time.monotonic()
    figures: list[Figure] = []
    broken: Exception | None = None
    try:
        for figure in function():
            figures.append(figure)
            print(figure.line(), flush=True)
    except Exception as error:  # what was measured until here is evidence too
        broken = error
        figures.append(Figure("the proof itself", "ran to its end", "no error", _first_line(error), ok=False))
        print(figures[-1].line(), flush=True)
    write_evidence(name, function.__doc__ or "", figures, time.monotonic() - began)
    if broken is not None:
        print(broken, file=sys.stderr)
    return 0 if all(figure.ok is not False for figure in figures) else 1


def write_evidence(name: str, about: str, figures: list[Figure], seconds: float) -> Path:
    """Write ``docs/evidence/<name>.md``: what was run, on what machine, the figures, what was not run."""
    ran = [figure for figure in figures if figure.ok is not None]
    left = [figure for figure in figures if figure.ok is None]
    short = sum(figure.ok is False for figure in figures)
    lines = [
        f"# Evidence: {name}",
        "",
        " ".join(about.split()),
        "",
        f"Written by `make prove NAME={name}` on {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, in {seconds:.0f} s. "
        + ("Every figure that was run reaches its goal." if not short else f"**{short} fall short.**"),
        "",
        "## Machine",
        "",
        *(f"- {fact}" for fact in machine()),
        "",
        "## Figures",
        "",
        "| | figure | measured | goal | how |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {f.verdict} | {f.name} | {_cell(f.measured)} | {f.goal} | {_cell(f.how)} |" for f in ran),
    ]
    if left:
        lines += ["", "## Not run", "", "| figure | goal | why |", "| --- | --- | --- |"]
        lines += [f"| {figure.name} | {figure.goal} | {figure.measured} |" for figure in left]
    EVIDENCE.mkdir(parents=True, exist_ok=True)
    file = EVIDENCE / f"{name}.md"
    file.write_text("\n".join(lines) + "\n")
    return file


def machine() -> list[str]:
    """What the figures depend on; nothing that tells whose machine it is."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    processor = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return [
        f"{os.cpu_count()} cores ({processor[1] if processor else platform.machine()}), {memory:.1f} GB of memory",
        f"{platform.system()} {platform.release().split('-')[0]} on {platform.machine()}",
        f"Python {platform.python_version()}",
        f"load before the proof's last figure: {os.getloadavg()[2]:.1f} (15 minutes' average)",
        f"commit {commit.stdout.strip() or 'unknown'}",
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
