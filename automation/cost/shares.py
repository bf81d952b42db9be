"""Who pays what: the cost of an environment by tenant and by plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from automation.cost.infrastructure import SHARED, Item, infrastructure, is_own, node_size, weight
from automation.cost.seats import Seat
from components.hetzner.prices import Business, Prices
from models.hetzner import Hetzner

ZERO = Decimal()


@dataclass(frozen=True)
class Share:
    """One tenant's part. Amounts for a month: infrastructure in EUR, what is bought and sold in USD in USD."""

    tenant: str
    plan: str
    nodes: Decimal
    """EUR: its own pool whole (FC-135), or its part of the shared pool by what its pods request."""
    platform: Decimal
    """EUR: an equal part of what serves every tenant: control plane, database, infra, load balancer, backups."""
    infrastructure_usd: Decimal
    """Both in USD."""
    model: Decimal
    """USD: its part of the model provider's subscriptions (FC-092)."""
    payment: Decimal
    """USD: the payment provider's fee (FC-232)."""
    price: Decimal
    """USD that it pays."""

    @property
    def cost(self) -> Decimal:
        """USD."""
        return self.infrastructure_usd + self.model + self.payment

    @property
    def margin(self) -> Decimal:
        """USD that are left of the price."""
        return self.price - self.cost


@dataclass(frozen=True)
class Result:
    """A month with these tenants."""

    items: tuple[Item, ...]
    shares: tuple[Share, ...]
    euros: Decimal
    """Infrastructure in EUR."""
    infrastructure_usd: Decimal
    model: Decimal
    payment: Decimal
    support: Decimal
    revenue: Decimal

    @property
    def profit(self) -> Decimal:
        """USD that are left when everybody is paid."""
        return self.revenue - self.infrastructure_usd - self.model - self.payment - self.support


def month(settings: Hetzner, seats: Sequence[Seat], prices: Prices) -> Result:
    """What a month with these tenants costs and earns. Raises ``UnknownPrice``."""
    items = infrastructure(settings, seats, prices)
    euros = total(items)
    business = prices.business
    shares = _shares(settings, seats, items, prices)
    return Result(
        items=tuple(items),
        shares=tuple(shares),
        euros=euros,
        infrastructure_usd=prices.exchange.usd(euros),
        model=subscriptions(seats, business),
        payment=sum((share.payment for share in shares), ZERO),
        support=business.support,
        revenue=sum((seat.price for seat in seats), ZERO),
    )


def total(items: Iterable[Item]) -> Decimal:
    """EUR of all."""
    return sum((item.total for item in items), ZERO)


def by_pool(items: Iterable[Item]) -> dict[str, Decimal]:
    """Pool -> EUR a month."""
    table: dict[str, Decimal] = {}
    for item in items:
        table[item.pool] = table.get(item.pool, ZERO) + item.total
    return table


def subscriptions(seats: Iterable[Seat], business: Business) -> Decimal:
    """USD for the model provider: whole subscriptions, none for tenants with keys of their own (FC-230)."""
    pooled = Decimal(sum(seat.pooled for seat in seats))
    number = (pooled / business.tenants_per_subscription).to_integral_value(ROUND_CEILING)
    return number * business.model_subscription


def fee(price: Decimal, business: Business) -> Decimal:
    """USD that the payment provider takes of a price."""
    return price * business.payment_percent / 100 + business.payment_fixed if price else ZERO


def _shares(settings: Hetzner, seats: Sequence[Seat], items: Sequence[Item], prices: Prices) -> list[Share]:
    node = node_size(settings.pools[SHARED], prices)
    weights = {seat.name: ZERO if seat.dedicated else weight(seat, node) for seat in seats}
    whole = sum(weights.values(), ZERO)
    shared = total(item for item in items if item.pool == SHARED)
    own = {seat.name: total(item for item in items if is_own(item, seat)) for seat in seats if seat.dedicated}
    common = total(items) - shared - sum(own.values(), ZERO)
    pooled = sum(seat.pooled for seat in seats)
    model = subscriptions(seats, prices.business)
    found = []
    for seat in seats:
        nodes = own.get(seat.name, ZERO) + (shared * weights[seat.name] / whole if whole else ZERO)
        platform = common / len(seats)
        found.append(
            Share(
                tenant=seat.name,
                plan=seat.plan,
                nodes=nodes,
                platform=platform,
                infrastructure_usd=prices.exchange.usd(nodes + platform),
                model=model / pooled if seat.pooled else ZERO,
                payment=fee(seat.price, prices.business),
                price=seat.price,
            )
        )
    return found


def first_of_plans(shares: Iterable[Share]) -> Mapping[str, Share]:
    """One tenant's share for each plan: in a model all tenants of a plan are alike."""
    found: dict[str, Share] = {}
    for share in shares:
        found.setdefault(share.plan, share)
    return found
