"""Built tools, kept in the user's cache folder by the hash of what they are built from.

A second clone builds nothing, two builders at once build once, and a builder that dies leaves nothing half-made: a
tool appears under its name by one rename, after it is complete.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_dir

# 64 bits of SHA-256: enough to tell versions of one tool apart, short enough to read in a path.
KEY_LENGTH = 16


def cache_folder() -> Path:
    """The user's cache folder of this project (``XDG_CACHE_HOME`` is honoured), created when missing."""
    folder = Path(user_cache_dir("foundation"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def hash_inputs(files: Iterable[Path], root: Path, *settings: str) -> str:
    """Hash of the files' contents and names relative to ``root``, and of the settings they are built with.

    Where the clone lies plays no part, so every clone of the same source finds the same tool.
    """
    digest = hashlib.sha256()
    for setting in settings:
        digest.update(f"setting {len(setting)} {setting}\n".encode())
    for file in sorted(files):
        content = file.read_bytes()
        digest.update(f"file {file.relative_to(root).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:KEY_LENGTH]


def kept(name: str, key: str) -> Path | None:
    """The folder of the tool ``name`` with ``key``, where it was made before."""
    folder = _place(name, key)
    return folder if folder.is_dir() else None


def cached(name: str, key: str, build: Callable[[Path], None], on_wait: Callable[[], None] | None = None) -> Path:
    """The folder of the tool ``name`` with ``key``; ``build(folder)`` fills it when it isn't there yet.

    ``on_wait`` is called once when another process is building the same tool; this one then waits for it. What
    ``build`` raises is passed on, and nothing of its work is kept.
    """
    finished = _place(name, key)
    if finished.is_dir():
        return finished
    tools = finished.parent
    tools.mkdir(exist_ok=True)
    partial_prefix = f".partial-{finished.name}-"
    with _locked(tools / f".lock-{finished.name}", on_wait):
        if finished.is_dir():
            return finished
        # The lock dies with its holder: whatever partial work lies here has no living builder.
        for leftover in tools.glob(f"{partial_prefix}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        partial = Path(tempfile.mkdtemp(prefix=partial_prefix, dir=tools))
        try:
            build(partial)
            partial.chmod(0o755)
            partial.replace(finished)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return finished


def _place(name: str, key: str) -> Path:
    return cache_folder() / "tools" / f"{name}-{key}"


@contextlib.contextmanager
def _locked(path: Path, on_wait: Callable[[], None] | None) -> Iterator[None]:
    """Hold the file lock; the kernel frees it when the process ends, however it ends."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if on_wait is not None:
            on_wait()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
