"""A tenant's configuration files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap

from components.identity import TenantIdentity
from components.tenant.secrets import checksum
from models import names


@dataclass(frozen=True, kw_only=True)
class TenantConfigArgs:
    """What a tenant's ConfigMap holds."""

    tenant: TenantIdentity
    namespace: pulumi.Input[str]
    prefix: str
    """The ConfigMap is called ``{prefix}-{slug}``, such as agents-config-acme (FC-080)."""
    files: Mapping[str, str]
    """Text by file name."""


class TenantConfig(pulumi.ComponentResource):
    """ConfigMap ``{prefix}-{slug}``, changed in place; ``checksum`` on the pods makes them read it again."""

    config_map_name: str
    checksum: str

    def __init__(self, name: str, args: TenantConfigArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:tenant:TenantConfig", name, {}, opts)
        self.config_map_name = names.config_map(args.prefix, args.tenant.slug)
        self.checksum = checksum(args.files)
        ConfigMap(
            f"{name}-config-map",
            metadata={"name": self.config_map_name, "namespace": args.namespace, "labels": args.tenant.labels},
            data=dict(args.files),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({"config_map_name": self.config_map_name})
