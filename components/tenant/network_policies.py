"""A tenant's network policies."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.networking.v1 import NetworkPolicy

from components.identity import TenantIdentity
from components.tenant import network


@dataclass(frozen=True, kw_only=True)
class TenantNetworkArgs:
    """Which ways are open in a tenant's namespace."""

    tenant: TenantIdentity
    namespace: pulumi.Input[str]
    ways: network.Ways


class TenantNetwork(pulumi.ComponentResource):
    """NetworkPolicies ``default-deny`` and ``tenant-pod-policy`` (FC-170 to FC-174)."""

    def __init__(self, name: str, args: TenantNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:tenant:TenantNetwork", name, {}, opts)
        for suffix, policy_name, spec in (
            ("default-deny", "default-deny", network.DEFAULT_DENY),
            ("pod-policy", network.POLICY_NAME, network.tenant_pod_policy(args.ways)),
        ):
            NetworkPolicy(
                f"{name}-{suffix}",
                metadata={"name": policy_name, "namespace": args.namespace, "labels": args.tenant.labels},
                spec=spec,
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})
