"""Today's components on the state that each release left: nothing goes, and no data is made a second time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policies.rules.data import HOLD_DATA
from tests.scratch import ScratchProject
from tests.upgrade.stored import NEWEST, RELEASES, STORED, load, project, restore

LOSES = ("delete", "replace", "create-replacement", "delete-replaced")


def preview(made: ScratchProject) -> list[dict[str, Any]]:
    """The steps of an update, planned without any server: differences are those between inputs and state."""
    done = made.shell(f"pulumi preview --json --show-sames --stack {made.environment}")
    return list(json.loads(done.stdout)["steps"])


def losses(steps: list[dict[str, Any]]) -> list[str]:
    """What goes, and data that would be made a second time beside the one that is there: in a component that was there
    before. A new component may bring data of its own."""
    new = {step["urn"] for step in steps if step["op"] == "create"}
    return [
        f"{step['op']} {step['urn']}"
        for step in steps
        if step["op"] in LOSES
        or (
            step["op"] == "create"
            and step["newState"]["type"] in HOLD_DATA
            and step["newState"].get("parent") not in new
        )
    ]


@pytest.mark.parametrize("release", RELEASES)
def test_todays_components_lose_nothing_of_a_release(release: str, tmp_path: Path) -> None:
    made = project(tmp_path, STORED / release / "tenants")
    state = load(made, release)
    restore(made, state)
    steps = preview(made)
    # The engine says nothing of the providers that it makes itself.
    stored = {resource["urn"] for resource in state["deployment"]["resources"]}
    # What has another name today is found by its alias: its step tells both.
    seen = {step["urn"] for step in steps} | {step["oldState"]["urn"] for step in steps if "oldState" in step}
    assert {urn for urn in stored if not urn.endswith("::default")} <= seen
    assert losses(steps) == []


def test_a_changed_logical_name_is_a_loss(tmp_path: Path) -> None:
    made = project(tmp_path, STORED / NEWEST / "tenants")
    state = load(made, NEWEST)
    rename(state, "alice-seldon-deployment")
    restore(made, state)
    (lost,) = losses(preview(made))
    assert lost.startswith("delete ")
    assert lost.endswith(":Deployment::earlier-alice-seldon-deployment")


def test_data_under_another_name_is_refused_by_the_engine_itself(tmp_path: Path) -> None:
    made = project(tmp_path, STORED / NEWEST / "tenants")
    state = load(made, NEWEST)
    rename(state, "alice-schema")
    restore(made, state)
    refused = made.shell(f"pulumi preview --stack {made.environment} 2>&1", expect=1)
    assert "earlier-alice-schema" in refused.stdout
    assert "protect" in refused.stdout


def rename(state: dict[str, Any], name: str) -> None:
    """Let the state's resource be called otherwise than today's components call it."""
    resources = state["deployment"]["resources"]
    (urn,) = (resource["urn"] for resource in resources if resource["urn"].endswith(f"::{name}"))
    earlier = urn.removesuffix(name) + f"earlier-{name}"
    state["deployment"]["resources"] = json.loads(json.dumps(resources).replace(f'"{urn}"', f'"{earlier}"'))
