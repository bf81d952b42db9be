"""Sees the arguments of every process that runs for a while."""

from __future__ import annotations

import threading
from types import TracebackType

import psutil


class ArgumentWatch:
    """Collects the command lines of all processes, as anybody on the machine could with ``ps``."""

    SECONDS_BETWEEN_LOOKS = 0.02

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> ArgumentWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(self.SECONDS_BETWEEN_LOOKS):
            for process in psutil.process_iter(["cmdline"]):
                self.seen.add("\0".join(process.info["cmdline"] or ()))
