"""Products: the SaaS products that an environment runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, model_validator

from models.base import Model
from models.plan import Plan
from models.tenant import Tenant
from models.workload import TenantRuntime


class Meter(Model):
    """A usage event (FC-114 to FC-118)."""

    event: str
    billable: bool
    unit: str


class Product(Model):
    """A product as its ``plans.yaml`` says."""

    api_version: Literal["foundation/v1"] = "foundation/v1"
    name: str
    display_name: str
    image_tag: str
    """Tag of the product's own images unless a tenant says otherwise (FC-084)."""
    plans: Annotated[dict[str, Plan], Field(min_length=1)]
    meters: tuple[Meter, ...] = ()
    shared_secrets: dict[str, str] = {}
    """Key of the tenant's Secret -> name of the environment's shared secret that stands in when the tenant gives
    none (FC-082)."""

    @model_validator(mode="before")
    @classmethod
    def _plan_names(cls, data: object) -> object:
        # A plan's name is its key: it isn't written twice in YAML.
        if isinstance(data, dict) and isinstance(data.get("plans"), dict):
            plans = {
                key: {"name": key, **plan} if isinstance(plan, dict) else plan for key, plan in data["plans"].items()
            }
            return {**data, "plans": plans}
        return data


@dataclass(frozen=True)
class RuntimeSettings:
    """What an environment tells a product about where it runs."""

    image_registry: str
    """Such as ghcr.io/foundation (FC-290)."""


@dataclass(frozen=True)
class ProductModule:
    """A product: its data, and what a tenant of it runs."""

    product: Product
    runtime: Callable[[Tenant, Plan, RuntimeSettings], TenantRuntime]


__all__ = ["Meter", "Product", "ProductModule", "RuntimeSettings"]
