"""What stands at Hetzner for a number of tenants, item by item, with its price."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from automation.cost.seats import Seat
from components.hetzner.prices import Prices, Size
from models.hetzner import Hetzner, Pool, PoolSettings
from models.hetzner.names import enterprise_pool

SHARED = "shared"
"""The pool that tenants without nodes of their own share (FC-132)."""
ENTRANCE = "load balancer"
NAT = "nat"
BACKUP = "backup"


@dataclass(frozen=True)
class Item:
    """So many of one thing."""

    pool: str
    """The pool that it belongs to, or what it is for."""
    what: str
    number: int
    each: Decimal
    """EUR a month for one, net."""

    @property
    def total(self) -> Decimal:
        """EUR a month."""
        return self.number * self.each


def node_size(pool: PoolSettings, prices: Prices) -> Size:
    """What a node of the pool has: of its first candidate, since nothing is known of what could be had."""
    return prices.size(pool.candidates[0].server_type)


def weight(seat: Seat, node: Size) -> Decimal:
    """The part of a node that the tenant's requests take, in whichever of CPU and memory it takes more."""
    return max(seat.cores / node.cores, seat.memory / node.memory)


def nodes_needed(pool: Pool, seats: Iterable[Seat], prices: Prices) -> int:
    """Nodes of the shared pool that the tenants' requests fill; at least those that are always there. May exceed the
    autoscaler's most."""
    node = node_size(pool, prices)
    own = [seat for seat in seats if not seat.dedicated]
    room = prices.business.fill_percent / 100
    used = max(
        sum((seat.cores for seat in own), Decimal()) / node.cores,
        sum((seat.memory for seat in own), Decimal()) / node.memory,
    )
    least = max(pool.count, pool.autoscale.min if pool.autoscale else 0)
    return max(least, int((used / room).to_integral_value(ROUND_CEILING)))


def infrastructure(settings: Hetzner, seats: Sequence[Seat], prices: Prices) -> list[Item]:
    """Everything that ``settings`` ask for with these tenants.

    Raises ``UnknownPrice`` for what the price file doesn't know.
    """
    found: list[Item] = []
    enterprise = [seat.name for seat in seats if seat.dedicated]
    for name, pool in settings.all_pools(enterprise).items():
        number = nodes_needed(pool, seats, prices) if name == SHARED else _least(pool)
        found += _pool(name, pool, number, prices)
    if settings.nat is not None:
        first = settings.nat.candidates[0]
        found.append(_servers(NAT, first.server_type, first.location, 1, prices))
        found.append(_addresses(NAT, 1, prices))
    price = prices.load_balancer(settings.load_balancer.type)
    found.append(Item(ENTRANCE, f"load balancer {settings.load_balancer.type}", 1, price))
    if settings.backup is not None:
        found.append(Item(BACKUP, "object storage", 1, prices.object_storage.base))
    return [item for item in found if item.number]


def is_own(item: Item, seat: Seat) -> bool:
    """Whether the item is of the tenant's own pool."""
    return item.pool == enterprise_pool(seat.name)


def included_traffic(settings: Hetzner, items: Iterable[Item], prices: Prices) -> Decimal:
    """TB a month to the internet that the servers' prices include."""
    location = settings.control_plane.candidates[0].location
    servers = sum(item.number for item in items if item.what.startswith("server "))
    return servers * prices.traffic[prices.region(location)].included_tb


def _least(pool: Pool) -> int:
    return max(pool.count, pool.autoscale.min if pool.autoscale else 0)


def _pool(name: str, pool: Pool, number: int, prices: Prices) -> Iterable[Item]:
    first = pool.candidates[0]
    yield _servers(name, first.server_type, first.location, number, prices)
    if pool.egress == "public":
        yield _addresses(name, number, prices)
    for volume, settings in pool.volumes.items():
        # Autoscaled nodes have none: volumes go with the slots that an update makes.
        yield Item(name, f"volume {volume} of {settings.size} GB", pool.count, prices.volume(settings.size))


def _servers(name: str, server_type: str, location: str, number: int, prices: Prices) -> Item:
    what = f"server {server_type} in {location}"
    return Item(name, what, number, prices.server(server_type, location, ipv4=False))


def _addresses(name: str, number: int, prices: Prices) -> Item:
    return Item(name, "public IPv4 address", number, prices.primary_ipv4)
