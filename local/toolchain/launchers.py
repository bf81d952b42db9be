"""Small files put in a local environment: launchers of our own plugins, links to executables."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")
_MARK = "# A launcher of Foundation's toolchain."


def write_launcher(file: Path, module: str) -> None:
    """Make ``file`` an executable that runs ``module`` of this repository with the Python running now."""
    command = shlex.join([sys.executable, str(LAUNCHER), module])
    write_file(file, f'#!/bin/sh\n{_MARK}\nexec {command} "$@"\n', mode=0o755)


def is_launcher(file: Path) -> bool:
    """Whether ``file`` was written by ``write_launcher``, in this or in another local environment."""
    try:
        with file.open("rb") as stream:
            return _MARK.encode() in stream.read(200)
    except OSError:
        return False


def write_file(file: Path, content: str, mode: int) -> None:
    """Replace ``file`` in one step, unless it holds ``content`` already. ``mode`` holds before the content is in."""
    with contextlib.suppress(OSError):
        # In bytes, and not through a link: a genuine plugin may have stood here before.
        if not file.is_symlink() and file.read_bytes() == content.encode() and file.stat().st_mode & 0o777 == mode:
            return
    with _replacing(file) as partial:
        partial.touch(mode)
        partial.chmod(mode)
        partial.write_text(content)


def place_link(file: Path, target: Path) -> None:
    """Make ``file`` a symbolic link to ``target``."""
    if file.is_symlink() and file.readlink() == target:
        return
    with _replacing(file) as partial:
        partial.symlink_to(target)


def place_executable(file: Path, source: Path) -> None:
    """Make ``file`` the same file as ``source``: a hard link, or a copy on another file system.

    The engine looks for its language host in the folder of its own executable, after following symbolic links.
    """
    with contextlib.suppress(FileNotFoundError):
        there, wanted = file.lstat(), source.stat()
        if os.path.samestat(there, wanted) or (there.st_size, there.st_mtime) == (wanted.st_size, wanted.st_mtime):
            return
    with _replacing(file) as partial:
        try:
            partial.hardlink_to(source)
        except OSError:
            shutil.copy2(source, partial)


@contextlib.contextmanager
def _replacing(file: Path) -> Iterator[Path]:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=file.parent) as folder:
        partial = Path(folder) / file.name
        yield partial
        partial.replace(file)
