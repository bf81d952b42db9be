"""What is installed, which parts are in use, what is missing and how to get it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from automation.project import Project

State = Literal["ok", "missing", "optional"]

PACKAGES = ("pulumi", "pulumi-kubernetes", "pulumi-postgresql", "pulumi-random", "pulumi-hcloud", "pulumi-policy")
BUILD_MEMORY = 4 * 1024**3
BUILD_DISK = 6 * 1024**3


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``next_step`` says how to get what is missing."""

    part: str
    state: State
    detail: str
    next_step: str = ""


def examine(project: Project | None) -> list[Finding]:
    """Everything that an environment needs; nothing is built, started or changed."""
    findings = [_python(), *_packages(), _go(), *_room()]
    if project is not None:
        findings += [*_toolchain(project), _kubernetes(), *_sandbox(project)]
    return findings


def _python() -> Finding:
    # An older Python can't get here: the package's metadata asks for 3.11, and `make setup` refuses before.
    return Finding("python", "ok", f"{sys.version.split()[0]} at {sys.executable}")


def _packages() -> list[Finding]:
    findings = []
    for package in PACKAGES:
        try:
            findings.append(Finding(package, "ok", version(package)))
        except PackageNotFoundError:
            findings.append(Finding(package, "missing", "not installed", "make setup"))
    return findings


def _go() -> Finding:
    go = shutil.which("go")
    if go is not None:
        return Finding("go", "ok", go)
    return Finding("go", "optional", "not on PATH", "nothing to do: it comes from the package index when needed")


def _room() -> list[Finding]:
    """Room for the first builds; later ones need none of it."""
    findings = []
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    detail = f"{memory / 1024**3:.1f} GB, {os.cpu_count()} cores"
    enough: State = "ok" if memory >= BUILD_MEMORY else "optional"
    findings.append(Finding("memory", enough, detail, "" if enough == "ok" else "the first build needs 4 GB"))
    free = shutil.disk_usage(Path.home()).free
    enough = "ok" if free >= BUILD_DISK else "optional"
    findings.append(
        Finding("disk", enough, f"{free / 1024**3:.1f} GB free", "" if enough == "ok" else "the first build needs 6 GB")
    )
    return findings


def _toolchain(project: Project) -> list[Finding]:
    if importlib.util.find_spec("pulumi") is None:
        return [Finding("toolchain", "missing", "the Pulumi SDK is not installed", "make setup")]
    if not (project.directory.bin / "pulumi").exists():
        return [Finding("toolchain", "missing", "not ready in this project yet", "foundation prepare (or make up)")]
    from local.toolchain import ensure

    return [
        Finding(part.name, "ok", f"{part.source} {part.version}" + (f" at {part.path}" if part.path else ""))
        for part in ensure(project.directory).describe()
    ]


def _kubernetes() -> Finding:
    """The programs of the sandbox's cluster."""
    from local.kubernetes.programs import find_programs

    programs = find_programs()
    if programs is None:
        detail = "not on this machine yet"
        return Finding("kubernetes programs", "optional", detail, "foundation prepare (or make up)")
    return Finding("kubernetes programs", "ok", f"{programs.source} {programs.version} at {programs.folder}")


def _sandbox(project: Project) -> list[Finding]:
    from local.sandbox import Sandbox

    if not project.directory.sandbox_file.exists():
        return [Finding("sandbox", "optional", "not made yet", "foundation sandbox start (or make up)")]
    findings = []
    for part in Sandbox(project.directory).status():
        running = part.state == "running"
        detail = " ".join(filter(None, (part.state, part.version, part.endpoint)))
        findings.append(
            Finding(part.name, "ok" if running else "optional", detail, "" if running else "foundation sandbox start")
        )
    return findings


def as_json(findings: list[Finding]) -> str:
    """Stable keys for machines."""
    return json.dumps({"findings": [vars(finding) for finding in findings]}, indent=2)
