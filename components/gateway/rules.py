"""Routes and middlewares of a tenant in Traefik's words. No resources here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.gateway.configuration import TENANT_HEADER
from components.gateway.redis import SECRET
from components.identity import Manifest
from models import names
from models.workload import Port, Route

AUTH: Final = "auth-jwt"
"""FC-055. In each tenant's namespace: Traefik follows no reference from one namespace to another."""
HEADERS: Final = "headers"
BODY_LIMIT: Final = "body-limit"
ALLOW_LIST: Final = "ip-allow-list"
BREAKER: Final = "circuit-breaker"
RETRY: Final = "retry"

IDENTITY_HEADERS: Final = (
    "X-Tenant-Id",
    TENANT_HEADER,
    "X-Tenant-Tier",
    "X-Tenant-Schema",
    "X-User-Id",
    "X-User-Role",
    "X-Auth-Scopes",
)
"""Set by the auth service alone, from the token's claims (FC-059, FC-063, FC-297)."""

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""Our choice; the requirements name none."""
MEMORY_BODY_BYTES: Final = 256 * 1024
"""What of a body is kept in memory; the rest waits in /tmp. Traefik's default is 1 MiB."""
MAX_AUTH_ANSWER_BYTES: Final = 64 * 1024
"""The auth service's answers have less than 1 KiB."""

BURST_SECONDS: Final = 2
"""A tenant may use this many seconds' worth of its budget at once. Not more: Traefik forgets a bucket 2 s after its
last request (``ttl`` in ``rate_limiter.go``) and starts it full again, so a larger burst would be had anew by
whoever pauses for 2 s."""
PAGES_PER_MINUTE: Final = 1200
"""Pages and their assets, for every plan. Our choice: the plans' limits are of API requests (FC-068)."""

STS_SECONDS: Final = 365 * 24 * 60 * 60

RETRY_ATTEMPTS: Final = 3
RETRY_INTERVAL: Final = "100ms"
"""Three tries within half a second bridge the moment until the cluster knows that a pod has gone."""
BREAKER_OPENS: Final = "NetworkErrorRatio() > 0.50"
"""No connection for every second request of the last 10 s. A pod's own errors don't count: that one path of an
application fails is no reason to shut the others."""
BREAKER_SECONDS: Final = 5
"""Open for so long, then probed."""


LOWEST_PRIORITY: Final = 10
"""Of a tenant's routes; below it is the page for hosts that nobody serves."""


def host_match(hosts: Sequence[str]) -> str:
    """Rule that holds for any of the hosts."""
    return " || ".join(f"Host(`{host}`)" for host in hosts)


def path_match(prefix: str) -> str:
    """Rule that holds for the path and what is below it, but not for its namesakes: ``/login`` isn't ``/login-admin``.

    Matters most where the rule lets requests through without a token.
    """
    path = prefix.rstrip("/")
    return f"Path(`{path}`) || PathPrefix(`{path}/`)"


def exempt_match(prefix: str) -> str:
    """As ``path_match``, for what is let through without a token: not ``/login/..;/api`` either, which is below
    ``/login`` to Traefik and ``/api`` to servers that know path parameters (RFC 3986, 3.3)."""
    return f"({path_match(prefix)}) && !PathRegexp(`[;\\\\]`)"


