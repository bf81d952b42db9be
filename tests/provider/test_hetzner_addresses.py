"""Addresses by name: nobody moves, whoever comes or goes."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.hetzner import Pool, node_names
from provider.hetzner.allocation import Allotment, NoAddressLeft, allot, outside
from provider.plugin import UNKNOWN
from tests.plugins.rpc import Plugin, Refused, foundation
from tests.provider.recorded import Recorded

NETWORK = "10.0.0.128/25"
POOLS = st.dictionaries(st.sampled_from("abcdefgh"), st.builds(Pool, count=st.integers(0, 10)), max_size=6)


def of(pools: dict[str, Pool]) -> list[str]:
    return [name for pool_name, pool in pools.items() for name in node_names("prod", pool_name, pool)]


@given(st.lists(POOLS, min_size=1, max_size=8))
def test_adding_or_removing_any_pool_moves_nobody(history: list[dict[str, Pool]]) -> None:
    held = Allotment()
    ever: dict[str, str] = {}
    for pools in history:
        found = allot(NETWORK, of(pools), held)
        before, now = held.addresses, found.addresses
        assert set(now) == set(of(pools))
        # Who was there has the address it had, and so has who comes back: its server may never have gone.
        assert all(now[name] == ever[name] for name in now.keys() & ever.keys())
        # Nobody gets what another holds, or held until this very update: it is attached still.
        assert len(set(now.values())) == len(now)
        assert not {now[name] for name in now.keys() - before.keys()} & set(before.values())
        assert all(IPv4Address(address) in IPv4Network(NETWORK) for address in now.values())
        held = found
        ever |= now


@given(st.permutations([f"prod-shared-{number:02d}-g1" for number in range(1, 9)]))
def test_the_order_of_names_doesnt_matter(names: list[str]) -> None:
    assert allot(NETWORK, names, Allotment()) == allot(NETWORK, sorted(names), Allotment())


def test_a_network_is_filled_to_its_last_address_and_then_from_what_was_released_first() -> None:
    names = [f"n{number:03d}" for number in range(126)]
    full = allot(NETWORK, names, Allotment())
    assert full.addresses["n000"] == "10.0.0.129"
    assert full.addresses["n125"] == "10.0.0.254"
    with pytest.raises(NoAddressLeft, match=r"10.0.0.128/25 has no address left for x"):
        allot(NETWORK, [*names, "x"], full)
    # What one gives up now is attached while the update runs.
    with pytest.raises(NoAddressLeft):
        allot(NETWORK, [*names[1:], "x"], full)
    without_two = allot(NETWORK, names[2:], allot(NETWORK, [names[0], *names[2:]], full))
    assert [name for name, _ in without_two.released] == ["n001", "n000"]
    with_one = allot(NETWORK, [*names[2:], "x"], without_two)
    assert with_one.addresses["x"] == full.addresses["n001"]
    # Who comes back too late finds it given away.
    again = allot(NETWORK, [*names[1:], "x"], with_one)
    assert again.addresses["n001"] == full.addresses["n000"]
    assert again.released == ()


def test_who_lies_outside() -> None:
    assert outside("10.0.1.0/24", {"a": "10.0.0.200", "b": "10.0.1.7"}) == {"a": "10.0.0.200"}


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    with foundation() as running:
        running.configure({})
        yield running


@pytest.fixture
def plan(plugin: Plugin) -> Recorded:
    return Recorded(plugin, "foundation:hetzner:AddressPlan")


def test_a_plan_is_known_in_previews_and_kept_by_updates(plan: Recorded) -> None:
    inputs = {"cidr": NETWORK, "names": ["b", "a", "c"]}
    shown = plan.plugin.preview(plan.token, inputs)
    assert plan.up(inputs) == "create"
    assert plan.made is not None
    assert plan.made.outputs == shown
    assert shown["addresses"] == {"a": "10.0.0.129", "b": "10.0.0.130", "c": "10.0.0.131"}
    assert plan.up({"cidr": NETWORK, "names": ["a", "b", "c"]}) == "same"
    assert plan.up({"cidr": NETWORK, "names": ["a", "c", "d"]}) == "update"
    assert plan.made.outputs["addresses"] == {"a": "10.0.0.129", "c": "10.0.0.131", "d": "10.0.0.132"}
    assert plan.up({"cidr": NETWORK, "names": ["a", "c", "d", "e"]}) == "update"
    assert plan.made.outputs["addresses"]["e"] == "10.0.0.133"
    assert plan.up({"cidr": NETWORK, "names": ["a", "b", "c", "d", "e"]}) == "update"
    assert plan.made.outputs["addresses"]["b"] == "10.0.0.130", "whoever comes back has what it had"
    assert plan.up(plan.made.inputs, refresh=True) == "same"
    plan.destroy()


def test_a_network_may_grow_but_not_leave_anybody_out(plan: Recorded) -> None:
    plan.up({"cidr": "10.0.0.128/25", "names": ["a"]})
    assert plan.up({"cidr": "10.0.0.0/24", "names": ["a", "b"]}) == "update"
    assert plan.made is not None
    assert plan.made.outputs["addresses"] == {"a": "10.0.0.129", "b": "10.0.0.1"}
    said = plan.failure({"cidr": "10.1.0.0/24", "names": ["a", "b"]})
    assert "network 10.1.0.0/24 leaves out nodes that run: a (10.0.0.129), b (10.0.0.1)" in said
    assert "A node never changes its address" in said
    # Those that go needn't fit.
    assert plan.up({"cidr": "10.1.0.0/24", "names": ["c"]}) == "update"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cidr": "10.0.0.7/24"}, "must be an IPv4 network such as 10.0.0.128/25"),
        ({"cidr": UNKNOWN}, "must be known beforehand"),
        ({"names": [UNKNOWN]}, "must be known beforehand"),
        ({"names": ["a", "b", "a"]}, "names a twice: each name has one address"),
        ({"names": "a"}, "must list the names"),
    ],
)
def test_inputs_that_are_refused(plan: Recorded, change: dict[str, object], message: str) -> None:
    refused = plan.check({"cidr": NETWORK, "names": ["a"]} | change)
    assert list(refused) == list(change)
    assert message in "".join(refused.values())


def test_too_many_names_are_refused_in_previews_too(plan: Recorded) -> None:
    with pytest.raises(Refused, match=r"has no address left for c.*give a wider network"):
        plan.plugin.preview(plan.token, {"cidr": "10.0.0.0/30", "names": ["a", "b", "c"]})
