"""Requests that an update costs, against what a project may ask in an hour. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final, Literal

from models.hetzner.pool import Pool

REQUESTS_PER_HOUR: Final = 3600
"""Of a project, whatever its tokens; controllers in the cluster take from it too (vendor documentation)."""

SHARE: Final = 0.5
"""Of it that an update may take: the rest is for the controllers, which stop working without."""

FEW_SERVERS: Final = 50
"""Up to so many servers in one update, actions are asked about every 2 s."""

LONGEST_SECONDS: Final = 60.0
"""Where the growing interval stops growing (hcloud-go)."""


@dataclass(frozen=True)
class Polling:
    """How the provider asks whether an action is done: its settings ``pollFunction`` and ``pollInterval``."""

    function: Literal["constant", "exponential"]
    seconds: float
    """Between two questions; of the growing kind, before the first."""

    @property
    def interval(self) -> str:
        """As Go writes durations."""
        return f"{self.seconds:g}s"

    def requests(self, seconds: float) -> int:
        """How often it asks about an action that takes so long."""
        if self.function == "constant":
            return max(1, ceil(seconds / self.seconds))
        asked, waited, wait = 0, 0.0, self.seconds
        while waited < seconds or asked == 0:
            waited += wait
            wait = min(wait * 2, LONGEST_SECONDS)
            asked += 1
        return asked


CONSTANT: Final = Polling("constant", 2.0)
# The provider's own default.
EXPONENTIAL: Final = Polling("exponential", 0.5)
EMULATED: Final = Polling("constant", 0.1)
"""Of an emulator, whose actions are quick and whose requests nobody counts."""


def polling(servers: int) -> Polling:
    """The quick way for few servers; for many the one that asks less."""
    return CONSTANT if servers <= FEW_SERVERS else EXPONENTIAL


@dataclass(frozen=True)
class _Cost:
    """What making one object takes: requests apart from polling, and how long its actions take in seconds."""

    requests: int
    actions: tuple[float, ...] = ()


# Read from the provider's code (terraform-provider-hcloud, create and read of each resource). Durations are those of
# ordinary days: a server is ordered and started in half a minute.
SERVER: Final = _Cost(6, (20.0, 10.0))
PROTECTION: Final = _Cost(1, (1.0,))
SERVER_NETWORK: Final = _Cost(2, (3.0,))
PRIMARY_IP: Final = _Cost(2)
PLACEMENT_GROUP: Final = _Cost(2)
VOLUME: Final = _Cost(2, (3.0,))
VOLUME_ATTACHMENT: Final = _Cost(4, (3.0,))
BASICS: Final = _Cost(60, (3.0,) * 10)
"""Network, firewalls, keys, load balancer and records of a cluster, together."""

SERVERS_PER_PAGE: Final = 50


def estimate(pools: Mapping[str, Pool], *, with_primary_ips: frozenset[str], mode: Polling | None = None) -> int:
    """Requests to make everything from nothing, the most that one update can need for these pools."""
    servers = sum(pool.count for pool in pools.values())
    chosen = mode or polling(servers)
    total = _requests(BASICS, chosen) + ceil(servers / SERVERS_PER_PAGE) + 1
    for name, pool in pools.items():
        total += sum(_requests(cost, chosen) * times for cost, times in _costs(pool, name in with_primary_ips))
    return total


def _costs(pool: Pool, fixed: bool) -> Iterator[tuple[_Cost, int]]:
    yield SERVER, pool.count
    yield SERVER_NETWORK, pool.count
    yield PLACEMENT_GROUP, ceil(pool.count / 10)
    if pool.protect:
        yield PROTECTION, pool.count
    if fixed:
        yield PRIMARY_IP, pool.count
    yield VOLUME, pool.count * len(pool.volumes)
    yield VOLUME_ATTACHMENT, pool.count * len(pool.volumes)


def _requests(cost: _Cost, mode: Polling) -> int:
    return cost.requests + sum(mode.requests(seconds) for seconds in cost.actions)


def judge(requests: int) -> tuple[Literal["fine", "warn", "refuse"], str]:
    """Whether an update may take so many requests, and why not. More than the share is warned of; more than all that
    there is would end halfway in an error."""
    if requests > REQUESTS_PER_HOUR:
        return "refuse", (
            f"making all of this takes about {requests} requests to Hetzner's API; a project has {REQUESTS_PER_HOUR} "
            "an hour. Raise the pools' counts in steps of an hour each, or split the cluster over two projects"
        )
    if requests > REQUESTS_PER_HOUR * SHARE:
        return "warn", (
            f"making all of this takes about {requests} of the {REQUESTS_PER_HOUR} requests an hour that a project "
            f"has; above {REQUESTS_PER_HOUR * SHARE:.0f} the cluster's own controllers may go without"
        )
    return "fine", ""