def rate_limit(requests_per_minute: int, redis_endpoint: Any) -> Manifest:
    """Spec of a token bucket in Redis: one for the tenant, over all its hosts, clients and the gateway's replicas.

    Its key is a header that the gateway itself has set. The request's host would be no key: ``alice.example:1`` and
    ``ALICE.example`` lead to the same tenant.
    """
    return {
        "rateLimit": {
            "average": requests_per_minute,
            "period": "1m",
            "burst": max(1, requests_per_minute * BURST_SECONDS // 60),
            "sourceCriterion": {"requestHeaderName": TENANT_HEADER},
            "redis": {
                "endpoints": [redis_endpoint],
                "secret": SECRET,
                # Without Redis a request is refused; soon, so that clients don't pile up.
                "dialTimeout": "500ms",
                "readTimeout": "500ms",
                "writeTimeout": "500ms",
                "poolSize": 4,
            },
        }
    }


def security_headers() -> Manifest:
    """Headers of every answer (OWASP's secure headers project)."""
    return {
        "stsSeconds": STS_SECONDS,
        "contentTypeNosniff": True,
        "frameDeny": True,
        "referrerPolicy": "strict-origin-when-cross-origin",
    }


def middlewares(
    slug: str,
    auth_address: str,
    requests_per_minute: int,
    redis_endpoint: Any,
    allow_list: Sequence[str] = (),
) -> dict[str, Manifest]:
    """Specs by name of the tenant's middlewares."""
    # Empty takes a header away: who a request is from, the auth service alone says. Whose host it came to, the
    # gateway knows.
    replaced = {**dict.fromkeys(IDENTITY_HEADERS, ""), TENANT_HEADER: slug}
    specs: dict[str, Manifest] = {
        names.rate_limit(slug): rate_limit(requests_per_minute, redis_endpoint),
        names.pages_limit(slug): rate_limit(PAGES_PER_MINUTE, redis_endpoint),
        AUTH: {
            "forwardAuth": {
                "address": auth_address,
                "trustForwardHeader": False,
                "authResponseHeaders": list(IDENTITY_HEADERS),
                "maxResponseBodySize": MAX_AUTH_ANSWER_BYTES,
            }
        },
        HEADERS: {"headers": {"customRequestHeaders": replaced, **security_headers()}},
        BODY_LIMIT: {"buffering": {"maxRequestBodyBytes": MAX_BODY_BYTES, "memRequestBodyBytes": MEMORY_BODY_BYTES}},
        BREAKER: {
            "circuitBreaker": {
                "expression": BREAKER_OPENS,
                "fallbackDuration": f"{BREAKER_SECONDS}s",
                "recoveryDuration": f"{BREAKER_SECONDS}s",
                "responseCode": 503,
            }
        },
        RETRY: {"retry": {"attempts": RETRY_ATTEMPTS, "initialInterval": RETRY_INTERVAL}},
    }
    if allow_list:
        specs[ALLOW_LIST] = {"ipAllowList": {"sourceRange": list(allow_list)}}
    return specs


def chain(slug: str, *, authenticated: bool, pages: bool = False, allow_list: bool = False) -> list[str]:
    """Names of a route's middlewares, in the order that requests pass them.

    Identity headers that a client sent go first, whether or not the route asks for a token; the rate limit stands
    before the auth service, which it guards too (FC-073). Retries stand next to the pods: nothing but the pod is
    asked twice.
    """
    return [
        *([ALLOW_LIST] if allow_list else []),
        HEADERS,
        names.pages_limit(slug) if pages else names.rate_limit(slug),
        *([AUTH] if authenticated else []),
        BODY_LIMIT,
        BREAKER,
        RETRY,
    ]


def ingress_route(
    slug: str,
    hosts: Sequence[str],
    routes: Sequence[Route],
    ports: Mapping[tuple[str, str], Port],
    entry_point: str,
    *,
    allow_list: bool = False,
    tls_secret: str | None = None,
) -> Manifest:
    """Spec of IngressRoute ``tenant-{slug}`` (FC-054, FC-055, FC-294, FC-295, FC-297).

    ``ports`` maps (workload, name of the port) to its number. ``tls_secret`` holds the certificate of the tenant's own
    domains; else it is the gateway's own, the wildcard of FC-056, of which no namespace of a tenant has a copy.
    """
    rules = [(prefix, route) for route in routes for prefix in (route.path_prefixes or ("",))]
    rules.sort(key=lambda rule: (-len(rule[0]), rule[0]))
    match = host_match(hosts)
    return {
        "entryPoints": [entry_point],
        "routes": [
            {
                "kind": "Rule",
                "match": _match(match, prefix, authenticated=route.authenticated),
                # The longest prefix wins, however many hosts the rule names; 0 would mean "by the rule's length".
                "priority": LOWEST_PRIORITY + len(prefix),
                "middlewares": [
                    {"name": name}
                    for name in chain(slug, authenticated=route.authenticated, pages=route.pages, allow_list=allow_list)
                ],
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
        "tls": {"secretName": tls_secret} if tls_secret else {},
    }


def _match(hosts: str, prefix: str, *, authenticated: bool) -> str:
    if not prefix.rstrip("/"):
        return hosts
    return f"({hosts}) && ({path_match(prefix)})" if authenticated else f"({hosts}) && {exempt_match(prefix)}"
