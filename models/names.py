"""Every name that is derived from a tenant's slug, one function each.

All are injective on valid slugs and fit the limits of their systems (property-tested): a Kubernetes name takes 63
characters, a PostgreSQL identifier 63 bytes. A slug holds hyphens but no underscores, so mapping one to the other in
SQL names cannot make two slugs collide.
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

SLUG_PATTERN: Final = re.compile(r"^[a-z][a-z0-9-]{1,30}[a-z0-9]$")
"""FC-277: 3 to 32 characters, a letter first, no hyphen last."""

RESERVED_SLUGS: Final = frozenset({"app", "auth", "admin", "www", "api"})
"""FC-277: hosts of the platform itself (FC-235)."""


def check_slug(slug: str) -> str:
    """Returns ``slug``. Raises ValueError saying what would be right (FC-277)."""
    if not SLUG_PATTERN.fullmatch(slug):
        raise ValueError(
            "must have 3 to 32 characters of a-z, 0-9 and hyphen, start with a letter and not end with a hyphen"
        )
    if slug in RESERVED_SLUGS:
        raise ValueError(f"is reserved for the platform ({', '.join(sorted(RESERVED_SLUGS))})")
    if slug.startswith("pg-"):
        # PostgreSQL keeps role names that begin with pg_ for itself, and the role is named after the slug.
        raise ValueError("can't start with 'pg-': PostgreSQL reserves the role names that follow from it")
    return slug


Slug = Annotated[
    str,
    AfterValidator(check_slug),
    Field(json_schema_extra={"pattern": SLUG_PATTERN.pattern, "not": {"enum": sorted(RESERVED_SLUGS)}}),
]


def sql_name(slug: str) -> str:
    """The slug inside SQL names: hyphens become underscores (FC-277)."""
    return slug.replace("-", "_")


def namespace(slug: str) -> str:
    """The tenant's Kubernetes namespace (FC-291)."""
    return f"tenant-{slug}"


def database_schema(slug: str) -> str:
    """The tenant's PostgreSQL schema (FC-035)."""
    return f"tenant_{sql_name(slug)}"


def database_role(slug: str) -> str:
    """The PostgreSQL role that the tenant's workloads log in with (FC-039)."""
    return f"{sql_name(slug)}_app"


def host(slug: str, domain: str) -> str:
    """The tenant's host (FC-052)."""
    return f"{slug}.{domain}"


def workload(workload_name: str, slug: str) -> str:
    """A Deployment and its Service, such as seldon-acme (FC-083, FC-257)."""
    return f"{workload_name}-{slug}"


def autoscaler(workload_name: str, slug: str) -> str:
    """The workload's HorizontalPodAutoscaler (FC-141)."""
    return f"{workload_name}-{slug}-hpa"


def secret(slug: str) -> str:
    """The Secret with the tenant's credentials (FC-081)."""
    return f"tenant-secrets-{slug}"


def config_map(prefix: str, slug: str) -> str:
    """A ConfigMap of the tenant, such as agents-config-acme (FC-080)."""
    return f"{prefix}-{slug}"


def ingress_route(slug: str) -> str:
    """The tenant's Traefik IngressRoute (FC-054)."""
    return f"tenant-{slug}"


def rate_limit(slug: str) -> str:
    """The tenant's rate-limiting middleware (FC-055)."""
    return f"rate-limit-{slug}"


def pages_limit(slug: str) -> str:
    """The tenant's rate-limiting middleware of pages, apart from the API's."""
    return f"pages-limit-{slug}"


def suspended_route(slug: str) -> str:
    """The IngressRoute, in the platform's namespace, that refuses a suspended tenant's changes."""
    return f"suspended-{slug}"


def domains(slug: str) -> str:
    """Route, certificate and its Secret of the tenant's own domains."""
    return f"domains-{slug}"
