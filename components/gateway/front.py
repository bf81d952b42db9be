"""What the gateway answers on tenants' hosts beside the tenants: identity, and pages for who isn't served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Secret, Service
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget

from components.encoding import base64_text
from components.gateway import manifests, rules
from components.gateway.certificates import TRAEFIK
from components.gateway.configuration import TENANT_HEADER
from components.gateway.redis import SECRET, RedisAccess
from components.identity import Manifest

AUTH_SERVICE: Final = "auth-service"
AUTH_PORT: Final = 8080
PAGES: Final = "gateway-pages"
PAGES_PORT: Final = 8080

IDENTITY_PATHS: Final = ("/auth", "/api/keys", "/api/users", "/api/audit", "/.well-known/jwks.json")
"""Paths of the auth service on every tenant's host (FC-236 to FC-239, FC-296); it checks their tokens itself."""

IDENTITY_PER_MINUTE: Final = 120
"""For each client, by its address: guesses are throttled long before (the auth service counts them too)."""
LIMIT: Final = "identity-limit"
HEADERS: Final = "identity-headers"
SUSPENDED: Final = "page-suspended"
UNKNOWN: Final = "page-unknown"

FALLBACK_PRIORITY: Final = 1
IDENTITY_PRIORITY: Final = 2_000_000
SUSPENDED_PRIORITY: Final = 1_000_000
"""Above every tenant's route (a path's length), below identity: a suspended tenant may log in and pay."""


@dataclass(frozen=True, kw_only=True)
class FrontRoutesArgs:
    """Whose hosts, and what is there to answer."""

    namespace: pulumi.Input[str]
    domain: str
    domains: Sequence[str]
    entry_point: str
    redis: RedisAccess
    pages_image: str


class FrontRoutes(pulumi.ComponentResource):
    """IngressRoutes ``identity`` and ``fallback`` in the platform's namespace, where their Services are."""

    def __init__(self, name: str, args: FrontRoutesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:gateway:FrontRoutes", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)

        def metadata(of: str) -> Manifest:
            return {"name": of, "namespace": args.namespace, "labels": manifests.labels(PAGES)}

        def custom(logical: str, kind: str, of: str, spec: Any, *depends_on: pulumi.Resource) -> CustomResource:
            return CustomResource(
                f"{name}-{logical}",
                api_version=TRAEFIK,
                kind=kind,
                metadata=metadata(of),
                spec=spec,
                opts=pulumi.ResourceOptions(parent=self, depends_on=list(depends_on)),
            )

        credentials = Secret(
            f"{name}-limiter",
            metadata=metadata(SECRET),
            type="Opaque",
            data={
                "username": pulumi.Output.secret(args.redis.username).apply(base64_text),
                "password": pulumi.Output.secret(args.redis.password).apply(base64_text),
            },
            opts=child,
        )
        limit = custom("identity-limit", "Middleware", LIMIT, identity_limit(args.redis.endpoint), credentials)
        headers = custom("identity-headers", "Middleware", HEADERS, identity_headers())
        body = custom(
            "identity-body-limit", "Middleware", rules.BODY_LIMIT, {"buffering": {"maxRequestBodyBytes": 65536}}
        )
        custom("identity", "IngressRoute", "identity", identity_route(args), limit, headers, body)
        deployment = Deployment(
            f"{name}-pages-deployment",
            metadata=metadata(PAGES),
            spec=manifests.deployment(
                PAGES, manifests.pod(PAGES, _pages_container(args.pages_image)), annotations={}, replicas=2
            ),
            opts=child,
        )
        service = Service(
            f"{name}-pages-service",
            metadata=metadata(PAGES),
            spec=manifests.service(PAGES, PAGES_PORT),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[deployment]),
        )
        PodDisruptionBudget(
            f"{name}-pages-disruption-budget",
            metadata=metadata(PAGES),
            spec=manifests.disruption_budget(PAGES),
            opts=child,
        )
        NetworkPolicy(
            f"{name}-pages-network",
            metadata=metadata(PAGES),
            spec=manifests.admits(PAGES, PAGES_PORT, manifests.APP),
            opts=child,
        )
        custom("page-unknown", "Middleware", UNKNOWN, {"replacePath": {"path": "/unknown"}})
        custom("page-suspended", "Middleware", SUSPENDED, {"replacePath": {"path": "/suspended"}})
        custom("fallback", "IngressRoute", "fallback", fallback_route(args), service, headers)
        self.register_outputs({})


