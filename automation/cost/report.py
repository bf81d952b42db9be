"""The cost report of an environment: as it is, by plan when it has grown, and where it breaks even."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from automation.cost.infrastructure import SHARED, included_traffic, nodes_needed
from automation.cost.seats import Seat, present, spread, supposed
from automation.cost.shares import Result, Share, by_pool, first_of_plans, month
from automation.errors import BadInput
from components.hetzner.prices import Prices, UnknownPrice, load_prices
from models.hetzner import Hetzner
from models.loading import Environment
from models.plan import Plan

# Past this many tenants no break-even is looked for: a plan that loses on each tenant has none.
MOST = 500


@dataclass(frozen=True)
class BreakEven:
    """The smallest number of tenants that pays for everything, support included; None when no number does."""

    who: str
    tenants: int | None


@dataclass(frozen=True)
class CostReport:
    """Amounts for a month, net of VAT."""

    environment: str
    prices: Prices
    now: Result
    """With the tenants that are there."""
    grown: Result
    """With the number of tenants that the requirements plan for, in their mix (FC-231)."""
    break_even: tuple[BreakEven, ...]
    traffic_tb: Decimal
    """Included in the prices."""
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Stable keys for machines; amounts are numbers with two places."""
        return {
            "environment": self.environment,
            "prices": {
                "date": self.prices.date.isoformat(),
                "currency": self.prices.currency,
                "usd_per_eur": float(self.prices.exchange.usd_per_eur),
                "exchange_date": self.prices.exchange.date.isoformat(),
                "sources": list(self.prices.sources),
            },
            "total_eur": _number(self.now.euros),
            "pools": {pool: _number(euros) for pool, euros in by_pool(self.now.items).items()},
            "items": [
                {
                    "pool": item.pool,
                    "what": item.what,
                    "number": item.number,
                    "each_eur": _number(item.each),
                    "total_eur": _number(item.total),
                }
                for item in self.now.items
            ],
            "tenants": {share.tenant: {"plan": share.plan, **_share(share)} for share in self.now.shares},
            "result": _result(self.now),
            "grown": {
                "tenants": len(self.grown.shares),
                "total_eur": _number(self.grown.euros),
                "pools": _grouped(self.grown),
                "plans": {plan: self._plan(share) for plan, share in first_of_plans(self.grown.shares).items()},
                "result": _result(self.grown),
            },
            "break_even": {found.who: found.tenants for found in self.break_even},
            "included_traffic_tb": float(self.traffic_tb),
            "notes": list(self.notes),
        }

    def _plan(self, share: Share) -> dict[str, Any]:
        target = self.prices.business.target.get(share.plan)
        wanted = {} if target is None else {"target_usd": _number(target), "within_target": share.cost <= target}
        return {**_share(share), **wanted}


def report(environment: Environment, prices: Prices | None = None) -> CostReport:
    """What the environment costs and earns.

    Raises ``BadInput`` for an environment without a cluster at Hetzner, or for a type whose price isn't known.
    """
    settings = environment.settings.hetzner
    if settings is None:
        raise BadInput(
            f"environment {environment.name} has no cluster at Hetzner: there is nothing to price",
            next_step=f"add `hetzner` to the settings in Pulumi.{environment.name}.yaml",
        )
    prices = prices or load_prices()
    try:
        return _report(environment, settings, prices)
    except UnknownPrice as error:
        raise BadInput(str(error), next_step="use a type that has one, or add it to the price file") from error


def _report(environment: Environment, settings: Hetzner, prices: Prices) -> CostReport:
    business = prices.business
    seats = present(environment, business)
    plans = _modelled(environment, business.mix)
    grown = supposed(plans, spread(business.mix, sum(business.mix.values())), business)
    now = month(settings, seats, prices)
    alone = [
        BreakEven(plan.name, break_even(settings, plans, {plan.name: 1}, prices))
        for plan in plans
        if plan.name in business.mix
    ]
    return CostReport(
        environment=environment.name,
        prices=prices,
        now=now,
        grown=month(settings, grown, prices),
        break_even=(*alone, BreakEven("mixed", break_even(settings, plans, business.mix, prices))),
        traffic_tb=included_traffic(settings, now.items, prices),
        notes=tuple(_notes(settings, seats, grown, prices)),
    )


def break_even(
    settings: Hetzner, plans: Sequence[Plan], mix: Mapping[str, int], prices: Prices, most: int = MOST
) -> int | None:
    """The smallest number of tenants in this mix with which a month ends without a loss; None when ``most`` still
    lose money."""

    def profit(number: int) -> Decimal:
        return month(settings, supposed(plans, spread(mix, number), prices.business), prices).profit

    if profit(most) < 0:
        return None
    # One after the other: nodes and subscriptions are bought whole, so one tenant more may lose what one less won.
    return next(number for number in range(1, most + 1) if profit(number) >= 0)


def _modelled(environment: Environment, mix: Mapping[str, int]) -> list[Plan]:
    """The plans of the first product that has all of the mix; else of the first product."""
    products = [module.product for module in environment.products.values()]
    chosen = next((product for product in products if set(mix) <= set(product.plans)), products[0])
    return list(chosen.plans.values())


def _notes(settings: Hetzner, seats: Sequence[Seat], grown: Sequence[Seat], prices: Prices) -> list[str]:
    found = [
        f"prices of {prices.date}, net of VAT; servers ordered before keep the price of their day",
        f"1 EUR = {prices.exchange.usd_per_eur} USD, as set on {prices.exchange.date} in the price file",
        "each pool's first server type is priced; a sold-out one is replaced by a later candidate",
    ]
    pool = settings.pools[SHARED]
    for what, tenants in (("the tenants that are there", seats), (f"{len(grown)} tenants", grown)):
        needed = nodes_needed(pool, tenants, prices)
        if needed > pool.largest:
            found.append(f"{what} need {needed} nodes of pool {SHARED}, which grows to {pool.largest} at most")
    if any(seat.supposed_price for seat in (*seats, *grown)):
        found.append(f"prices by contract are taken as {prices.business.contract_price} USD where none is given")
    return found


def _share(share: Share) -> dict[str, Any]:
    percent = None if not share.price else round(float(share.margin / share.price * 100), 1)
    return {
        "price_usd": _number(share.price),
        "nodes_eur": _number(share.nodes),
        "platform_eur": _number(share.platform),
        "infrastructure_usd": _number(share.infrastructure_usd),
        "model_usd": _number(share.model),
        "payment_usd": _number(share.payment),
        "cost_usd": _number(share.cost),
        "margin_usd": _number(share.margin),
        "margin_percent": percent,
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "revenue_usd": _number(result.revenue),
        "infrastructure_usd": _number(result.infrastructure_usd),
        "model_usd": _number(result.model),
        "payment_usd": _number(result.payment),
        "support_usd": _number(result.support),
        "profit_usd": _number(result.profit),
    }


def _grouped(result: Result) -> dict[str, float]:
    """Pools of single tenants as one: there are many in a model."""
    from models.hetzner.names import ENTERPRISE_PREFIX

    table: dict[str, Decimal] = {}
    for pool, euros in by_pool(result.items).items():
        name = "enterprise" if pool.startswith(ENTERPRISE_PREFIX) else pool
        table[name] = table.get(name, Decimal()) + euros
    return {pool: _number(euros) for pool, euros in table.items()}


def _number(value: Decimal) -> float:
    return float(round(value, 2))
