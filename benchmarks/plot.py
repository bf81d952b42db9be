"""The benchmark's plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot

COLOURS = {"up": "#1f4e79", "second up": "#6aa84f", "one tenant more": "#e69138"}


def plot(rows: list[dict[str, Any]], file: Path) -> None:
    """Seconds and memory over the number of tenants; bare calls dotted. The same figures give the same file."""
    with mpl.rc_context({"svg.hashsalt": "foundation"}):
        figure, (times, memory) = pyplot.subplots(1, 2, figsize=(11, 4.2))
        for operation, colour in COLOURS.items():
            mine = [row for row in rows if row["operation"] == operation]
            sizes = [row["tenants"] for row in mine]
            times.plot(sizes, [row["seconds"] for row in mine], "o-", color=colour, label=operation)
            times.plot(
                sizes, [row["bare_seconds"] for row in mine], "o:", color=colour, label=f"{operation}, bare calls"
            )
            memory.plot(sizes, [row["peak_bytes"] / 1e6 for row in mine], "o-", color=colour, label=operation)
        times.set(xscale="log", yscale="log", xlabel="tenants", ylabel="seconds", title="time")
        memory.set(xscale="log", xlabel="tenants", ylabel="MB, all processes", title="peak memory", ylim=(0, None))
        times.legend(fontsize=8)
        memory.legend(fontsize=8)
        for axes in (times, memory):
            axes.grid(visible=True, which="major", alpha=0.3)
        figure.tight_layout()
        file.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(file, metadata={"Date": None})
        pyplot.close(figure)
