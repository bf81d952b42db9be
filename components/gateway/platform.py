"""What all tenants' routes share."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.gateway.route import TRAEFIK
from components.identity import MANAGED_BY


@dataclass(frozen=True, kw_only=True)
class GatewayPlatformArgs:
    """Where the gateway runs."""

    namespace: pulumi.Input[str]
    tls_secret: str = "foundation-wildcard-tls"
    """Secret in ``namespace`` with the wildcard certificate and its key (FC-056)."""


class GatewayPlatform(pulumi.ComponentResource):
    """The default certificate: Traefik serves it for every host that has none of its own."""

    def __init__(self, name: str, args: GatewayPlatformArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:gateway:GatewayPlatform", name, {}, opts)
        CustomResource(
            f"{name}-tls-store",
            api_version=TRAEFIK,
            kind="TLSStore",
            # The one name that Traefik looks at.
            metadata={"name": "default", "namespace": args.namespace, "labels": MANAGED_BY},
            spec={"defaultCertificate": {"secretName": args.tls_secret}},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})
