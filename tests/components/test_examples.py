"""Every example runs, in preview and in an update."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from tests.components.monitor import run

EXAMPLES = sorted(path.parent for path in Path(__file__).parents[2].glob("examples/*/__main__.py"))


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "up"])
@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)
def test_example_runs(folder: Path, preview: bool) -> None:
    graph = run(lambda: runpy.run_path(str(folder / "__main__.py"), run_name="__main__"), preview=preview)
    assert graph.error == ""
    assert graph.errors == []
    assert [found for found in graph.resources.values() if found.custom]


def test_every_example_is_a_project() -> None:
    assert EXAMPLES
    for folder in EXAMPLES:
        assert f"name: {folder.name}\n" in (folder / "Pulumi.yaml").read_text()
