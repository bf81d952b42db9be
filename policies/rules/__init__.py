"""The rules, one file a subject. ``ALL`` is what the pack enforces."""

from __future__ import annotations

from policies.rules import data, images, pods, secrets, tenants
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
)

__all__ = ["ALL", "ResourceRule", "StackRule"]
