"""Limits, links and the budget of requests: arithmetic, at its boundaries."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.hetzner import budget, limits
from components.hetzner.links import PRIVATE_NETWORK_MTU, links
from models.hetzner import Hetzner, Pool
from models.hetzner.names import SERVER_NAME_LENGTH
from models.hetzner.pool import VOLUMES_PER_SERVER

LEAST: dict[str, Any] = {"cluster": "prod", "token": {"config": "hcloudToken"}, "admin_cidrs": ["203.0.113.0/24"]}
ALL = [value for value in vars(limits).values() if isinstance(value, limits.Limit)]


def settings(**given: Any) -> Hetzner:
    return Hetzner.model_validate(LEAST | given)


def excess(found: Hetzner, *tenants: str) -> str:
    """What is refused, or nothing."""
    try:
        limits.check_cluster(found, found.all_pools(tenants))
    except limits.LimitExceeded as error:
        return str(error)
    return ""


@pytest.mark.parametrize("limit", ALL, ids=lambda limit: limit.what)
def test_a_limit_is_reached_but_not_passed(limit: limits.Limit) -> None:
    limits.check(limit, limit.most, "here", "use less")
    with pytest.raises(limits.LimitExceeded, match=rf"here: {limit.most + 1} .* allows {limit.most} \(.*use less"):
        limits.check(limit, limit.most + 1, "here", "use less")


def test_limits_that_models_know_too_are_the_same() -> None:
    assert limits.SERVER_NAME.most == SERVER_NAME_LENGTH
    assert limits.VOLUMES_PER_SERVER.most == VOLUMES_PER_SERVER


def test_bytes_of_user_data_count_and_not_characters() -> None:
    assert limits.check_user_data("a", "x" * 32768)
    with pytest.raises(limits.LimitExceeded, match="server a: 32769 bytes of user data"):
        limits.check_user_data("a", "x" * 32767 + "é")


def test_a_network_takes_a_hundred_servers_those_included_that_may_come() -> None:
    # 3 + 2 + 1 of the platform's pools, and the load balancer.
    least = settings(pools={"shared": {"count": 0, "autoscale": None}})
    assert excess(settings(pools={"shared": {"count": 0, "autoscale": {"min": 0, "max": 93}}})) == ""
    over = settings(pools={"shared": {"count": 0, "autoscale": {"min": 0, "max": 94}}})
    assert "cluster prod: 101 servers and load balancers in a private network, but Hetzner allows 100" in excess(over)
    assert excess(least, *(f"tenant-{number}" for number in range(50))) != ""


def test_placement_groups_of_ten_and_fifty_of_them() -> None:
    assert [limits.shards(Pool(count=count)) for count in (0, 1, 10, 11, 20, 21)] == [0, 1, 1, 2, 2, 3]
    # control-plane, database and infra have three of them.
    tenants = [f"tenant-{number}" for number in range(47)]
    least = settings(pools={"shared": {"count": 0, "autoscale": None}})
    assert excess(least, *tenants) == ""
    assert "51 placement groups of a project, but Hetzner allows 50" in excess(least, *tenants, "one-more")


def test_a_load_balancer_has_so_many_targets() -> None:
    assert excess(settings(pools={"infra": {"count": 25}})) == ""
    assert "pool infra: 26 targets of a load balancer lb11" in excess(settings(pools={"infra": {"count": 26}}))
    assert excess(settings(pools={"infra": {"count": 26}}, load_balancer={"type": "lb21"})) == ""


def test_all_that_is_too_much_is_said_at_once() -> None:
    found = excess(
        settings(
            pools={"infra": {"count": 99}},
            admin_cidrs=[f"10.{number}.{other}.0/24" for number in range(11) for other in range(0, 20, 2)],
        )
    )
    assert [line.partition(":")[0] for line in found.splitlines()] == ["cluster prod", "admin_cidrs", "pool infra"]


@pytest.mark.parametrize(("backend", "mtu"), [("vxlan", 1400), ("wireguard-native", 1370)])
@pytest.mark.parametrize("proxy", [True, False], ids=["proxy", "no-proxy"])
@pytest.mark.parametrize("dns", [True, False], ids=["dns", "no-dns"])
def test_links_fit_together(backend: str, mtu: int, proxy: bool, dns: bool) -> None:
    found = settings(
        network={"flannel_backend": backend, "ip_range": "10.8.0.0/16", "subnet": "10.8.1.0/24"},
        load_balancer={"proxy_protocol": proxy},
        dns={"zone": "example.com"} if dns else None,
        nat={},
        pools={"batch": {"egress": "nat"}},
    )
    computed = links(found, found.all_pools())
    assert (computed.node_mtu, computed.pod_mtu) == (PRIVATE_NETWORK_MTU, mtu)
    assert computed.gateway == "10.8.0.1"
    assert computed.egress["batch"] == "nat"
    assert computed.egress["shared"] == "public"
    # Whoever claims to be a visitor is believed behind a load balancer that says so, and nowhere else.
    assert computed.proxy_protocol is proxy
    assert computed.proxy_sources == (("10.8.1.0/24",) if proxy else ())
    # http-01 can't check itself through the PROXY protocol.
    assert computed.challenge == ("dns-01" if dns or proxy else "http-01")


def test_polling_follows_the_number_of_servers() -> None:
    assert budget.polling(50) == budget.CONSTANT
    assert budget.polling(51) == budget.EXPONENTIAL
    # The vendor's provider probes after 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 and 63.5 s.
    assert [budget.EXPONENTIAL.requests(seconds) for seconds in (0.5, 0.6, 15.5, 32, 63.5, 120)] == [1, 2, 5, 7, 7, 8]
    assert [budget.CONSTANT.requests(seconds) for seconds in (0.1, 2, 32, 60)] == [1, 1, 16, 30]


@given(seconds=st.floats(0.01, 3600))
def test_the_interval_that_grows_asks_less_of_what_takes_long(seconds: float) -> None:
    if seconds > 20:
        assert budget.EXPONENTIAL.requests(seconds) < budget.CONSTANT.requests(seconds)
    assert budget.EXPONENTIAL.requests(seconds) >= 1


def test_a_first_update_stays_within_what_a_project_may_ask() -> None:
    found = settings()
    few = budget.estimate(found.all_pools(("charlie",)), with_primary_ips=frozenset({"control-plane"}))
    assert budget.judge(few) == ("fine", "")
    many = budget.estimate({"batch": Pool(count=99)}, with_primary_ips=frozenset())
    assert few < many
    # Half of the hour's requests, all of them, and one more of each.
    assert [budget.judge(number)[0] for number in (1800, 1801, 3600, 3601)] == ["fine", "warn", "warn", "refuse"]
    assert "about 3601 requests" in budget.judge(3601)[1]


@given(count=st.integers(0, 98), volumes=st.integers(0, 3), protect=st.booleans())
def test_more_of_anything_costs_more(count: int, volumes: int, protect: bool) -> None:
    def cost(count: int) -> int:
        pool = {
            "count": count,
            "protect": protect,
            "candidates": [{"server_type": "cpx22", "location": "fsn1"}],
            "volumes": {f"v{number}": {"size": 10} for number in range(volumes)},
        }
        return budget.estimate({"batch": Pool.model_validate(pool)}, with_primary_ips=frozenset(), mode=budget.CONSTANT)

    assert cost(count + 1) > cost(count)
