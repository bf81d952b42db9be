"""A tenant's plan: the product's plan with the fields that the tenant's contract changes."""

from __future__ import annotations

from models.plan import Plan
from models.tenant import Overrides


def effective_plan(plan: Plan, overrides: Overrides) -> Plan:
    """``plan`` with every field that ``overrides`` gives in place of the plan's own; nothing else changes."""
    limits = {
        field: value
        for field in ("requests_per_minute", "tasks_per_month", "tasks_per_hour", "concurrent_tasks")
        if (value := getattr(overrides, field)) is not None
    }
    resources = {field: value for field in ("requests", "limits") if (value := getattr(overrides, field)) is not None}
    changes: dict[str, object] = {
        "limits": plan.limits.model_copy(update=limits),
        "resources": plan.resources.model_copy(update=resources),
    }
    if overrides.monthly_price_cents is not None:
        changes["price"] = plan.price.model_copy(update={"monthly_cents": overrides.monthly_price_cents})
    if overrides.max_replicas is not None:
        changes["scaling"] = plan.scaling.model_copy(update={"max_replicas": overrides.max_replicas})
    return plan.model_copy(update=changes)
