"""Time and memory of `up`, a second `up` and one tenant more at 1, 10 and 100 tenants, beside the bare API calls.

`python -m benchmarks.tenants [SIZE ...]`: raw figures go to `benchmarks/results/tenants.json`, the plot to
`docs/benchmark-tenants.svg`.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from benchmarks.bare import Bare, State, in_clear
from benchmarks.measure import Cost, measure
from benchmarks.page import write_page
from benchmarks.plot import plot
from local.directory import FoundationDirectory
from local.kubernetes.nodes import DEFAULT_NODES, Node
from local.sandbox import Sandbox
from local.toolchain import ensure
from tests.scratch import ROOT, ScratchProject

SIZES = (1, 10, 100)
RESULTS = ROOT / "benchmarks" / "results" / "tenants.json"
PAGE = ROOT / "docs" / "benchmark.md"
PLOT = ROOT / "docs" / "benchmark-tenants.svg"
# A Pro tenant asks for a core: a node has sixteen.
TENANTS_PER_NODE = 12
PLANS = ("starter", "pro")


def main(sizes: list[int]) -> int:
    rows: list[dict[str, Any]] = []
    for size in sizes or SIZES:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            directory = FoundationDirectory(Path(folder) / "foundation").create()
            ensure(directory)
            sandbox = Sandbox(directory)
            sandbox.start(nodes=[*DEFAULT_NODES, *room_for(size)])
            try:
                rows += at(size, directory, Path(folder))
            finally:
                sandbox.destroy()
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=2) + "\n")
        plot(rows, PLOT)
        write_page(machine(), rows, PLOT, PAGE)
    print(f"wrote {PAGE.relative_to(ROOT)}, {PLOT.relative_to(ROOT)} and {RESULTS.relative_to(ROOT)}")
    return 0


def at(size: int, directory: FoundationDirectory, folder: Path) -> list[dict[str, Any]]:
    """The figures at this number of tenants, each beside that of the bare calls, in a sandbox of their own."""
    scratch = ScratchProject.make(folder / "project", directory)
    for number in range(size):
        scratch.add_tenant(f"t{number:03}", PLANS[number % len(PLANS)])
    up = _run(scratch, "up")
    again = _run(scratch, "up")
    before = {resource["urn"] for resource in _state(scratch)}
    scratch.add_tenant("onemore")
    one_more = _run(scratch, "up")
    resources = _state(scratch)
    scratch.destroy()

    # A project of the same size by bare calls, in the place of the first: the same names, nothing left of it.
    bare = Bare(str(directory.kubeconfig), scratch.connect)
    many = [resource for resource in resources if resource["urn"] in before]
    new = [resource for resource in resources if resource["urn"] not in before]
    _await_empty(bare, scratch, size)
    bare_up = _timed(lambda: bare.apply(many))
    bare_again = _timed(lambda: bare.apply(_kubernetes(many)))
    bare_one_more = _timed(lambda: bare.apply(new))
    scratch.destroy()
    rows = []
    for operation, cost, plain in (
        ("up", up, bare_up),
        ("second up", again, bare_again),
        ("one tenant more", one_more, bare_one_more),
    ):
        row = {"tenants": size, "resources": len(resources), "operation": operation, **asdict(cost)}
        rows.append(row | {"bare_seconds": plain, "ratio": cost.seconds / plain})
        print(
            f"{size:>4} tenants, {operation:<16} {cost.seconds:7.1f} s, {cost.cpu_seconds:7.1f} s CPU, "
            f"{cost.peak_bytes / 1e6:6.0f} MB; bare calls {plain:6.1f} s: {cost.seconds / plain:5.1f} times",
            flush=True,
        )
    return rows


def room_for(size: int) -> list[Node]:
    """More shared nodes, where the tenants outgrow the usual three."""
    shared = [node for node in DEFAULT_NODES if node.labels.get("pool") == "shared"]
    more = max(0, -(-size // TENANTS_PER_NODE) - len(shared))
    return [replace(shared[0], name=f"shared-more-{number}") for number in range(more)]


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return {
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "python": platform.python_version(),
        "commit": commit.stdout.strip(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "load_average": os.getloadavg()[0],
    }


def _run(scratch: ScratchProject, *arguments: str) -> Cost:
    return measure(scratch.command(*arguments), scratch.folder, scratch.variables)


def _state(scratch: ScratchProject) -> State:
    exported = scratch.shell(f"pulumi stack export --stack {scratch.environment} --show-secrets").stdout
    resources: State = in_clear(json.loads(exported)["deployment"]["resources"])
    return resources


def _kubernetes(resources: State) -> State:
    return [resource for resource in resources if resource["type"].startswith("kubernetes:")]


def _await_empty(bare: Bare, scratch: ScratchProject, size: int) -> None:
    """Wait until the cluster has taken the project's namespaces away."""
    namespaces = bare.cluster.resources.get(api_version="v1", kind="Namespace")

    def left() -> list[str]:
        return [item.metadata.name for item in namespaces.get().items if scratch.id in item.metadata.name]

    Retrying(retry=retry_if_result(bool), stop=stop_after_delay(60 + 2 * size), wait=wait_fixed(0.5))(left)


def _timed(work: Callable[[], Any]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


if __name__ == "__main__":
    sys.exit(main([int(size) for size in sys.argv[1:]]))
