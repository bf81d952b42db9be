"""Child processes of the language host: programs and plugins, which never outlive it."""

from __future__ import annotations

import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

# Half of what the engine gives a plugin to end before it kills the whole group (plugin.go: 5 s).
GRACE_SECONDS = 2.5
CHUNK_BYTES = 64 * 1024


class Children:
    """The processes running now. They share the host's process group, so the engine's last kill reaches them."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    def start(
        self, command: list[str], cwd: Path, environment: dict[str, str], *, capture: bool
    ) -> subprocess.Popen[bytes]:
        """Start ``command``; its stdin stays open as long as the host lives. Without ``capture`` it writes where the
        host writes, which the engine shows."""
        output = subprocess.PIPE if capture else None
        child = subprocess.Popen(command, cwd=cwd, env=environment, stdin=subprocess.PIPE, stdout=output, stderr=output)
        with self._lock:
            self._running.add(child)
        return child

    def wait(self, child: subprocess.Popen[bytes]) -> int:
        """Wait for the end of ``child``; its exit code, negative when a signal ended it."""
        code = child.wait()
        with self._lock:
            self._running.discard(child)
        return code

    def end(self, child: subprocess.Popen[bytes]) -> None:
        """Ask ``child`` to end, and make it when it does not within the grace time. Returns at once."""
        threading.Thread(target=_end, args=(child,), daemon=True).start()

    def end_all(self) -> None:
        """End every child; returns when all are gone."""
        with self._lock:
            running = list(self._running)
        enders = [threading.Thread(target=_end, args=(child,)) for child in running]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()


def stream(child: subprocess.Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """What a captured child writes, as it comes: ``("stdout", bytes)`` and ``("stderr", bytes)`` to the end of both."""
    chunks: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()

    def read(name: str, pipe: IO[bytes]) -> None:
        with pipe:
            while chunk := pipe.read1(CHUNK_BYTES):  # type: ignore[attr-defined]
                chunks.put((name, chunk))
        chunks.put((name, b""))

    pipes = {"stdout": child.stdout, "stderr": child.stderr}
    for name, pipe in pipes.items():
        assert pipe is not None, "started with capture"
        threading.Thread(target=read, args=(name, pipe), daemon=True).start()
    open_pipes = len(pipes)
    while open_pipes:
        name, chunk = chunks.get()
        if chunk:
            yield name, chunk
        else:
            open_pipes -= 1


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
