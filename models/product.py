"""Products: the SaaS products that an environment runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, field_validator

from models.base import ImageTag, Model
from models.plan import Plan
from models.tenant import Tenant
from models.workload import TenantRuntime


class Meter(Model):
    """A usage event (FC-114 to FC-118)."""

    event: str
    """The event's name."""
    billable: bool
    """Whether it may cost money."""
    unit: str
    """What one is."""
    plans: tuple[str, ...] = ()
    """Plans on which it is billable; empty: on all."""


class Product(Model):
    """A product as its ``plans.yaml`` says."""

    api_version: Literal["foundation/v1"] = "foundation/v1"
    name: str
    """The folder's name with hyphens."""
    display_name: str
    """The product's name as people read it."""
    image_tag: ImageTag
    """Tag of the product's own images unless a tenant says otherwise (FC-084)."""
    plans: Annotated[dict[str, Plan], Field(min_length=1)]
    """Plans by name, the smallest first."""
    meters: tuple[Meter, ...] = ()
    """What is counted."""
    secret_keys: tuple[str, ...] = ()
    """Keys of the tenant's Secret that a tenant may give itself (FC-081)."""
    model_provider_key: str | None = None
    """The one of ``secret_keys`` that pays the model provider: the plan's ``key_model`` rules it (FC-091)."""
    shared_secrets: dict[str, str] = {}
    """Key of the tenant's Secret -> name of the environment's shared secret that stands in when the tenant gives
    none (FC-082)."""

    @field_validator("plans")
    @classmethod
    def _plan_names(cls, plans: dict[str, Plan]) -> dict[str, Plan]:
        # A plan's name is its key: it isn't written twice in YAML.
        for key, plan in plans.items():
            if plan.name not in ("", key):
                raise ValueError(f"calls the plan {key!r} by another name, {plan.name!r}; leave `name` out")
        return {key: plan.model_copy(update={"name": key}) for key, plan in plans.items()}


@dataclass(frozen=True)
class RuntimeSettings:
    """What an environment tells a product about where it runs."""

    image_registry: str
    """Such as ghcr.io/foundation (FC-290)."""
    database_connections: int = 5
    """Connections that a tenant's role may hold, for the alert on them (FC-051, FC-158)."""


@dataclass(frozen=True)
class Finding:
    """What a product finds wrong in a tenant's file."""

    path: tuple[str | int, ...]
    """Keys down to the field, such as ("agents", "disabled", 0)."""
    message: str
    """Follows the field's value, such as "is no agent of foundation-cloud"."""
    hint: str = ""
    show: bool = True
    """Whether the field's value stands before the message."""


def nothing_more(tenant: Tenant, plan: Plan) -> tuple[Finding, ...]:
    """The check of a product that asks for nothing beyond the models."""
    return ()


@dataclass(frozen=True)
class ProductModule:
    """A product: its data, and what a tenant of it runs."""

    product: Product
    runtime: Callable[[Tenant, Plan, RuntimeSettings], TenantRuntime]
    check: Callable[[Tenant, Plan], tuple[Finding, ...]] = nothing_more
    """The product's own rules on a tenant's file; the plan comes with the tenant's overrides."""


__all__ = ["Finding", "Meter", "Product", "ProductModule", "RuntimeSettings"]
