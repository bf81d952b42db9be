"""Overrides change the fields they name and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

import products
from models.effective import effective_plan
from models.plan import Plan, Resources
from models.tenant import Overrides

POSITIVE = st.integers(1, 10**6)
RESOURCES = st.builds(Resources, cpu=st.integers(1, 64).map(str), memory=st.integers(1, 64).map("{}Gi".format))
PLANS = st.sampled_from(list(products.load("foundation-cloud").product.plans.values()))
OVERRIDES = st.builds(
    Overrides,
    monthly_price_cents=st.none() | st.integers(0, 10**7),
    requests_per_minute=st.none() | POSITIVE,
    tasks_per_month=st.none() | POSITIVE,
    tasks_per_hour=st.none() | POSITIVE,
    concurrent_tasks=st.none() | POSITIVE,
    max_replicas=st.none() | POSITIVE,
    requests=st.none() | RESOURCES,
    limits=st.none() | RESOURCES,
)
PLACES = {
    "monthly_price_cents": ("price", "monthly_cents"),
    "requests_per_minute": ("limits", "requests_per_minute"),
    "tasks_per_month": ("limits", "tasks_per_month"),
    "tasks_per_hour": ("limits", "tasks_per_hour"),
    "concurrent_tasks": ("limits", "concurrent_tasks"),
    "max_replicas": ("scaling", "max_replicas"),
    "requests": ("resources", "requests"),
    "limits": ("resources", "limits"),
}
"""Where in the plan each override goes."""


def test_every_override_has_a_place() -> None:
    assert set(PLACES) == set(Overrides.model_fields)


@given(PLANS, OVERRIDES)
def test_given_fields_change_and_others_stay(plan: Plan, overrides: Overrides) -> None:
    before = plan.model_dump()
    given_fields = overrides.model_dump(exclude_none=True)
    expected = plan.model_dump()
    for name, value in given_fields.items():
        part, field = PLACES[name]
        expected[part][field] = value
    assert effective_plan(plan, overrides).model_dump() == expected
    assert plan.model_dump() == before


@given(PLANS, OVERRIDES)
def test_applying_twice_changes_nothing_more(plan: Plan, overrides: Overrides) -> None:
    once = effective_plan(plan, overrides)
    assert effective_plan(once, overrides) == once
    assert Plan.model_validate(once.model_dump()) == once


@given(PLANS)
def test_no_overrides_change_nothing(plan: Plan) -> None:
    assert effective_plan(plan, Overrides()) == plan
