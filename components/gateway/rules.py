"""Routes and middlewares of a tenant in Traefik's words. No resources here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from components.identity import Manifest
from models import names
from models.workload import Port, Route

AUTH: Final = "auth-jwt"
"""FC-055. In each tenant's namespace: Traefik follows no reference from one namespace to another by default."""
HEADERS: Final = "headers"
BODY_LIMIT: Final = "body-limit"

IDENTITY_HEADERS: Final = (
    "X-Tenant-Id",
    "X-Tenant-Slug",
    "X-Tenant-Tier",
    "X-User-Id",
    "X-User-Role",
    "X-Auth-Scopes",
)
"""Set by the auth service alone, from the token's claims (FC-059, FC-297)."""

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""Our choice; the requirements name none."""

BURST_SECONDS: Final = 10
"""A client may use this many seconds' worth of its budget at once. Our choice: the limiter behind the gateway is the
exact one (FC-302)."""

STS_SECONDS: Final = 365 * 24 * 60 * 60


def host_match(hosts: Sequence[str]) -> str:
    """Rule that holds for any of the hosts."""
    return " || ".join(f"Host(`{host}`)" for host in hosts)


def path_match(prefix: str) -> str:
    """Rule that holds for the path and what is below it, but not for its namesakes: ``/login`` isn't ``/login-admin``.

    Matters most where the rule lets requests through without a token.
    """
    path = prefix.rstrip("/")
    return f"Path(`{path}`) || PathPrefix(`{path}/`)"


def middlewares(slug: str, auth_address: str, requests_per_minute: int) -> dict[str, Manifest]:
    """Specs by name of the tenant's middlewares."""
    return {
        names.rate_limit(slug): {
            "rateLimit": {
                "average": requests_per_minute,
                "period": "1m",
                "burst": max(1, requests_per_minute * BURST_SECONDS // 60),
                # One budget for each of the tenant's hosts, not one for each of its clients (FC-055).
                "sourceCriterion": {"requestHost": True},
            }
        },
        AUTH: {
            "forwardAuth": {
                "address": auth_address,
                "trustForwardHeader": False,
                "authResponseHeaders": list(IDENTITY_HEADERS),
            }
        },
        HEADERS: {
            "headers": {
                # Empty takes a header away: who a request is from, the auth service alone says.
                "customRequestHeaders": dict.fromkeys(IDENTITY_HEADERS, ""),
                "stsSeconds": STS_SECONDS,
                "contentTypeNosniff": True,
                "frameDeny": True,
                "referrerPolicy": "strict-origin-when-cross-origin",
            }
        },
        BODY_LIMIT: {"buffering": {"maxRequestBodyBytes": MAX_BODY_BYTES}},
    }


def chain(slug: str, *, authenticated: bool) -> list[str]:
    """Names of a route's middlewares, in the order that requests pass them.

    Identity headers that a client sent go before the auth service sets them, whether or not the route asks for a
    token; the rate limit stands before the auth service, which it guards too (FC-073).
    """
    return [names.rate_limit(slug), HEADERS, *([AUTH] if authenticated else []), BODY_LIMIT]


def ingress_route(
    slug: str,
    hosts: Sequence[str],
    routes: Sequence[Route],
    ports: Mapping[tuple[str, str], Port],
    entry_point: str,
) -> Manifest:
    """Spec of IngressRoute ``tenant-{slug}`` (FC-054, FC-055, FC-294, FC-295, FC-297).

    ``ports`` maps (workload, name of the port) to its number. The certificate is the gateway's default one, the
    wildcard of FC-056: naming its Secret here would need a copy of the key in every tenant's namespace.
    """
    rules = [(prefix, route) for route in routes for prefix in (route.path_prefixes or ("",))]
    rules.sort(key=lambda rule: (-len(rule[0]), rule[0]))
    match = host_match(hosts)
    return {
        "entryPoints": [entry_point],
        "routes": [
            {
                "kind": "Rule",
                "match": f"({match}) && ({path_match(prefix)})" if prefix.rstrip("/") else match,
                # The longest prefix wins, however many hosts the rule names; 0 would mean "by the rule's length".
                "priority": 1 + len(prefix),
                "middlewares": [{"name": name} for name in chain(slug, authenticated=route.authenticated)],
                "services": [
                    {
                        "kind": "Service",
                        "name": names.workload(route.workload, slug),
                        "port": ports[route.workload, route.port],
                    }
                ],
            }
            for prefix, route in rules
        ],
        "tls": {},
    }
