"""Tenants as the cost model sees them: what they ask of the nodes, and what they pay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from components.hetzner.prices import Business
from models.loading import Environment
from models.plan import KeyModel, Plan, Pool
from models.quantity import amount
from models.tenant import Status, Tenant

GIGABYTE = Decimal(1024**3)
# Whose pods run; the others keep their data and ask nothing of the nodes.
RUNNING = (Status.ACTIVE, Status.PROVISIONING, Status.SUSPENDED)
PAYING = (Status.ACTIVE, Status.PROVISIONING)


@dataclass(frozen=True)
class Seat:
    """One tenant, there or supposed."""

    name: str
    plan: str
    cores: Decimal
    """vCPUs that its pods request."""
    memory: Decimal
    """GB that its pods request."""
    dedicated: bool
    """Has a node pool of its own (FC-135)."""
    pooled: bool
    """Uses the platform's key of the model provider (FC-089)."""
    price: Decimal
    """In USD a month."""
    supposed_price: bool = False
    """The price is by contract, and no contract is known: the business's figure stands for it (FC-318)."""


def seat(name: str, plan: Plan, business: Business, *, own_key: bool = False, replicas: int | None = None) -> Seat:
    """A tenant on ``plan`` that runs as many pods as the plan's autoscaler starts with."""
    pods = plan.scaling.min_replicas if replicas is None else replicas
    cents = plan.price.monthly_cents
    return Seat(
        name=name,
        plan=plan.name,
        cores=amount(plan.resources.requests.cpu) * pods,
        memory=amount(plan.resources.requests.memory) * pods / GIGABYTE,
        dedicated=plan.pool is Pool.DEDICATED,
        pooled=plan.key_model is KeyModel.POOLED or (plan.key_model is KeyModel.CHOICE and not own_key),
        price=business.contract_price if cents is None else Decimal(cents) / 100,
        supposed_price=cents is None,
    )


def present(environment: Environment, business: Business) -> list[Seat]:
    """The environment's tenants. One that doesn't run asks nothing of shared nodes, and only active ones pay."""
    return [
        _of_tenant(environment, tenant, business)
        for tenant in environment.tenants
        if tenant.status is not Status.DELETED
    ]


def _of_tenant(environment: Environment, tenant: Tenant, business: Business) -> Seat:
    key = environment.products[tenant.product].product.model_provider_key
    found = seat(
        tenant.slug,
        environment.plan(tenant),
        business,
        own_key=key in tenant.secrets,
        replicas=None if tenant.status in RUNNING else 0,
    )
    if tenant.status in PAYING:
        return found
    return Seat(**{**vars(found), "price": Decimal(0), "supposed_price": False})


def spread(mix: Mapping[str, int], tenants: int) -> dict[str, int]:
    """``tenants`` over the plans as ``mix`` has them; what doesn't divide goes to the largest remainders."""
    whole = sum(mix.values())
    exact = {plan: Decimal(part * tenants) / whole for plan, part in mix.items()}
    counts = {plan: int(share) for plan, share in exact.items()}
    by_remainder = sorted(exact, key=lambda plan: (counts[plan] - exact[plan], list(mix).index(plan)))
    for plan in by_remainder[: tenants - sum(counts.values())]:
        counts[plan] += 1
    return counts


def supposed(plans: Iterable[Plan], counts: Mapping[str, int], business: Business) -> list[Seat]:
    """As many tenants on each plan as ``counts`` says."""
    return [
        seat(f"{plan.name}-{number}", plan, business)
        for plan in plans
        for number in range(1, counts.get(plan.name, 0) + 1)
    ]
