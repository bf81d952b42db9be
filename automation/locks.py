"""The lock that an update holds on its stack, and what to do about one whose holder is gone."""

from __future__ import annotations

import json
import re
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

# As every self-hosted back end of Pulumi words it.
_HOLDER = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<time>\S+)")
# The lock's time has whole seconds; a process that is younger than this beside it can't be its writer.
_MARGIN = timedelta(seconds=2)


@dataclass(frozen=True)
class Holder:
    """Who locked the stack."""

    user: str
    host: str
    pid: int
    since: datetime | None

    def is_dead(self) -> bool:
        """Whether the holder certainly runs no more. False for another machine's: nothing is known of it here."""
        if self.host != socket.gethostname():
            return False
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
            born = datetime.fromtimestamp(process.create_time(), UTC)
        except psutil.NoSuchProcess:
            return True
        # The number may have been given to another process since.
        return self.since is not None and born > self.since + _MARGIN

    def __str__(self) -> str:
        since = f" since {self.since:%Y-%m-%d %H:%M:%S %Z}" if self.since else ""
        return f"{self.user} on {self.host} (process {self.pid}){since}"


def holders(message: str) -> list[Holder]:
    """The holders that the engine names when it finds the stack locked."""
    return [
        Holder(match["user"], match["host"], int(match["pid"]), _time(match["time"]))
        for match in _HOLDER.finditer(message)
    ]


def lock_holders(backend: Path) -> list[Holder]:
    """The holders of all locks in a file backend."""
    locks = [json.loads(file.read_text()) for file in (backend / ".pulumi" / "locks").rglob("*.json")]
    return [Holder(lock["username"], lock["hostname"], lock["pid"], _time(lock["timestamp"])) for lock in locks]


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.rstrip(".,"))
    except ValueError:
        return None
