"""Foundation Cloud, and tenants of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

import products
from models.effective import effective_plan
from models.product import Product, ProductModule, RuntimeSettings
from models.tenant import Tenant
from models.workload import TenantRuntime

SETTINGS = RuntimeSettings(image_registry="ghcr.io/foundation")


@pytest.fixture(scope="session")
def module() -> ProductModule:
    return products.load("foundation-cloud")


@pytest.fixture(scope="session")
def product(module: ProductModule) -> Product:
    return module.product


def tenant(plan: str = "pro", slug: str = "acme", **fields: Any) -> Tenant:
    """A tenant on ``plan``."""
    return Tenant.model_validate(
        {
            "slug": slug,
            "id": UUID("5b0b7d5e-6c1b-4a53-9c39-0d6a4f3d1a09"),
            "display_name": "Acme",
            "plan": plan,
            "admin_email": "admin@acme.example.com",
            **fields,
        }
    )


def runtime_of(module: ProductModule, of: Tenant) -> TenantRuntime:
    """What the tenant runs, with its overrides."""
    plan = effective_plan(module.product.plans[of.plan], of.overrides)
    return module.runtime(of, plan, SETTINGS)
