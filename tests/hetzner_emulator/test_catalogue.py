"""The dated files: what is offered has a price, and what the API says agrees with them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from local.hetzner.catalogue import load_catalogue

CATALOGUE = load_catalogue()


@pytest.mark.parametrize("server_type", CATALOGUE.server_types, ids=lambda record: record["name"])
def test_whatever_can_be_ordered_has_a_price(server_type: dict[str, list[dict[str, object]]]) -> None:
    orderable = {offer["name"] for offer in server_type["locations"] if offer["available"]}
    assert orderable <= {price["location"] for price in server_type["prices"]}


def test_prices_are_dated_and_named_once() -> None:
    file = CATALOGUE.prices.file
    assert date.fromisoformat(file["date"]) > max(date.fromisoformat(day) for day in file["epochs"])
    assert file["sources"]
    known = {record["name"] for record in CATALOGUE.server_types}
    # Types without a known disk have a price only.
    assert {name for types in file["server_types"].values() for name in types} - known == {"cpx02"}


def test_a_servers_price_is_without_its_address() -> None:
    file = CATALOGUE.prices.file
    listed = next(entry for entry in CATALOGUE.prices.server_type("cpx22") if entry["location"] == "fsn1")
    net = Decimal(listed["price_monthly"]["net"])
    assert net + Decimal(file["primary_ipv4"]) == Decimal(file["server_types"]["eu"]["cpx22"])
    gross = net * (100 + Decimal(file["vat_percent"])) / 100
    assert Decimal(listed["price_monthly"]["gross"]) == gross.quantize(Decimal("1e-10"))


def test_numbers_and_names_are_unique() -> None:
    kinds = (CATALOGUE.locations, CATALOGUE.server_types, CATALOGUE.load_balancer_types, CATALOGUE.isos)
    for records in kinds:
        for field in ("id", "name"):
            assert len({record[field] for record in records}) == len(records)
    assert len({image["id"] for image in CATALOGUE.images}) == len(CATALOGUE.images)


def test_every_command_has_a_duration() -> None:
    assert CATALOGUE.duration("create_server") > CATALOGUE.duration("an_unknown_one") > 0
    assert min(CATALOGUE.durations.values()) == 0
