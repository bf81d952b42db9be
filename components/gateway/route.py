"""How requests reach a tenant: hosts, paths, limits and the token check at the edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Secret

from components.encoding import base64_text
from components.gateway import rules
from components.gateway.certificates import TRAEFIK
from components.gateway.domains import TenantDomains, TenantDomainsArgs
from components.gateway.front import auth_service_address, suspended_route
from components.gateway.redis import SECRET, RedisAccess
from components.identity import Manifest, TenantIdentity
from components.tenant.service import port_number
from models import names
from models.environment import Gateway
from models.workload import Route, Workload


@dataclass(frozen=True, kw_only=True)
class TenantRouteArgs:
    """What is routed where."""

    tenant: TenantIdentity
    namespace: pulumi.Input[str]
    host: str
    """{slug}.{domain} (FC-052)."""
    routes: Sequence[Route]
    workloads: Sequence[Workload]
    """What the routes lead to."""
    requests_per_minute: int
    """FC-068 to FC-070, as a coarse outer guard (FC-302)."""
    gateway: Gateway
    redis: RedisAccess
    """Where requests are counted (FC-071)."""
    allow_list: Sequence[str] = ()
    """CIDRs that may come; empty: everybody (FC-166, FC-218)."""
    domains: Sequence[str] = ()
    """The tenant's own domains (FC-219)."""
    suspended: bool = False
    """Reads alone are let through (FC-269)."""
    platform_namespace: str = "foundation"
    """Where the page for suspended tenants is."""


class TenantRoute(pulumi.ComponentResource):
    """IngressRoute ``tenant-{slug}`` with its middlewares (FC-054 to FC-056)."""

    url: pulumi.Output[str]

    def __init__(self, name: str, args: TenantRouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:gateway:TenantRoute", name, {}, opts)
        slug = args.tenant.slug
        metadata: Manifest = {"namespace": args.namespace, "labels": args.tenant.labels}
        login: dict[str, pulumi.Input[str]] = {
            "username": pulumi.Output.secret(args.redis.username).apply(base64_text),
            "password": pulumi.Output.secret(args.redis.password).apply(base64_text),
        }
        of_login: Manifest = {"name": SECRET, **metadata}
        credentials = Secret(
            f"{name}-redis",
            metadata=of_login,
            type="Opaque",
            data=login,
            opts=pulumi.ResourceOptions(parent=self),
        )
        auth_address = args.gateway.auth_address or auth_service_address(args.platform_namespace)
        specs = rules.middlewares(slug, auth_address, args.requests_per_minute, args.redis.endpoint, args.allow_list)
        middlewares = [
            CustomResource(
                # Not called by its object's name, which may hold the slug a second time.
                f"{name}-{object_name.removesuffix(f'-{slug}')}",
                api_version=TRAEFIK,
                kind="Middleware",
                metadata={"name": object_name, **metadata},
                spec=spec,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[credentials]),
            )
            for object_name, spec in specs.items()
        ]
        workloads = {workload.name: workload for workload in args.workloads}
        ports = {
            (route.workload, route.port): port_number(workloads[route.workload], route.port) for route in args.routes
        }

        def route(logical: str, object_name: str, hosts: Sequence[str], after: Sequence[pulumi.Resource]) -> None:
            CustomResource(
                f"{name}-{logical}",
                api_version=TRAEFIK,
                kind="IngressRoute",
                metadata={"name": object_name, **metadata},
                spec=rules.ingress_route(
                    slug,
                    hosts,
                    args.routes,
                    ports,
                    args.gateway.entry_point,
                    allow_list=bool(args.allow_list),
                    tls_secret=names.domains(slug) if logical == "domains" else None,
                ),
                # A route whose middlewares aren't there yet would be served without the token check.
                opts=pulumi.ResourceOptions(parent=self, depends_on=after),
            )

        route("route", names.ingress_route(slug), [args.host], middlewares)
        if args.domains:
            # Apart from the tenant's main host, so that a domain that isn't proven yet holds up itself alone.
            owned = TenantDomains(
                name,
                TenantDomainsArgs(
                    tenant=args.tenant,
                    namespace=args.namespace,
                    domains=args.domains,
                    prove=args.gateway.prove_domains,
                ),
                pulumi.ResourceOptions(parent=self),
            )
            route("domains", names.domains(slug), args.domains, [*middlewares, owned])
        if args.suspended:
            CustomResource(
                f"{name}-suspended",
                api_version=TRAEFIK,
                kind="IngressRoute",
                metadata={
                    "name": names.suspended_route(slug),
                    "namespace": args.platform_namespace,
                    "labels": args.tenant.labels,
                },
                spec=suspended_route([args.host, *args.domains], args.gateway.entry_point),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.url = pulumi.Output.from_input(f"https://{args.host}")
        self.register_outputs({"url": self.url})