def auth_service_address(namespace: str) -> str:
    """What Traefik's ForwardAuth asks."""
    return f"http://{AUTH_SERVICE}.{namespace}.svc.cluster.local:{AUTH_PORT}/verify"


def identity_limit(redis_endpoint: Any) -> Manifest:
    """Spec of the limit of each client of the identity API."""
    limit = rules.rate_limit(IDENTITY_PER_MINUTE, redis_endpoint)
    return {"rateLimit": {**limit["rateLimit"], "sourceCriterion": {"ipStrategy": {"depth": 0, "ipv6Subnet": 64}}}}


def identity_headers() -> Manifest:
    """Spec of the headers: nobody tells the services behind who he is."""
    removed = dict.fromkeys((*rules.IDENTITY_HEADERS, TENANT_HEADER), "")
    return {"headers": {"customRequestHeaders": removed, **rules.security_headers()}}


def _hosts(args: FrontRoutesArgs) -> list[str]:
    return [f"*.{args.domain}", *args.domains]


def identity_route(args: FrontRoutesArgs) -> Manifest:
    """Spec: the identity API's paths, on every host of a tenant and on auth.{domain}."""
    paths = " || ".join(rules.path_match(path) for path in IDENTITY_PATHS)
    return {
        "entryPoints": [args.entry_point],
        "routes": [
            {
                "kind": "Rule",
                "match": f"({rules.host_match(_hosts(args))}) && ({paths})",
                "priority": IDENTITY_PRIORITY,
                "middlewares": [{"name": HEADERS}, {"name": LIMIT}, {"name": rules.BODY_LIMIT}],
                "services": [{"kind": "Service", "name": AUTH_SERVICE, "port": AUTH_PORT}],
            }
        ],
        "tls": {},
    }


def fallback_route(args: FrontRoutesArgs) -> Manifest:
    """Spec: a page for hosts that belong to nobody, or to a tenant that isn't served."""
    return {
        "entryPoints": [args.entry_point],
        "routes": [
            {
                "kind": "Rule",
                "match": rules.host_match(_hosts(args)),
                "priority": FALLBACK_PRIORITY,
                "middlewares": [{"name": HEADERS}, {"name": UNKNOWN}],
                "services": [{"kind": "Service", "name": PAGES, "port": PAGES_PORT}],
            }
        ],
        "tls": {},
    }


def suspended_route(hosts: Sequence[str], entry_point: str) -> Manifest:
    """Spec: a suspended tenant may read, and whatever would change something gets a page with status 402 (FC-269)."""
    reads = " || ".join(f"Method(`{method}`)" for method in ("GET", "HEAD", "OPTIONS"))
    return {
        "entryPoints": [entry_point],
        "routes": [
            {
                "kind": "Rule",
                "match": f"({rules.host_match(hosts)}) && !({reads})",
                "priority": SUSPENDED_PRIORITY,
                "middlewares": [{"name": HEADERS}, {"name": SUSPENDED}],
                "services": [{"kind": "Service", "name": PAGES, "port": PAGES_PORT}],
            }
        ],
        "tls": {},
    }


def _pages_container(image: str) -> Manifest:
    probe = {"httpGet": {"path": "/health", "port": PAGES_PORT}, "periodSeconds": 5}
    return {
        "image": image,
        "ports": [{"name": "http", "containerPort": PAGES_PORT, "protocol": "TCP"}],
        "resources": manifests.resources("50m", "64Mi", cpu_limit="500m"),
        "readinessProbe": probe,
        "livenessProbe": probe,
    }
