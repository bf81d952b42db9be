"""What an environment costs: reckoned with a price file of the tests' own, since only the real one knows prices."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from automation.cli import app
from automation.cost.infrastructure import infrastructure, nodes_needed
from automation.cost.report import CostReport, break_even, report
from automation.cost.seats import Seat, spread, supposed
from automation.cost.shares import by_pool, month, subscriptions
from automation.errors import BadInput
from components.hetzner.prices import UnknownPrice, load_prices
from models.hetzner import Hetzner
from models.loading import Environment
from models.plan import Plan
from tests.automation.cost.prices import PRICES
from tests.models.conftest import ENTERPRISE, SETTINGS, Folder, tenant
from tests.scratch import ROOT

HETZNER = {"cluster": "foundation", "credentials_file": "hetzner.json", "admin_cidrs": ["203.0.113.0/24"]}


def hetzner(**changes: Any) -> Hetzner:
    return Hetzner.model_validate({**HETZNER, **changes})


def seat(name: str = "alice", cores: str = "0.25", memory: str = "0.5", **fields: Any) -> Seat:
    given = {"dedicated": False, "pooled": False, "price": Decimal(49), **fields}
    return Seat(name, "starter", Decimal(cores), Decimal(memory), **given)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """One tenant on each plan, and one that doesn't run any more."""
    folder = Folder(tmp_path)
    folder.settings(f"{SETTINGS}    hetzner: {json.dumps(HETZNER)}\n")
    folder.tenant(tenant("alice", "starter", 1), "alice")
    folder.tenant(ENTERPRISE, "bob")
    folder.tenant(tenant("charlie", "pro", 3), "charlie")
    folder.tenant(tenant("dora", "pro", 4) + "status: inactive\n", "dora")
    return folder.load()


def plans(environment: Environment) -> list[Plan]:
    return list(environment.products["foundation-cloud"].product.plans.values())


def test_every_pool_and_part_is_priced() -> None:
    settings = hetzner(
        pools={"shared": {"egress": "nat"}, "cache": {"candidates": [{"server_type": "cpx22", "location": "fsn1"}]}},
        nat={},
        control_plane={"candidates": [{"server_type": "cpx22", "location": "fsn1"}], "volumes": {"etcd": {"size": 10}}},
        backup={
            "endpoint": "fsn1.your-objectstorage.com",
            "bucket": "etcd",
            "region": "fsn1",
            "access_key": {"config": "a"},
            "secret_key": {"config": "b"},
            "encryption_key": {"config": "c"},
        },
    )
    pools = by_pool(infrastructure(settings, [seat("acme", dedicated=True)], PRICES))
    assert pools == {
        "control-plane": 3 * 21 + 3 * Decimal(1),
        # Without public addresses, whose price the type's holds.
        "shared": 3 * Decimal(100),
        "cache": Decimal(21),
        "database": 2 * Decimal(61),
        "infra": Decimal(41),
        "t-acme": Decimal(101),
        "nat": Decimal(21),
        "load balancer": Decimal(7),
        "backup": Decimal(5),
    }


def test_the_shared_pool_grows_with_what_tenants_request() -> None:
    pool = hetzner().pools["shared"]
    # Half of 3 nodes with 16 cores: 24 cores, 96 tenants with a quarter of one.
    assert nodes_needed(pool, [seat()] * 96, PRICES) == 3
    assert nodes_needed(pool, [seat()] * 97, PRICES) == 4
    assert nodes_needed(pool, [seat(memory="16")] * 4, PRICES) == 4
    assert nodes_needed(pool, [seat(cores="99", dedicated=True)], PRICES) == 3


def test_an_enterprise_tenant_pays_its_own_pool_and_others_share_theirs() -> None:
    seats = [seat("acme", dedicated=True, price=Decimal(500)), seat("alice"), seat("bob", cores="0.5")]
    result = month(hetzner(), seats, PRICES)
    acme, alice, bob = result.shares
    assert acme.nodes == 101
    assert (alice.nodes, bob.nodes) == (101, 202)
    assert acme.platform == alice.platform == bob.platform
    assert acme.platform * 3 == 3 * 21 + 2 * 61 + 41 + 7
    assert acme.payment == Decimal("10.5")
    assert acme.margin == 500 - acme.cost


@given(
    st.lists(
        st.tuples(st.integers(1, 8), st.integers(1, 16), st.booleans(), st.booleans(), st.integers(0, 900)), min_size=1
    )
)
def test_shares_come_to_the_whole(given_seats: list[tuple[int, int, bool, bool, int]]) -> None:
    seats = [
        seat(f"t{number}", cores=str(cores), memory=str(memory), dedicated=own, pooled=pooled, price=Decimal(price))
        for number, (cores, memory, own, pooled, price) in enumerate(given_seats)
    ]
    result = month(hetzner(), seats, PRICES)
    shared = sum((share.nodes + share.platform for share in result.shares), Decimal())
    idle = by_pool(result.items)["shared"] if all(seat.dedicated for seat in seats) else 0
    assert round(shared + idle, 6) == round(result.euros, 6)
    assert round(sum(share.model for share in result.shares), 6) == result.model
    costs = sum(share.cost for share in result.shares) + PRICES.exchange.usd(Decimal(idle)) + result.support
    assert round(result.profit, 6) == round(result.revenue - costs, 6)


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 99), min_size=1), st.integers(0, 300))
def test_a_mix_is_spread_whole(mix: dict[str, int], tenants: int) -> None:
    counts = spread(mix, tenants)
    assert sum(counts.values()) == tenants
    assert all(abs(counts[plan] - tenants * part / sum(mix.values())) < 1 for plan, part in mix.items())


