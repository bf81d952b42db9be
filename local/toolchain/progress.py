"""What the user sees while something long is built: on stderr, so that printed environments stay clean."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator


def note(text: str) -> None:
    """One line on stderr."""
    from rich.console import Console  # rich takes 50 ms to import, and most runs build nothing

    Console(stderr=True).print(text, highlight=False, markup=False, soft_wrap=True)


@contextlib.contextmanager
def building(what: str, first_time: str, verb: str = "building") -> Iterator[None]:
    """Show what is being built and for how long; ``first_time`` tells what to expect. On a terminal a line that
    counts the seconds, else one line at the start and one at the end."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    text = f"{verb} {what}: about {first_time} the first time"
    started = time.monotonic()
    if console.is_terminal:
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as progress:
            progress.add_task(text, total=None)
            yield
    else:
        note(text)
        yield
    note(f"{verb} {what}: done in {time.monotonic() - started:.0f} s")
