"""How the automation finds what an interrupted update had made in a Hetzner project."""

from __future__ import annotations

from automation.adoption import at_hetzner
from automation.inventory import KINDS
from tests.hetzner_emulator.conftest import Project

NETWORK = "hcloud:index/network:Network"


def test_objects_are_found_by_name_and_all_their_labels(project: Project) -> None:
    labels = {"managed-by": "foundation", "cluster": "prod"}
    made = project.client.networks.create("prod", ip_range="10.0.0.0/16", labels=labels)
    find = at_hetzner(lambda: project.client)[NETWORK]
    assert find({"name": "prod", "ipRange": "10.0.0.0/16", "labels": labels}) == str(made.id)
    assert find({"name": "other", "labels": labels}) is None
    # Somebody else's of the same name.
    assert find({"name": "prod", "labels": labels | {"cluster": "staging"}}) is None
    assert find({"name": "prod"}) is None


def test_every_kind_can_be_looked_for(project: Project) -> None:
    found = at_hetzner(lambda: project.client)
    assert {kind: find({"name": "nothing.test", "labels": {}}) for kind, find in found.items()} == dict.fromkeys(
        (kind.type for kind in KINDS), None
    )
