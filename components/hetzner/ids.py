"""Ids of what is at Hetzner, and what follows from them."""

from __future__ import annotations

import pulumi


def number(resource: pulumi.CustomResource) -> pulumi.Output[int]:
    """The resource's id as other resources take it: Hetzner's are numbers, Pulumi's are strings (pulumi-hcloud#63)."""
    return resource.id.apply(int)


def after(value: pulumi.Input[str]) -> pulumi.Output[list[pulumi.Resource]]:
    """``depends_on`` of a resource that comes after whatever ``value`` comes from, and goes before it."""
    none: list[pulumi.Resource] = []
    return pulumi.Output.from_input(value).apply(lambda _: none)
