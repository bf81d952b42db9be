"""Stores the state that today's components make: ``python -m tests.upgrade``, once for each release.

Bring ``version`` in pyproject.toml up first; a version that is stored already is refused, for what a release left in
people's states never changes.
"""

from __future__ import annotations

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from local.sandbox import Sandbox
from tests.upgrade.stored import SAMPLES, STORED, project, store


def main() -> None:
    release = version("foundation")
    if (STORED / release).exists():
        sys.exit(f"{release} is stored already: a release has a version of its own (pyproject.toml)")
    with tempfile.TemporaryDirectory() as folder:
        made = project(Path(folder), SAMPLES)
        try:
            made.cli("up")
            print(f"stored in {store(made, release).relative_to(Path.cwd())}")
        finally:
            Sandbox(made.directory).destroy()


if __name__ == "__main__":
    main()
