"""What the user sees while something long is built: on stderr, so that printed environments stay clean."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


@functools.cache
def console() -> Console:
    """The one console on stderr: two would overwrite each other's lines on a terminal."""
    from rich.console import Console  # rich takes 50 ms to import, and most runs build nothing

    return Console(stderr=True)


def note(text: str) -> None:
    """One line on stderr."""
    console().print(text, highlight=False, markup=False, soft_wrap=True)


@contextlib.contextmanager
def building(what: str, first_time: str, verb: str = "building") -> Iterator[None]:
    """Show what is being built and for how long; ``first_time`` tells what to expect. On a terminal a line that
    counts the seconds, else one line at the start and one at the end."""
    text = f"{verb} {what}: about {first_time} the first time"
    started = time.monotonic()
    if console().is_terminal:
        with _DISPLAY.line(text):
            yield
    else:
        note(text)
        yield
    note(f"{what}: done in {time.monotonic() - started:.0f} s")


class _Display:
    """The lines of everything that is being built, by whatever thread, as one: lines of several displays at once are
    left behind on the terminal."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: Progress | None = None
        self._lines = 0

    @contextlib.contextmanager
    def line(self, text: str) -> Iterator[None]:
        """Show ``text`` with the seconds gone by while the body runs."""
        with self._lock:
            shown = self._shown or self._start()
            self._lines += 1
            task = shown.add_task(text, total=None)
        try:
            yield
        finally:
            with self._lock:
                shown.remove_task(task)
                self._lines -= 1
                if not self._lines:
                    shown.stop()
                    self._shown = None

    def _start(self) -> Progress:
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        self._shown = Progress(*columns, console=console(), transient=True)
        self._shown.start()
        return self._shown


_DISPLAY = _Display()
