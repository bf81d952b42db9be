"""Server processes that outlive the command that started them.

There are no pid files: they go stale, and a pid is given to another process one day. A server is recognised by its
program's name and by its data folder, which stands in its arguments and belongs to one sandbox only. ``psutil`` holds
the time of creation beside the pid and never signals a process that took over the number.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

# A server that still runs so many seconds after it was asked to end is killed; both servers need less than 5.
STOP_TIMEOUT = 30.0
KILL_TIMEOUT = 10.0
# Milliseconds in fact, more on a machine that is very busy.
SHOW_TIMEOUT = 10.0
# A server that runs already may be busy or still starting; after so many seconds it is taken for stuck.
RESUME_TIMEOUT = 30.0
# A log longer than this (bytes) is begun anew at the next start.
MAX_LOG = 20_000_000


class ServerError(RuntimeError):
    """A server of the sandbox did not start; the message ends with the last lines of its log."""


@dataclass(frozen=True)
class Account:
    """The user that a server runs as, where this differs from the one who starts it."""

    uid: int
    gid: int


@dataclass(frozen=True)
class ServerProcess:
    """One server: ``program`` is the executable's name, ``data`` its folder, or a file there, as it stands in the
    arguments."""

    program: str
    data: Path
    log: Path

    def find(self) -> psutil.Process | None:
        """The running process, whoever started it, or None."""
        found: dict[int, psutil.Process] = {}
        parents: dict[int, int] = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                arguments = process.cmdline()
                if arguments and Path(arguments[0]).name == self.program and str(self.data) in arguments[1:]:
                    found[process.pid] = process
                    parents[process.pid] = process.ppid()
        # A child that was forked this moment still has the arguments of its parent, who is the server.
        return next((process for pid, process in found.items() if parents.get(pid) not in found), None)

    def spawn(
        self,
        arguments: Sequence[str | Path],
        environment: Mapping[str, str],
        account: Account | None = None,
        folder: Path = Path("/"),
    ) -> None:
        """Start the server in a session of its own, so that it survives the shell; its output goes to the log. It
        stands in ``folder``; one that can be removed while the server runs is a poor place to stand in.

        When this returns, ``find`` finds it, or it has ended already.
        """
        self.log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        too_long = self.log.exists() and self.log.stat().st_size > MAX_LOG
        with self.log.open("wb" if too_long else "ab") as log:
            started = subprocess.Popen(
                [str(argument) for argument in arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(environment),
                cwd=folder,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        # The kernel reports the start a moment before it shows the new program's arguments.
        Retrying(
            retry=retry_if_result(lambda found: found is None and started.poll() is None),
            stop=stop_after_delay(SHOW_TIMEOUT),
            wait=wait_fixed(0.02),
            retry_error_callback=lambda state: None,
        )(self.find)

    def wait_until(self, answers: Callable[[], bool], timeout: float) -> None:
        """Wait until the server answers, at most ``timeout`` seconds. Raises ``ServerError``, at once when it ends."""
        process = self.find()

        def ready() -> bool:
            if process is None or not _is_alive(process):
                raise self.failure(f"{self.program} ended")
            return answers()

        attempts = Retrying(
            retry=retry_if_result(lambda answer: not answer), stop=stop_after_delay(timeout), wait=wait_fixed(0.1)
        )
        try:
            attempts(ready)
        except RetryError as error:
            raise self.failure(f"{self.program} did not answer within {timeout:.0f} s") from error

    def answers_soon(self, answers: Callable[[], bool], timeout: float) -> bool:
        """Whether the server runs and answers, or does so within ``timeout`` seconds."""
        if self.find() is None:
            return False
        try:
            self.wait_until(answers, timeout)
        except ServerError:
            return False
        return True

    def stop(self, polite: signal.Signals) -> None:
        """Ask the server to end and wait for it; kill it when it doesn't. Nothing happens when it isn't running."""
        process = self.find()
        if process is None:
            return
        # The server's own children (PostgreSQL has one per connection) end with it; wait for those too, for they
        # hold its files.
        family = [process, *_children(process)]
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(polite)
        _, alive = psutil.wait_procs(family, timeout=STOP_TIMEOUT)
        for survivor in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                survivor.kill()
        psutil.wait_procs(alive, timeout=KILL_TIMEOUT)

    def failure(self, what: str) -> ServerError:
        """The error to raise: what happened, where the log is and how it ends."""
        lines = self.log.read_text(errors="replace").splitlines()[-15:] if self.log.exists() else []
        return ServerError("\n".join([f"{what}; its log {self.log} ends with:", *(f"  {line}" for line in lines)]))


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
