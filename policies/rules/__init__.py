"""The rules, one file a subject. ``ALL`` is what the pack enforces."""

from __future__ import annotations

from policies.rules import data, hetzner, images, pods, secrets, tenants
from policies.rules.types import ResourceRule, StackRule

ALL: tuple[ResourceRule | StackRule, ...] = (
    pods.RESTRICTED,
    pods.BOUNDED,
    images.PINNED,
    secrets.NONE_IN_CLEAR,
    tenants.NO_DOOR_OF_ITS_OWN,
    tenants.FENCED,
    tenants.NAMES_NO_OTHER,
    data.PROTECTED,
    hetzner.DOORS_ARE_SHUT,
    hetzner.NO_DATACENTER,
    hetzner.CONTROLLER_FLOOR,
)

__all__ = ["ALL", "ResourceRule", "StackRule"]
