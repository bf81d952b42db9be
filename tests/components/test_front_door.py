"""The gateway as the load balancer at Hetzner reaches it."""

from __future__ import annotations

from typing import Any

import pytest

from components.environment import front_door
from models.environment import Gateway
from tests.components.samples import loaded, tenant

NETWORK = {"ip_range": "10.8.0.0/16", "subnet": "10.8.1.0/24"}


def door(balancer: dict[str, Any] | None, **gateway: Any) -> tuple[tuple[str, ...], int | None, int | None]:
    settings: dict[str, Any] = {"gateway": gateway}
    if balancer is not None:
        settings["hetzner"] = {
            "cluster": "alpha",
            "token": {"config": "t"},
            "admin_cidrs": ["203.0.113.0/24"],
            "network": NETWORK,
            "load_balancer": balancer,
        }
    found: Gateway = front_door(loaded(tenant("alice"), **settings).settings)
    return found.proxy_protocol_from, found.http_node_port, found.https_node_port


@pytest.mark.parametrize(
    ("balancer", "gateway", "expected"),
    [
        ({}, {}, (("10.8.1.0/24",), 30080, 30443)),
        ({"http_node_port": 31080, "https_node_port": 31443}, {}, (("10.8.1.0/24",), 31080, 31443)),
        # Nobody writes the header then: whoever did would be believed.
        ({"proxy_protocol": False}, {}, ((), 30080, 30443)),
        ({"http_node_port": 31080}, {"http_node_port": None}, (("10.8.1.0/24",), None, 30443)),
        ({}, {"http_node_port": None, "https_node_port": None}, (("10.0.0.0/24",), None, None)),
        (None, {"https_node_port": 32443}, (("10.0.0.0/24",), 30080, 32443)),
    ],
)
def test_it_expects_what_the_load_balancer_sends(
    balancer: dict[str, Any] | None, gateway: dict[str, Any], expected: tuple[tuple[str, ...], int | None, int | None]
) -> None:
    assert door(balancer, **gateway) == expected
