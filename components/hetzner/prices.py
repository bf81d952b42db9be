"""What Hetzner Cloud costs, from the one dated file beside this one: pure arithmetic, no network.

Every amount is net of VAT and for a month. Servers' prices hold their Primary IPv4.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import NamedTuple

import yaml

from models.base import Model

FILE = Path(__file__).with_name("prices.yaml")


class UnknownPrice(ValueError):
    """The price file holds no such price."""


class Size(NamedTuple):
    """What a server type has."""

    cores: int
    """vCPUs."""
    memory: int
    """GB."""


class Traffic(Model):
    """Traffic to the internet, for each server or load balancer."""

    included_tb: Decimal
    per_tb: Decimal


class ObjectStorage(Model):
    """S3-compatible storage."""

    base: Decimal
    included_storage_tb: Decimal
    included_traffic_tb: Decimal


class Epoch(Model):
    """Prices asked from a day on, which orders of that time keep."""

    server_types: Mapping[str, Decimal] = {}
    load_balancer_types: Mapping[str, Decimal] = {}


class Exchange(Model):
    """Plans are priced in USD, Hetzner asks EUR."""

    usd_per_eur: Decimal
    date: datetime.date

    def usd(self, euros: Decimal) -> Decimal:
        """Euros in US dollars."""
        return euros * self.usd_per_eur


class Business(Model):
    """What others than Hetzner ask, per month and in USD; each with its requirement's id in the file."""

    model_subscription: Decimal
    tenants_per_subscription: int
    payment_percent: Decimal
    payment_fixed: Decimal
    support: Decimal
    contract_price: Decimal
    mix: Mapping[str, int]
    fill_percent: Decimal
    target: Mapping[str, Decimal]


class Prices(Model):
    """The price file."""

    currency: str
    vat_percent: Decimal
    hours_per_month: int
    sources: tuple[str, ...]
    date: datetime.date
    """From this day on new orders and rescales cost this; what was ordered before keeps its price."""
    regions: Mapping[str, tuple[str, ...]]
    server_types: Mapping[str, Mapping[str, Decimal]]
    sizes: Mapping[str, Size]
    load_balancer_types: Mapping[str, Decimal]
    primary_ipv4: Decimal
    primary_ipv6: Decimal
    volume_per_gb: Decimal
    snapshot_per_gb: Decimal
    object_storage: ObjectStorage
    backup_percent: Decimal
    traffic: Mapping[str, Traffic]
    epochs: Mapping[datetime.date, Epoch]
    exchange: Exchange
    business: Business

    def region(self, location: str) -> str:
        """The region with one price list that ``location`` is in. Raises ``UnknownPrice``."""
        for region, locations in self.regions.items():
            if location in locations:
                return region
        known = ", ".join(sorted(name for locations in self.regions.values() for name in locations))
        raise UnknownPrice(f"no prices are known for location {location!r}; known: {known}")

    def server(
        self, server_type: str, location: str, ordered: datetime.date | None = None, *, ipv4: bool = True
    ) -> Decimal:
        """A server's price with its Primary IPv4, or without; that of the day it was ``ordered``, now by default.

        Raises ``UnknownPrice`` for a type that isn't sold in the location.
        """
        region = self.region(location)
        asked = self.server_types[region].get(server_type)
        if asked is None:
            known = ", ".join(sorted(self.server_types[region]))
            raise UnknownPrice(f"no price of server type {server_type!r} in {location} is known; known: {known}")
        if ordered is not None and region == "eu":
            asked = self._kept("server_types", server_type, ordered) or asked
        return asked if ipv4 else asked - self.primary_ipv4

    def load_balancer(self, load_balancer_type: str, ordered: datetime.date | None = None) -> Decimal:
        """A load balancer's price. Raises ``UnknownPrice``."""
        asked = self.load_balancer_types.get(load_balancer_type)
        if asked is None:
            known = ", ".join(sorted(self.load_balancer_types))
            raise UnknownPrice(f"no price of load balancer type {load_balancer_type!r} is known; known: {known}")
        kept = None if ordered is None else self._kept("load_balancer_types", load_balancer_type, ordered)
        return kept or asked

    def volume(self, gigabytes: int) -> Decimal:
        """A volume's price."""
        return gigabytes * self.volume_per_gb

    def backups(self, server_type: str, location: str) -> Decimal:
        """What automatic backups of a server cost: a share of its price without the address."""
        return self.server(server_type, location, ipv4=False) * self.backup_percent / 100

    def size(self, server_type: str) -> Size:
        """What a server type has. Raises ``UnknownPrice``."""
        if server_type not in self.sizes:
            raise UnknownPrice(f"the size of server type {server_type!r} is not known")
        return self.sizes[server_type]

    def _kept(self, kind: str, name: str, ordered: datetime.date) -> Decimal | None:
        """The price of the day ``ordered``; None where it is today's, or no older one is known."""
        if ordered >= self.date:
            return None
        begun = [day for day in sorted(self.epochs) if day <= ordered] or [min(self.epochs)]
        price: Decimal | None = getattr(self.epochs[begun[-1]], kind).get(name)
        return price


@cache
def load_prices(file: Path = FILE) -> Prices:
    """Read the file, once. Numbers stay text on their way to decimals, so that none is rounded."""
    return Prices.model_validate(yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader))  # noqa: S506 - texts
