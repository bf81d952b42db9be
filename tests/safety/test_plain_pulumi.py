"""Ways of plain `pulumi` past the register of tenants drop no data either: the engine's own protection refuses.

What the register itself refuses is in tests/provider. Judged by previews on a stored state, for which no server is
needed: what a preview refuses, an update refuses too.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.scratch import ScratchProject
from tests.upgrade.stored import NEWEST, STORED, load, project, restore

Edit = Callable[[ScratchProject], None]
# How the engine refuses to delete and to replace.
PROTECTED = "it is protected"
KEPT = "marked for protection"


def removed(made: ScratchProject) -> None:
    (made.tenants / "alice.yaml").unlink()


def set_to(section: str, key: str, value: str) -> Edit:
    def edit(made: ScratchProject) -> None:
        yaml = YAML()
        settings = yaml.load(made.settings_file.read_text())
        settings["config"]["foundation:environment"].setdefault(section, {})[key] = value
        with made.settings_file.open("w") as file:
            yaml.dump(settings, file)

    return edit


@pytest.mark.parametrize(
    ("edit", "selection", "refusal"),
    [
        pytest.param(removed, "--exclude '**::tenants'", PROTECTED, id="file gone, without the register"),
        pytest.param(removed, "--target '**alice**'", PROTECTED, id="file gone, the tenant alone"),
        pytest.param(set_to("kubernetes", "cluster_identifier", "other"), "", KEPT, id="another cluster"),
        pytest.param(set_to("postgresql", "database", "other"), "", KEPT, id="another database"),
    ],
)
def test_is_refused(edit: Edit, selection: str, refusal: str, tmp_path: Path) -> None:
    made = project(tmp_path, STORED / NEWEST / "tenants")
    restore(made, load(made, NEWEST))
    edit(made)
    answer = made.shell(f"! pulumi preview --stack {made.environment} --non-interactive {selection} 2>&1").stdout
    assert refusal in answer
