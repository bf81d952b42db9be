"""Every number of Foundation Cloud's plans, beside the requirement that it comes from."""

from __future__ import annotations

from functools import reduce

import pytest

import products
from models.product import Product

STARTER, PRO, ENTERPRISE = "starter", "pro", "enterprise"

NUMBERS: list[tuple[str, str, str, object]] = [
    # requirement, plan, field, value
    ("FC-010", STARTER, "price.monthly_cents", 4900),
    ("FC-010", STARTER, "limits.agents", 5),
    ("FC-010", STARTER, "limits.workflows", 5),
    ("FC-010", STARTER, "limits.tasks_per_month", 500),
    ("FC-011", PRO, "price.monthly_cents", 14900),
    ("FC-011", PRO, "limits.agents", 14),
    ("FC-011", PRO, "limits.workflows", None),
    ("FC-011", PRO, "limits.tasks_per_month", 5000),
    ("FC-012", ENTERPRISE, "limits.agents", None),
    ("FC-012", ENTERPRISE, "limits.workflows", None),
    ("FC-012", ENTERPRISE, "limits.tasks_per_month", None),
    ("FC-012", ENTERPRISE, "price.monthly_cents", None),
    ("FC-014", STARTER, "availability_percent", 99.5),
    ("FC-014", PRO, "availability_percent", 99.5),
    ("FC-014", ENTERPRISE, "availability_percent", 99.9),
    ("FC-020", STARTER, "pool", "shared"),
    ("FC-020", ENTERPRISE, "pool", "dedicated"),
    ("FC-068", STARTER, "limits.requests_per_minute", 60),
    ("FC-068", STARTER, "limits.tasks_per_hour", 20),
    ("FC-068", STARTER, "limits.concurrent_tasks", 3),
    ("FC-069", PRO, "limits.requests_per_minute", 300),
    ("FC-069", PRO, "limits.tasks_per_hour", 200),
    ("FC-069", PRO, "limits.concurrent_tasks", 10),
    ("FC-070", ENTERPRISE, "limits.requests_per_minute", None),
    ("FC-070", ENTERPRISE, "limits.tasks_per_hour", None),
    ("FC-070", ENTERPRISE, "limits.concurrent_tasks", 50),
    ("FC-091", STARTER, "key_model", "pooled"),
    ("FC-091", PRO, "key_model", "choice"),
    ("FC-091", ENTERPRISE, "key_model", "own"),
    ("FC-096", STARTER, "custom_agents", False),
    ("FC-096", PRO, "custom_agents", False),
    ("FC-096", ENTERPRISE, "custom_agents", True),
    ("FC-112", STARTER, "price.monthly_cents", 4900),
    ("FC-112", STARTER, "overage.cents", 500),
    ("FC-112", STARTER, "overage.per", 100),
    ("FC-113", PRO, "price.monthly_cents", 14900),
    ("FC-113", PRO, "overage.cents", 2000),
    ("FC-113", PRO, "overage.per", 1000),
    ("FC-132", PRO, "pool", "shared"),
    ("FC-138", STARTER, "resources.requests.cpu", "250m"),
    ("FC-138", STARTER, "resources.limits.cpu", "1000m"),
    ("FC-138", STARTER, "resources.requests.memory", "512Mi"),
    ("FC-138", STARTER, "resources.limits.memory", "2Gi"),
    ("FC-139", PRO, "resources.requests.cpu", "500m"),
    ("FC-139", PRO, "resources.limits.cpu", "2000m"),
    ("FC-139", PRO, "resources.requests.memory", "1Gi"),
    ("FC-139", PRO, "resources.limits.memory", "4Gi"),
    ("FC-140", ENTERPRISE, "resources.requests.cpu", "2000m"),
    ("FC-140", ENTERPRISE, "resources.limits.cpu", "8000m"),
    ("FC-140", ENTERPRISE, "resources.requests.memory", "4Gi"),
    ("FC-140", ENTERPRISE, "resources.limits.memory", "16Gi"),
    ("FC-142", STARTER, "scaling.max_replicas", 1),
    ("FC-142", PRO, "scaling.max_replicas", 5),
    *(("FC-142", plan, "scaling.min_replicas", 1) for plan in (STARTER, PRO, ENTERPRISE)),
    *(("FC-142", plan, "scaling.cpu_utilization", 70) for plan in (STARTER, PRO, ENTERPRISE)),
    *(("FC-142", plan, "scaling.active_tasks", 10) for plan in (STARTER, PRO, ENTERPRISE)),
    ("FC-306", ENTERPRISE, "scaling.max_replicas", 5),
    *(("FC-150", plan, "retention.backups_daily", 30) for plan in (STARTER, PRO, ENTERPRISE)),
    *(("FC-150", plan, "retention.backups_monthly", 12) for plan in (STARTER, PRO, ENTERPRISE)),
    ("FC-161", STARTER, "retention.logs_days", 7),
    ("FC-161", PRO, "retention.logs_days", 7),
    ("FC-161", ENTERPRISE, "retention.logs_days", 30),
    *(("FC-275", plan, "isolation.postgresql", "schema") for plan in (STARTER, PRO, ENTERPRISE)),
]


@pytest.mark.parametrize(("requirement", "plan", "field", "value"), NUMBERS)
def test_number(product: Product, requirement: str, plan: str, field: str, value: object) -> None:
    assert reduce(getattr, field.split("."), product.plans[plan]) == value, requirement


def test_plans_from_the_smallest(product: Product) -> None:
    assert list(product.plans) == [STARTER, PRO, ENTERPRISE]
    assert [plan.name for plan in product.plans.values()] == [STARTER, PRO, ENTERPRISE]


def test_enterprise_has_no_overage(product: Product) -> None:
    assert product.plans[ENTERPRISE].overage is None  # FC-012: unlimited tasks


def test_meters(product: Product) -> None:
    assert {meter.event: (meter.billable, meter.plans) for meter in product.meters} == {
        "task.dispatched": (True, ()),  # FC-114
        "workflow.started": (True, (PRO, ENTERPRISE)),  # FC-115
        "agent.hours": (False, ()),  # FC-116
        "api.request": (False, ()),  # FC-117
        "storage.bytes": (False, ()),  # FC-118
    }


def test_secrets(product: Product) -> None:
    assert product.secret_keys == ("discord_token", "anthropic_key")  # FC-081
    assert product.shared_secrets["anthropic_key"] == "shared_anthropic_key"  # FC-082


def test_image_tag(product: Product) -> None:
    assert product.image_tag == "v2.0"  # FC-084


def test_products_are_found_by_their_folders() -> None:
    assert "foundation-cloud" in products.names()
    with pytest.raises(products.UnknownProduct, match=r"'foundation_cloud' is no product; .*foundation-cloud"):
        products.load("foundation_cloud")
