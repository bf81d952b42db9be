"""The plan of a roll: whatever interrupts it, all servers become new, one at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automation.rolling import Finish, Group, Replace, Retire, Step, group_of, groups, next_step
from models.hetzner import Hetzner

COUNTS = st.integers(0, 6)


def hetzner(**changes: Any) -> Hetzner:
    return Hetzner.model_validate(
        {"cluster": "prod", "credentials_file": "x", "admin_cidrs": ["203.0.113.0/24"], **changes}
    )


def pool(count: int, generation: int = 1, **changes: Any) -> Group:
    given_fields = {"generations": {}, "retiring": {}, **changes}
    return Group("shared", ("pools", "shared"), tuple(range(1, count + 1)), generation, **given_fields)


def applied(group: Group, step: Step) -> Group:
    """The group after the step, as the settings hold it."""
    if isinstance(step, Replace):
        return replace(
            group,
            generations={**group.generations, step.unit: step.new},
            retiring={**group.retiring, step.unit: step.old},
        )
    if isinstance(step, Retire):
        return replace(group, retiring={unit: old for unit, old in group.retiring.items() if unit != step.unit})
    return replace(group, generation=step.generation, generations={})


@given(COUNTS, st.integers(1, 9), st.sets(st.integers(0, 30)))
def test_every_server_becomes_new_one_at_a_time(count: int, generation: int, interruptions: set[int]) -> None:
    group, target = pool(count, generation), generation + 1
    done: list[Step] = []
    while (step := next_step(group, target)) is not None:
        done.append(step)
        group = applied(group, step)
        assert len(group.retiring) <= 1
        if len(done) in interruptions and (group.retiring or group.generations):
            # Begun again, the command finds out by itself where the roll leads to.
            assert group.target == target
    assert [step.unit for step in done if isinstance(step, Retire)] == list(range(1, count + 1))
    assert [type(step) for step in done if not isinstance(step, Finish)] == [Replace, Retire] * count
    assert (group.generation, group.generations, group.retiring) == (target, {}, {})
    assert group.target == target + 1


def test_single_slots_that_were_rolled_by_hand_are_caught_up() -> None:
    group = pool(3, generations={2: 4})
    assert group.target == 4
    assert next_step(group, 4) == Replace(1, 1, 4)


def test_one_tenants_node_is_rolled_alone() -> None:
    settings = hetzner(enterprise={"generations": {"acme": 3}})
    acme = group_of(settings, "t-acme", ["acme", "globex"])
    assert (acme.target, acme.units) == (4, ("acme",))
    assert acme.server("prod", "acme", 4) == "prod-t-acme-01-g4"
    replaced = applied(acme, Replace("acme", 3, 4))
    assert next_step(replaced, replaced.target) == Retire("acme", 3, 4)
    retired = applied(replaced, Retire("acme", 3, 4))
    # The others' generation is none of its business.
    assert next_step(retired, 4) is None
    everybody = group_of(settings, "enterprise", ["acme", "globex"])
    assert next_step(everybody, everybody.target) == Replace("globex", 1, 3)


def test_what_can_be_rolled() -> None:
    assert groups(hetzner(), []) == ["control-plane", "shared", "database", "infra"]
    assert groups(hetzner(), ["acme"])[-2:] == ["enterprise", "t-acme"]
    assert group_of(hetzner(), "control-plane", []).path == ("control_plane",)
    for unknown in ("web", "t-nobody", ""):
        with pytest.raises(LookupError):
            group_of(hetzner(), unknown, ["acme"])


def test_retiring_servers_stand_beside_the_new_ones() -> None:
    settings = hetzner(pools={"shared": {"generations": {"2": 2}, "retiring": {"2": 1}}})
    shared = settings.pools["shared"]
    assert shared.servers == ((1, 1), (2, 1), (2, 2), (3, 1))
    with pytest.raises(ValueError, match="which is its current one"):
        hetzner(pools={"shared": {"retiring": {"2": 1}}})
    acme = hetzner(enterprise={"generations": {"acme": 2}, "retiring": {"acme": 1}}).enterprise.pool("acme")
    assert acme.servers == ((1, 1), (1, 2))


def test_names_of_servers_that_were() -> None:
    group = pool(2, 2, generations={1: 3}, retiring={1: 2})
    assert group.superseded("prod") == {"prod-shared-01-g1", "prod-shared-02-g1"}
