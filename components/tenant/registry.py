"""The register of tenants in the stack's state: what makes losing a tenant's data by mistake impossible."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import pulumi


class RegisteredTenant(TypedDict):
    """What the register knows of a tenant: its UUID, plan, status and whether a final backup was taken."""

    id: str
    plan: str
    status: str
    final_backup: bool


class Registry(pulumi.CustomResource):
    """Every tenant of the environment, compared by each preview and update with those of the last update.

    The program fails before anything is touched, naming every offence, when a tenant is missing that wasn't
    ``deleted`` with a final backup, when a slug was renamed, or when a slug's id changed. Make every explicit
    provider of the program depend on the register. It takes no explicit provider itself: it needs no server.

    Args:
        tenants: slug -> tenant, all known when the program starts.
    """

    tenants: pulumi.Output[dict[str, dict[str, Any]]]
    """The tenants as given."""

    def __init__(
        self,
        name: str,
        *,
        tenants: Mapping[str, RegisteredTenant],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(
            "foundation:tenancy:Registry",
            name,
            {"tenants": {slug: dict(tenant) for slug, tenant in tenants.items()}},
            opts,
        )
