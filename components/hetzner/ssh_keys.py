"""Public keys that open SSH on new servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_hcloud as hcloud

from models.hetzner import names


@dataclass(frozen=True, kw_only=True)
class SshKeysArgs:
    """Whose keys."""

    cluster: str
    """Name of the cluster."""
    keys: Mapping[str, str]
    """Public keys in OpenSSH's format, by name."""


class SshKeys(pulumi.ComponentResource):
    """Keys of the project. A server takes those of the day it is made; later ones reach it with its next generation."""

    ids: list[pulumi.Output[str]]
    """Of all keys."""

    def __init__(self, name: str, args: SshKeysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:hetzner:SshKeys", name, {}, opts)
        self.ids = [
            hcloud.SshKey(
                f"{name}-{key}",
                name=f"{args.cluster}-{key}",
                public_key=public_key,
                labels=names.labels(args.cluster),
                # The same key can't be there twice, nor the same name.
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            ).id
            for key, public_key in sorted(args.keys.items())
        ]
        self.register_outputs({})
