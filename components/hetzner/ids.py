"""Hetzner's ids are numbers, Pulumi's are strings."""

from __future__ import annotations

import pulumi


def number(resource: pulumi.CustomResource) -> pulumi.Output[int]:
    """The resource's id as other resources take it (pulumi-hcloud#63)."""
    return resource.id.apply(int)
