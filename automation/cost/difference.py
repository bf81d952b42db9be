"""What an update changes in the month's bill, gathered from the engine's events: no run of its own, no network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from pulumi.automation.events import StepEventMetadata

if TYPE_CHECKING:  # read when something that costs money changes: most updates change nothing of the kind
    from components.hetzner.prices import Prices

SERVER: Final = "hcloud:index/server:Server"
LOAD_BALANCER: Final = "hcloud:index/loadBalancer:LoadBalancer"
VOLUME: Final = "hcloud:index/volume:Volume"
PRIMARY_IP: Final = "hcloud:index/primaryIp:PrimaryIp"
PRICED: Final = (SERVER, LOAD_BALANCER, VOLUME, PRIMARY_IP)
# A node that is rolled comes back under the next generation's name.
GENERATION: Final = re.compile(r"-g\d+$")

Created = Mapping[str, str]
"""URN -> when the state says that the resource was made (ISO 8601)."""


@dataclass(frozen=True)
class Priced:
    """One thing that costs money, as the state or the program has it."""

    urn: str
    type: str
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.urn.rpartition("::")[2]

    @property
    def slot(self) -> str:
        """Its place, whatever its generation."""
        return GENERATION.sub("", self.name)

    @property
    def kind(self) -> str:
        """The vendor's type of it, such as cpx22; empty while it isn't known."""
        key = {SERVER: "serverType", LOAD_BALANCER: "loadBalancerType"}.get(self.type, "")
        return str(self.values.get(key) or "")

    def price(self, prices: Prices, ordered: date | None = None) -> Decimal:
        """EUR a month, at the price of the day ``ordered`` or now. Raises ``UnknownPrice``."""
        if self.type == SERVER:
            return prices.server(self.kind, str(self.values.get("location")), ordered, ipv4=self._has_ipv4())
        if self.type == LOAD_BALANCER:
            return prices.load_balancer(self.kind, ordered)
        if self.type == VOLUME:
            return prices.volume(int(self.values.get("size") or 0))
        # Of a server's own address the server's price tells already.
        return Decimal()

    def ordered(self, created: Created) -> date | None:
        """The day it was made, as the API says or else the state; None when neither does."""
        text = self.values.get("created") or created.get(self.urn)
        if not text:
            return None
        return datetime.fromisoformat(str(text)).astimezone(UTC).date()

    def _has_ipv4(self) -> bool:
        networks = self.values.get("publicNets") or [{}]
        return bool(networks[0].get("ipv4Enabled", True)) if isinstance(networks[0], Mapping) else True


@dataclass(frozen=True)
class Difference:
    """The bill before and after, in EUR a month, net."""

    before: Decimal
    after: Decimal
    date: date
    """Of the prices."""
    losses: tuple[str, ...] = ()
    """Servers and load balancers that lose the price of the day they were ordered."""
    doubled: tuple[str, ...] = ()
    """Those among them that cost twice as much, or more, in their place."""
    unknown: tuple[str, ...] = ()
    """What couldn't be priced."""

    def __str__(self) -> str:
        change = self.after - self.before
        line = f"cost: {self.before:.2f} -> {self.after:.2f} EUR/month ({change:+.2f}), prices of {self.date}"
        return line + (f"; without {', '.join(self.unknown)}" if self.unknown else "")

    def to_json(self) -> dict[str, Any]:
        """Stable keys for machines."""
        return {
            "before_eur": round(float(self.before), 2),
            "after_eur": round(float(self.after), 2),
            "prices_of": self.date.isoformat(),
            "lost_prices": list(self.losses),
            "unknown": list(self.unknown),
        }


@dataclass
class Bill:
    """Hears of every step of an update; what costs money is kept, before and after."""

    before: dict[str, Priced] = field(default_factory=dict)
    after: dict[str, Priced] = field(default_factory=dict)
    replaced: set[str] = field(default_factory=set)
    """URNs of what is deleted and made anew in one step."""

    def hear(self, step: StepEventMetadata) -> None:
        """Take in one step."""
        if step.type not in PRICED:
            return
        op = str(getattr(step.op, "value", step.op))
        if "replace" in op:
            self.replaced.add(step.urn)
        if step.old is not None:
            self.before.setdefault(step.urn, Priced(step.urn, step.type, _values(step.old)))
        if step.new is not None:
            known = {**_values(step.old), **_values(step.new)} if op in ("same", "update", "refresh") else {}
            self.after[step.urn] = Priced(step.urn, step.type, known or _values(step.new))
        elif op == "delete":
            self.after.pop(step.urn, None)

    @property
    def differs(self) -> bool:
        """Whether anything that costs money comes, goes or changes."""
        if self.replaced or self.before.keys() != self.after.keys():
            return True
        return any(_matters(self.before[urn]) != _matters(new) for urn, new in self.after.items())

    def difference(self, prices: Prices, created: Callable[[], Created]) -> Difference | None:
        """What the update changes; None when it changes nothing. ``created`` is asked only then."""
        if not self.differs:
            return None
        made = created()
        unknown: set[str] = set()
        before = sum((_price(item, prices, item.ordered(made), unknown) for item in self.before.values()), Decimal())
        after = Decimal()
        for urn, item in self.after.items():
            old = self.before.get(urn)
            stays = old is not None and old.kind == item.kind and urn not in self.replaced
            kept = old.ordered(made) if old is not None and stays else None
            after += _price(item, prices, kept, unknown)
        found = list(self._lost(prices, made))
        return Difference(
            before=before,
            after=after,
            date=prices.date,
            losses=tuple(text for text, _ in found),
            doubled=tuple(text for text, factor in found if factor >= 2),
            unknown=tuple(sorted(unknown)),
        )

    def _lost(self, prices: Prices, made: Created) -> Iterator[tuple[str, Decimal]]:
        """What is replaced or rescaled and was ordered at a lower price: words, and how many times as much it is."""
        from components.hetzner.prices import UnknownPrice

        successors = {item.slot: item for item in self.after.values() if item.urn not in self.before}
        for urn, old in self.before.items():
            new = successors.get(old.slot) or self.after.get(urn)
            if new is None or old.type not in (SERVER, LOAD_BALANCER):
                continue
            if new.urn == urn and new.kind == old.kind and urn not in self.replaced:
                continue
            day = old.ordered(made)
            try:
                paid, kept_type, asked = old.price(prices, day), old.price(prices), new.price(prices)
            except UnknownPrice:
                continue
            if paid < kept_type:
                yield (
                    f"{old.name} ({old.kind}) was ordered on {day} at {paid:.2f} EUR/month: in its place "
                    f"{new.name} ({new.kind}) costs {asked:.2f}",
                    asked / paid,
                )


def _matters(item: Priced) -> tuple[Any, ...]:
    return (item.kind, item.values.get("location"), item.values.get("size"))


def _values(state: Any) -> dict[str, Any]:
    if state is None:
        return {}
    # What is asked for first: a preview's outputs may be those of the state.
    return {**(state.outputs or {}), **(state.inputs or {})}


def _price(item: Priced, prices: Prices, ordered: date | None, unknown: set[str]) -> Decimal:
    from components.hetzner.prices import UnknownPrice

    try:
        return item.price(prices, ordered)
    except UnknownPrice:
        unknown.add(item.name)
        return Decimal()
