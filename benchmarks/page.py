"""The benchmark's page in the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HEAD = """# Benchmark: tenants

What an update takes, beside the bare API calls for the same objects: server-side apply of the same manifests and the
same SQL, with no engine, no state, no checks and no policies. It is the least that any tool could take; the ratio is
what state, diffs, policies and safety cost. Each size has a sandbox of its own; both sides run in it, one after the
other.

Written by `make bench` on {date}: {cores} cores, {memory:.0f} GB of memory, Python {python}, commit {commit}; load
of the machine at the end {load_average:.1f}.

| tenants | resources | operation | seconds | CPU seconds | peak memory | bare calls | ratio |
| ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: |
"""
ROW = (
    "| {tenants} | {resources} | {operation} | {seconds:.1f} | {cpu_seconds:.1f} | {peak:.0f} MB "
    "| {bare_seconds:.1f} s | {ratio:.1f} |\n"
)
FOOT = """
![Time and memory over the number of tenants]({plot})

Memory is the sum of the resident sets of all processes of an update, the engine and its plugins included, not the
sandbox's servers. The raw figures are in `benchmarks/results/tenants.json`. The file backend writes the whole state
twice for each created resource, so that a first `up` grows faster than the number of tenants; see the growth part of
the [architecture](architecture.md).
"""


def write_page(machine: dict[str, Any], rows: list[dict[str, Any]], plot: Path, file: Path) -> None:
    """Write the page that shows the figures and the plot beside it."""
    text = HEAD.format(memory=machine["memory_bytes"] / 1024**3, **machine)
    text += "".join(ROW.format(peak=row["peak_bytes"] / 1e6, **row) for row in rows)
    file.write_text(text + FOOT.format(plot=plot.name))
