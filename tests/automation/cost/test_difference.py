"""What a plan changes in the bill, from the engine's own events; and what is refused for it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from pulumi.automation.events import OpType, StepEventMetadata, StepEventStateMetadata

from automation.cost.difference import LOAD_BALANCER, SERVER, VOLUME, Bill, Difference
from automation.guard import server_changes
from tests.automation.cost.prices import PRICES

OLD = "2026-02-03T04:05:06Z"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
Values = Mapping[str, Any]


def urn(name: str, kind: str = SERVER) -> str:
    return f"urn:pulumi:prod::foundation::{kind}::{name}"


def server(server_type: str = "cpx22", **values: Any) -> Values:
    return {"serverType": server_type, "location": "fsn1", "labels": {"pool": "shared"}, **values}


def step(op: str, name: str, old: Values | None, new: Values | None, kind: str = SERVER) -> StepEventMetadata:
    def state(values: Values | None) -> StepEventStateMetadata | None:
        return None if values is None else StepEventStateMetadata(kind, urn(name, kind), "1", "", "", inputs=values)

    return StepEventMetadata(OpType(op), urn(name, kind), kind, "", old=state(old), new=state(new))


def bill(*steps: StepEventMetadata) -> Bill:
    heard = Bill()
    for one in steps:
        # Each step is told twice: when it starts and when it ends.
        heard.hear(one)
        heard.hear(one)
    return heard


def difference(*steps: StepEventMetadata, made: Mapping[str, str] | None = None) -> Difference:
    found = bill(*steps).difference(PRICES, lambda: made or {})
    assert found is not None
    return found


def test_what_comes_goes_and_stays() -> None:
    found = difference(
        step("same", "web-01-g1", server(), server()),
        step("create", "web-02-g1", None, server("cpx32")),
        step("delete", "data", {"size": 50}, None, VOLUME),
        step("create", "edge", None, {"loadBalancerType": "lb11", "location": "fsn1"}, LOAD_BALANCER),
        step("same", "network", {}, {}, "hcloud:index/network:Network"),
    )
    assert (found.before, found.after) == (21 + Decimal(5), 21 + 41 + 7)
    assert str(found) == "cost: 26.00 -> 69.00 EUR/month (+43.00), prices of 2026-06-15"
    assert found.to_json()["prices_of"] == "2026-06-15"


def test_the_state_is_not_asked_where_nothing_costs_more_or_less() -> None:
    def never() -> Mapping[str, str]:
        raise AssertionError("nothing changes")

    relabelled = server(labels={"pool": "other"})
    assert bill(step("update", "web-01-g1", server(), relabelled)).difference(PRICES, never) is None
    assert bill().difference(PRICES, never) is None


def test_servers_from_before_keep_their_price() -> None:
    made = {urn("web-01-g1"): OLD}
    found = difference(
        step("same", "web-01-g1", server(), server()), step("create", "web-02-g1", None, server()), made=made
    )
    assert (found.before, found.after, found.losses) == (6, 6 + 21, ())
    # What the API says comes first.
    told = server(created="2026-05-01T00:00:00+00:00")
    assert difference(step("delete", "web-01-g1", told, None), made=made).before == 8


@pytest.mark.parametrize(
    "steps",
    [
        [step("replace", "web-01-g1", server(), server()), step("create-replacement", "web-01-g1", None, server())],
        # Rolled: the next generation takes the slot.
        [step("create", "web-01-g2", None, server()), step("delete", "web-01-g1", server(), None)],
    ],
)
def test_losing_an_old_price_is_said(steps: list[StepEventMetadata]) -> None:
    found = difference(*steps, made={urn("web-01-g1"): OLD})
    assert (found.before, found.after) == (6, 21)
    (told,) = found.losses
    assert "was ordered on 2026-02-03 at 6.00 EUR/month" in told
    assert found.doubled == found.losses


def test_it_is_said_before_the_old_server_goes() -> None:
    steps = [step("same", "web-01-g1", server(), server()), step("create", "web-01-g2", None, server())]
    found = difference(*steps, made={urn("web-01-g1"): OLD})
    assert (found.before, found.after) == (6, 6 + 21)
    assert len(found.doubled) == 1


def test_a_rescale_loses_the_price_too() -> None:
    found = difference(step("update", "web-01-g1", server(), server("cpx32")), made={urn("web-01-g1"): OLD})
    assert (found.before, found.after) == (6, 41)
    assert len(found.losses) == 1


def test_a_load_balancer_that_costs_less_than_twice_as_much_is_no_doubling() -> None:
    balancer = {"loadBalancerType": "lb11", "location": "fsn1"}
    steps = [step("replace", "edge", balancer, balancer, LOAD_BALANCER)]
    found = difference(*steps, made={urn("edge", LOAD_BALANCER): "2026-04-02T00:00:00Z"})
    assert (found.before, found.after) == (5, 7)
    assert len(found.losses) == 1
    assert found.doubled == ()


def test_a_new_server_loses_nothing() -> None:
    found = difference(
        step("delete", "web-01-g1", server(), None),
        step("create", "web-01-g2", None, server()),
        made={urn("web-01-g1"): "2026-07-01T00:00:00Z"},
    )
    assert (found.before, found.after, found.losses) == (21, 21, ())


def test_what_is_not_known_yet_is_named() -> None:
    found = difference(step("create", "web-01-g1", None, server(UNKNOWN)))
    assert found.after == 0
    assert str(found).endswith("; without web-01-g1")


def test_servers_that_a_plan_takes_away() -> None:
    found = bill(
        step("same", "a", server(), server()),
        step("create", "b", None, server()),
        step("delete", "c", server(labels={"pool": "database"}), None),
        step("update", "d", server(), server("cpx32")),
        step("replace", "e", server(labels=None), server()),
    )
    changes = {change.urn.rpartition("::")[2]: (change.pool, change.what) for change in server_changes(found)}
    assert changes == {
        "c": ("database", "deleted"),
        "d": ("shared", "powered off to change its type"),
        "e": ("", "replaced"),
    }
