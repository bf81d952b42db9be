"""Files that hold secrets."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner may read, whole or not at all, however this process ends."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # made with mode 0600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
        Path(unfinished).replace(path)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise
