"""A clean clone of the repository in a folder of its own: what a newcomer has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from automation.prove.frame import ROOT

# Where tools keep what they built or fetched; empty folders in their place make a machine's first time.
CACHES = {
    "XDG_CACHE_HOME": "cache",
    "GOPATH": "go",
    "GOMODCACHE": "go/pkg/mod",
    "GOCACHE": "go-build",
    "UV_CACHE_DIR": "uv",
    "PIP_CACHE_DIR": "pip",
}


class CommandFailed(Exception):
    """A command of the proof ended otherwise than it must; the message begins with the command."""


@dataclass
class Clone:
    """The clone's folder and the environment of its commands."""

    folder: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    """Everything that commands printed, for the search for secrets."""

    @property
    def foundation_directory(self) -> Path:
        """Where its local environment lives."""
        return self.folder / ".foundation"

    def run(self, *command: str, expect: int = 0, secret: bool = False) -> str:
        """What the command prints on stdout. ``secret``: it was asked to show secrets, so that finding them there is
        no news. Raises ``CommandFailed``."""
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        if not secret:
            self.outputs += [done.stdout, done.stderr]
        if done.returncode != expect:
            tail = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
            raise CommandFailed(f"{' '.join(command)} ended with exit code {done.returncode}\n{tail}")
        return done.stdout

    def timed(self, *command: str) -> float:
        """Seconds that the command took."""
        began = time.monotonic()
        self.run(*command)
        return time.monotonic() - began

    def foundation(self, *arguments: str, expect: int = 0) -> str:
        """``foundation`` of the clone."""
        return self.run(".venv/bin/foundation", *arguments, expect=expect)

    def json(self, *arguments: str) -> Any:
        """What ``foundation`` answers to machines."""
        return json.loads(self.foundation(*arguments, "--json"))

    def shell(self, script: str, *, secret: bool = False) -> str:
        """A script in a shell that has sourced the printed environment."""
        return self.run("bash", "-c", f"set -e; source <(.venv/bin/foundation env); {script}", secret=secret)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """``foundation`` in the background, in a process group of its own."""
        return subprocess.Popen(
            [".venv/bin/foundation", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        """The caller's, without what points at another environment than the clone's."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("FOUNDATION_", "PULUMI_"))
        }
        return {**inherited, "COLUMNS": "200", **self.variables}

    def processes(self) -> list[psutil.Process]:
        """Processes that name the folder in their arguments or stand in it."""
        found = []
        for process in psutil.process_iter():
            try:
                words = [process.cwd(), *process.cmdline()]
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            if any(str(self.folder) in word for word in words):
                found.append(process)
        return found


@contextmanager
def clean_clone(*, cold: bool = False) -> Iterator[Clone]:
    """Clone the committed state; with ``cold``, every cache is empty. Removed at the end, servers too."""
    base = Path(tempfile.mkdtemp(prefix="prove-"))
    clone = Clone(
        base / "foundation", {name: str(base / "caches" / path) for name, path in CACHES.items()} if cold else {}
    )
    try:
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone.folder)], check=True)
        yield clone
    finally:
        if clone.foundation_directory.exists():
            subprocess.run(["make", "down"], cwd=clone.folder, env=clone.environment, capture_output=True, check=False)
        # Go's module cache is read-only by design.
        subprocess.run(["chmod", "-R", "u+w", str(base)], check=False)
        shutil.rmtree(base, ignore_errors=True)
