"""Prices, as the API's answers show them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import yaml

import components.hetzner
from local.hetzner.listing import Record

TERABYTE = 1024**4
_FILE = Path(components.hetzner.__file__).parent / "prices.yaml"
# The API writes prices with ten places.
_PLACES = Decimal("0.0000000001")


@dataclass(frozen=True)
class Prices:
    """The price file."""

    file: Any

    def amount(self, net: Decimal) -> Record:
        """Net and gross."""
        gross = net * (100 + Decimal(self.file["vat_percent"])) / 100
        return {name: str(value.quantize(_PLACES, ROUND_HALF_UP)) for name, value in (("net", net), ("gross", gross))}

    def monthly(self, net: Decimal) -> Record:
        """Price of a month and of an hour."""
        return {
            "price_monthly": self.amount(net),
            "price_hourly": self.amount(net / Decimal(self.file["hours_per_month"])),
        }

    def server_type(self, name: str) -> list[Record]:
        """By location. The file's figures hold the Primary IPv4, which the API lists on its own."""
        ipv4 = Decimal(self.file["primary_ipv4"])
        return [
            entry
            for region, types in self.file["server_types"].items()
            if name in types
            for entry in self._with_traffic(region, Decimal(types[name]) - ipv4)
        ]

    def load_balancer_type(self, name: str) -> list[Record]:
        """By location; empty where the file has no price."""
        price = self.file["load_balancer_types"].get(name)
        return [] if price is None else [
            entry for region in self.file["regions"] for entry in self._with_traffic(region, Decimal(price))
        ]  # fmt: skip

    def primary_ip(self, family: str) -> list[Record]:
        """By location."""
        return [
            {"location": location, **self.monthly(Decimal(self.file[f"primary_{family}"]))}
            for locations in self.file["regions"].values()
            for location in locations
        ]

    def _with_traffic(self, region: str, net: Decimal) -> list[Record]:
        traffic = self.file["traffic"][region]
        return [
            {
                "location": location,
                **self.monthly(net),
                "included_traffic": int(Decimal(traffic["included_tb"]) * TERABYTE),
                "price_per_tb_traffic": self.amount(Decimal(traffic["per_tb"])),
            }
            for location in self.file["regions"][region]
        ]


def load_prices() -> Prices:
    """Read the file. Numbers stay text, so that none is rounded on its way."""
    return Prices(yaml.load(_FILE.read_text(), yaml.BaseLoader))  # noqa: S506 - makes text only
