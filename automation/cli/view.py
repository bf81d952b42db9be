"""What people see: progress while the engine works, and tables when it is done."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from automation.report import CHANGES, PLATFORM, Change, Report
from local.toolchain.progress import console

SHOWN_AT_ONCE = 6
# Where there is no terminal, seconds between lines on what takes longer: a silent job looks like a stuck one.
HEARTBEAT = 10.0
UNLIMITED = 10_000
SIGNS = {"create": "+", "update": "~", "replace": "±", "delete": "-", "import": "="}
COLOURS = {"create": "green", "update": "yellow", "replace": "magenta", "delete": "red", "import": "cyan"}


def say(line: str) -> None:
    """One line of progress: on stderr, so that stdout holds results alone."""
    print(line, file=sys.stderr, flush=True)


class Progress:
    """Follows a report: a live view on a terminal, else a line for each resource that is done, and now and then one
    for each that isn't yet."""

    def __init__(self) -> None:
        self._console = console()
        self._live: Live | None = None
        self._report: Report | None = None

    @contextlib.contextmanager
    def shown(self) -> Iterator[Progress]:
        """Show it while the body runs."""
        if not self._console.is_terminal:
            ended = threading.Event()
            threading.Thread(target=self._say_what_runs, args=(ended,), daemon=True).start()
            try:
                yield self
            finally:
                ended.set()
            return
        with Live(Spinner("dots"), console=self._console, transient=True, refresh_per_second=8) as self._live:
            yield self
        self._live = None

    def tell(self, line: str) -> None:
        """One line above the live view."""
        if self._live is not None:
            self._console.print(line, highlight=False, markup=False)
        else:
            say(line)

    def changed(self, report: Report, change: Change | None) -> None:
        """To be given to the operations as ``on_change``."""
        self._report = report
        if self._live is not None:
            self._live.update(_running(report))
        elif change is not None:
            say(_line(change))

    def _say_what_runs(self, ended: threading.Event) -> None:
        while not ended.wait(HEARTBEAT):
            for urn, seconds in _slowest(self._report) if self._report else ():
                if seconds >= HEARTBEAT and self._report:
                    say(f"  {_step(self._report, urn, seconds)}")


def _slowest(report: Report) -> list[tuple[str, float]]:
    """URN and seconds of the steps that have run longest."""
    now = time.monotonic()
    steps = sorted(report.running.copy().items(), key=lambda item: item[1])[:SHOWN_AT_ONCE]
    return [(urn, now - begun) for urn, begun in steps]


def _step(report: Report, urn: str, seconds: float) -> str:
    said = report.said.get(urn)
    return f"{urn.rpartition('::')[2]}  {seconds:.0f} s" + (f"  {said}" if said else "")


def _running(report: Report) -> Group:
    rows: list[Spinner | Text] = [
        Spinner("dots", f"{report.kind}: {report.finished_steps} of {report.started_steps} changes done")
    ]
    rows += [Text(f"  {_step(report, urn, seconds)}", style="dim") for urn, seconds in _slowest(report)]
    return Group(*rows)


def _line(change: Change) -> str:
    where = f"{change.tenant}: " if change.tenant else ""
    return f"{SIGNS[change.action]} {where}{change.type} {change.name}"


def print_report(report: Report) -> None:
    """What was done or would be done, by tenant."""
    console = Console()
    if not report.changed:
        console.print(f"{report.kind}: no changes ({report.counts['same']} resources, {report.seconds:.1f} s)")
        return
    would = "would be " if report.preview else ""
    # Not the table's title, which is folded to the width of its columns.
    console.print(f"{report.kind}: what {would or 'was '}changed", style="italic")
    table = Table()
    table.add_column("tenant")
    past = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted", "import": "imported"}
    shown = [action for action in CHANGES if report.counts[action]]
    for action in shown:
        table.add_column(past[action], justify="right", style=COLOURS[action])
    for tenant, counts in report.by_tenant().items():
        table.add_row(tenant, *(str(counts[action] or "") for action in shown))
    console.print(table)
    console.print(f"{report.counts['same']} resources unchanged, {report.seconds:.1f} s", highlight=False)


def print_changes(report: Report) -> None:
    """Every change on a line, with the paths of what differs."""
    console = Console()
    for change in sorted(report.changes, key=lambda change: (change.tenant or PLATFORM, change.type, change.name)):
        differs = f"  [{', '.join(change.properties)}]" if change.properties else ""
        console.print(Text(f"{_line(change)}{differs}", style=COLOURS[change.action]), soft_wrap=True)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A plain table; nothing in it is cut off, whatever the width of the terminal or pipe."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=not sys.stdout.isatty())
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=Console(width=UNLIMITED).measure(table).maximum)
    console.print(table)
