"""How requests reach a tenant: hosts, paths, limits and the token check at the edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.gateway import rules
from components.identity import TenantIdentity
from components.tenant.service import port_number
from models import names
from models.environment import Gateway
from models.workload import Route, Workload

TRAEFIK = "traefik.io/v1alpha1"
"""FC-294."""


@dataclass(frozen=True, kw_only=True)
class TenantRouteArgs:
    """What is routed where."""

    tenant: TenantIdentity
    namespace: pulumi.Input[str]
    hosts: Sequence[str]
    """{slug}.{domain} first, then the tenant's own domains (FC-052, FC-219)."""
    routes: Sequence[Route]
    workloads: Sequence[Workload]
    """What the routes lead to."""
    requests_per_minute: int
    """FC-068 to FC-070, as a coarse outer guard (FC-302)."""
    gateway: Gateway


class TenantRoute(pulumi.ComponentResource):
    """IngressRoute ``tenant-{slug}`` with its middlewares (FC-054 to FC-056)."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: TenantRouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:gateway:TenantRoute", name, {}, opts)
        slug = args.tenant.slug
        specs = rules.middlewares(slug, args.gateway.auth_address, args.requests_per_minute)
        middlewares = [
            CustomResource(
                # Not called by its object's name, which may hold the slug a second time.
                f"{name}-{object_name.removesuffix(f'-{slug}')}",
                api_version=TRAEFIK,
                kind="Middleware",
                metadata={"name": object_name, "namespace": args.namespace, "labels": args.tenant.labels},
                spec=spec,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for object_name, spec in specs.items()
        ]
        workloads = {workload.name: workload for workload in args.workloads}
        ports = {
            (route.workload, route.port): port_number(workloads[route.workload], route.port) for route in args.routes
        }
        CustomResource(
            f"{name}-route",
            api_version=TRAEFIK,
            kind="IngressRoute",
            metadata={
                "name": names.ingress_route(slug),
                "namespace": args.namespace,
                "labels": args.tenant.labels,
            },
            spec=rules.ingress_route(slug, args.hosts, args.routes, ports, args.gateway.entry_point),
            # A route whose middlewares aren't there yet would be served without the token check.
            opts=pulumi.ResourceOptions(parent=self, depends_on=middlewares),
        )
        self.url = pulumi.Output.from_input(f"https://{args.hosts[0]}")
        self.register_outputs({"url": self.url})
