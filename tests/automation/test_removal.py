"""What keeps a shared environment from being removed: pure over the state's resources."""

from __future__ import annotations

from typing import Any

import pytest

from automation.removal import REGISTRY, TENANT, guarded

ENVIRONMENT = "foundation:index:Environment"
Resources = list[dict[str, Any]]


def resource(name: str, *types: str, protect: bool = True, **more: Any) -> dict[str, Any]:
    urn = f"urn:pulumi:prod::foundation::{'$'.join((ENVIRONMENT, *types))}::{name}"
    return {"urn": urn, "type": types[-1], "protect": protect, **more}


def register(*slugs: str) -> dict[str, Any]:
    outputs = {"tenants": {slug: {"status": "active"} for slug in slugs}}
    return resource("tenants", REGISTRY, protect=False, outputs=outputs)


SERVER = resource("prod-database-01-g1", "foundation:hetzner:NodePool", "hcloud:index/server:Server")
PLATFORM = [
    resource("platform", "kubernetes:core/v1:Namespace"),
    resource("postgres", "foundation:postgres:DatabasePlatform", "postgresql:index/database:Database"),
]
SCHEMA = resource("alice-schema", TENANT, "postgresql:index/schema:Schema")


def names(resources: Resources, *, unprotected: bool) -> list[str]:
    return [urn.rpartition("::")[2] for urn in guarded(resources, unprotected=unprotected)]


@pytest.mark.parametrize(
    ("resources", "held"),
    [
        ([register("alice"), SERVER, *PLATFORM, SCHEMA], ["platform", "postgres", "alice-schema"]),
        ([register("alice"), SERVER, *PLATFORM], ["platform", "postgres"]),
        # The register comes first: a tenant may have left it whose data is there yet.
        ([register(), SERVER, *PLATFORM, SCHEMA], ["alice-schema"]),
        ([register(), SERVER, *PLATFORM], []),
        ([SERVER, *PLATFORM], []),
    ],
)
def test_the_platform_goes_with_unprotect_when_no_tenant_is_left(resources: Resources, held: list[str]) -> None:
    assert names(resources, unprotected=True) == held
    everything = [found["urn"].rpartition("::")[2] for found in resources if found["protect"]]
    assert names(resources, unprotected=False) == everything
