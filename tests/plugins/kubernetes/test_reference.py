"""The stand-in beside the published plugin: each goes on where the other left, and both plan the same.

Runs where ``FOUNDATION_REFERENCE_PLUGINS`` names a folder that holds the published one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from local.toolchain.home import REFERENCE_VARIABLE, reference_plugins
from local.toolchain.launchers import write_launcher
from tests.plugins.kubernetes.test_diff import both, steps
from tests.plugins.kubernetes.test_lifecycle import everything
from tests.plugins.kubernetes.world import World

EXECUTABLE = "pulumi-resource-kubernetes"
OTHER = {"stand-in": "published", "published": "stand-in"}

pytestmark = pytest.mark.skipif(
    not os.environ.get(REFERENCE_VARIABLE), reason=f"{REFERENCE_VARIABLE} names no folder with published plugins"
)


@pytest.fixture
def plugins(tmp_path: Path) -> dict[str, Path]:
    """A folder with either plugin."""
    folders = {name: tmp_path / name for name in OTHER}
    for folder in folders.values():
        folder.mkdir()
    write_launcher(folders["stand-in"] / EXECUTABLE, "local.toolchain.plugins.kubernetes")
    found = [plugin.executable for plugin in reference_plugins() if plugin.name == "kubernetes"]
    assert found and found[0], f"no {EXECUTABLE} in the folder that {REFERENCE_VARIABLE} names"  # noqa: PT018
    (folders["published"] / EXECUTABLE).symlink_to(found[0])
    return folders


def use(world: World, folder: Path) -> World:
    """The world with the plugin of that folder, whatever the toolchain's home holds."""
    project = f"name: foundation\nruntime: python\nplugins: {{providers: [{{name: kubernetes, path: {folder}}}]}}\n"
    (world.folder / "Pulumi.yaml").write_text(project)
    return world


def inputs(world: World) -> dict[str, Any]:
    return {name: resource.get("inputs") for name, resource in world.resources().items()}


@pytest.mark.parametrize("first", sorted(OTHER))
def test_each_goes_on_where_the_other_left(world: World, plugins: dict[str, Path], first: str) -> None:
    one, other = plugins[first], plugins[OTHER[first]]
    before, after = everything(world), everything(world, version=2)

    assert set(use(world, one).up(before)) == {"create"}
    recorded = inputs(world)
    assert set(use(world, other).preview(before)[0]) == {"same"}
    assert set(world.refresh(before)) == {"same"}
    assert inputs(world) == recorded
    planned = steps(world, after)
    assert steps(use(world, one), after) == planned
    assert set(use(world, other).up(after)) == {"same", "update"}
    recorded = inputs(world)
    assert set(use(world, one).up(after)) == {"same"}
    assert set(world.refresh(after)) == {"same"}
    assert inputs(world) == recorded
    use(world, other).destroy(after)
    assert world.live("namespace", world.namespace) is None


@pytest.mark.parametrize("mutable", [True, False])
def test_both_replace_alike(world: World, plugins: dict[str, Path], mutable: bool) -> None:
    settings = {"enable_config_map_mutable": mutable, "enable_secret_mutable": mutable}
    before, after = both(world, changed=False, **settings), both(world, changed=True, **settings)
    use(world, plugins["stand-in"]).up(before)
    planned = steps(world, after)
    assert planned["replace"]
    assert steps(use(world, plugins["published"]), after) == planned
    use(world, plugins["stand-in"]).destroy()
