"""What ``pulumi install`` runs for a Python program: its virtual environment and the packages that it asks for."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path


def installation_commands(options: Mapping[str, object], root: Path, folder: Path) -> list[list[str]]:
    """The commands to run in ``folder``; none when it asks for nothing.

    ``toolchain: uv`` means ``uv sync``; else the ``virtualenv`` named by the options (counted from ``root``) is made
    when missing and ``requirements.txt`` installed into it.
    """
    uv = shutil.which("uv")
    if options.get("toolchain") == "uv" and uv and (folder / "pyproject.toml").exists():
        return [[uv, "sync"]]
    requirements = folder / "requirements.txt"
    if not requirements.exists():
        return []
    named = options.get("virtualenv")
    python = root / str(named) / "bin" / "python" if named else Path(sys.executable)
    create = [] if python.exists() else [[sys.executable, "-m", "venv", str(root / str(named))]]
    return [*create, [*_installer(python), "-r", str(requirements)]]


def _installer(python: Path) -> list[str]:
    """What installs into the environment of ``python``: its own pip, or the uv that made it without one."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    has_pip = any(python.parent.parent.glob("lib/python*/site-packages/pip"))
    if uv is None or has_pip or not python.exists():
        return [str(python), "-m", "pip", "install"]
    return [uv, "pip", "install", "--python", str(python)]
