"""Rules on servers at Hetzner, and on what an update may do to them at once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from policies.plain import UNKNOWN
from policies.rules import hetzner
from policies.rules.changes import ServerChange, one_at_a_time, prices_are_kept, within_budget
from tests.policies.test_rules import deployment, offences, resource


def firewall(**rule: Any) -> Any:
    given = {"direction": "in", "protocol": "tcp", "port": "22", "sourceIps": ["0.0.0.0/0"], **rule}
    return resource(hetzner.FIREWALL, "nodes", {"rules": [given]})


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ({}, 1),
        ({"port": "6443", "sourceIps": ["::/0"]}, 1),
        ({"port": "1-65535"}, 2),
        ({"port": "any"}, 2),
        ({"port": None}, 2),
        # The world in halves is the world.
        ({"sourceIps": ["128.0.0.0/1"]}, 1),
        ({"sourceIps": ["203.0.113.0/24"]}, 0),
        ({"sourceIps": [UNKNOWN]}, 0),
        ({"port": "80"}, 0),
        ({"port": "80-443"}, 0),
        ({"direction": "out"}, 0),
        ({"protocol": "udp"}, 0),
    ],
)
def test_admin_doors_are_shut(rule: dict[str, Any], found: int) -> None:
    assert len(offences(hetzner.DOORS_ARE_SHUT, firewall(**rule))) == found


def test_a_datacenter_is_refused() -> None:
    for kind in hetzner.WITH_DATACENTER:
        (message,) = offences(hetzner.NO_DATACENTER, resource(kind, "s", {"datacenter": "fsn1-dc14"}))
        assert "use location" in message
        assert offences(hetzner.NO_DATACENTER, resource(kind, "s", {"location": "fsn1"})) == []


@pytest.mark.parametrize(("version", "found"), [("1.30.0", 1), ("v1.9.9", 1), ("1.30.1", 0), ("v1.35.0", 0)])
def test_the_cloud_controller_has_a_floor(version: str, found: int) -> None:
    chart = resource(hetzner.CHART, "ccm", {"spec": {"chart": hetzner.CCM, "version": version}})
    assert len(offences(hetzner.CONTROLLER_FLOOR, chart)) == found
    pod = deployment({"name": "ccm", "image": f"docker.io/hetznercloud/{hetzner.CCM}:{version}"})
    assert len(offences(hetzner.CONTROLLER_FLOOR, pod)) == found
    other = resource(hetzner.CHART, "csi", {"spec": {"chart": "hcloud-csi", "version": version}})
    assert offences(hetzner.CONTROLLER_FLOOR, other) == []


def change(pool: str, number: int, what: str = "deleted") -> ServerChange:
    return ServerChange(f"urn:pulumi:prod::foundation::hcloud:index/server:Server::{pool}-{number}", pool, what)


def test_servers_of_a_quorum_change_one_at_a_time() -> None:
    one = [change("control-plane", 1), change("database", 1), change("shared", 1), change("shared", 2)]
    assert list(one_at_a_time(one)) == []
    (found,) = one_at_a_time([*one, change("database", 2, "replaced")])
    assert "database-1 is deleted; database-2 is replaced" in found.message
    assert "foundation nodes roll database" in found.message


def test_the_bill_keeps_within_the_budget() -> None:
    assert list(within_budget(Decimal("400"), None)) == []
    assert list(within_budget(Decimal("400"), 400)) == []
    (found,) = within_budget(Decimal("400.01"), 400)
    assert "hetzner.budget: 400" in found.message


def test_losing_an_old_price_takes_a_budget() -> None:
    assert list(prices_are_kept([], Decimal("400"), None)) == []
    (found,) = prices_are_kept(["web was cheap"], Decimal("400.5"), None)
    assert "hetzner.budget: 401" in found.message
    assert list(prices_are_kept(["web was cheap"], Decimal("400.5"), 401)) == []
    assert list(prices_are_kept(["web was cheap"], Decimal("400.5"), 300))