def test_model_subscriptions_are_whole_and_none_where_keys_are_brought() -> None:
    assert subscriptions([seat()], PRICES.business) == 0
    assert subscriptions([seat(pooled=True)] * 20, PRICES.business) == 100
    assert subscriptions([seat(pooled=True)] * 21, PRICES.business) == 200


def test_tenants_as_they_are(environment: Environment) -> None:
    found = report(environment, PRICES)
    shares = {share.tenant: share for share in found.now.shares}
    assert shares["alice"].price == 49
    assert shares["bob"].nodes == 101
    assert shares["bob"].price == 500
    assert shares["bob"].model == 0
    # Twice the requests of starter (FC-138, FC-139); one that is inactive has no pods and pays nothing.
    assert shares["charlie"].nodes == 2 * shares["alice"].nodes
    assert (shares["dora"].nodes, shares["dora"].price) == (0, 0)
    assert any("taken as 500 USD" in note for note in found.notes)


def test_the_smallest_number_that_breaks_even(environment: Environment) -> None:
    found = {entry.who: entry.tenants for entry in report(environment, PRICES).break_even}
    for plan in ("starter", "pro", "enterprise"):
        number = found[plan]
        assert number is not None
        for tenants, earns in ((number, True), (number - 1, False)):
            seats = supposed(plans(environment), {plan: tenants}, PRICES.business)
            assert (month(hetzner(), seats, PRICES).profit >= 0) is earns
    dear = PRICES.model_copy(update={"exchange": PRICES.exchange.model_copy(update={"usd_per_eur": Decimal(9)})})
    assert break_even(hetzner(), plans(environment), {"enterprise": 1}, dear) is None


def test_of_the_real_price_file_every_total_has_its_date(environment: Environment) -> None:
    found: CostReport = report(environment)
    data = found.to_json()
    assert data["prices"]["date"] == load_prices().date.isoformat()
    assert data["total_eur"] == pytest.approx(sum(data["pools"].values()))
    assert data["total_eur"] == pytest.approx(sum(item["total_eur"] for item in data["items"]))
    assert set(data["grown"]["plans"]) == {"starter", "pro", "enterprise"}
    # FC-317
    assert data["grown"]["plans"]["pro"]["within_target"]


def test_a_type_without_a_price_is_bad_input(environment: Environment) -> None:
    pools = {"infra": {"candidates": [{"server_type": "cpx99", "location": "fsn1"}]}}
    changed = environment.settings.model_copy(update={"hetzner": hetzner(pools=pools)})
    with pytest.raises(BadInput, match="server type 'cpx99' in fsn1"):
        report(replace(environment, settings=changed), PRICES)


@pytest.mark.parametrize(
    ("ordered", "price"),
    [("2025-01-01", 6), ("2026-01-01", 6), ("2026-03-31", 6), ("2026-04-01", 8), ("2026-06-14", 8), ("2026-06-15", 21)],
)
def test_orders_keep_the_price_of_their_day(ordered: str, price: int) -> None:
    day = datetime.date.fromisoformat(ordered)
    assert PRICES.server("cpx22", "fsn1", day) == price
    assert PRICES.server("cpx22", "fsn1", day, ipv4=False) == price - 1
    # No older price of it is known: today's.
    assert PRICES.server("cpx32", "fsn1", day) == 41
    assert PRICES.server("cpx22", "ash", day) == 31


def test_what_the_file_does_not_know_is_said() -> None:
    for ask in (
        lambda: PRICES.server("cpx22", "sin"),
        lambda: PRICES.server("cx23", "fsn1"),
        lambda: PRICES.load_balancer("lb99"),
        lambda: PRICES.size("cx23"),
    ):
        with pytest.raises(UnknownPrice):
            ask()
    assert PRICES.backups("cpx22", "fsn1") == 4


def test_every_type_that_has_a_price_has_a_size() -> None:
    prices = load_prices()
    assert {name for types in prices.server_types.values() for name in types} <= set(prices.sizes)


def test_the_command(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    (tmp_path / "Pulumi.yaml").symlink_to(ROOT / "Pulumi.yaml")
    folder.settings(SETTINGS)
    folder.tenant(tenant("alice", "starter", 1), "alice")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["--project", str(tmp_path), "cost", *arguments])

    without = run("local")
    assert without.exit_code == 2
    assert "has no cluster at Hetzner" in without.stderr
    folder.settings(f"{SETTINGS}    hetzner: {json.dumps(HETZNER)}\n")
    told = run()
    assert told.exit_code == 0, told.output
    day = load_prices().date.isoformat()
    titles = [line for line in told.stdout.splitlines() if "prices of" in line]
    assert len(titles) >= 5
    assert all(day in title for title in titles)
    data = json.loads(run("--json").stdout)
    assert f"{data['total_eur']:.2f}" in told.stdout
    assert data["tenants"]["alice"]["plan"] == "starter"
