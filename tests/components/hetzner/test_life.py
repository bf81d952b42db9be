"""Network, firewall, load balancer and pools through their life: by the real engine, on the emulator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.hetzner.addresses import address_plan
from components.hetzner.api import HetznerApi, hcloud_provider
from components.hetzner.dns_zone import DnsZone, DnsZoneArgs
from components.hetzner.firewall import ClusterFirewall, ClusterFirewallArgs
from components.hetzner.load_balancer import LoadBalancer, LoadBalancerArgs
from components.hetzner.nat_gateway import NatGateway, NatGatewayArgs
from components.hetzner.node_pool import NodePool, NodePoolArgs
from components.hetzner.private_network import PrivateNetwork, PrivateNetworkArgs
from components.hetzner.ssh_keys import SshKeys, SshKeysArgs
from local.toolchain import Toolchain
from models.hetzner import Dns, Hetzner, Pool, names
from tests.hetzner_emulator.conftest import Emulator, Project
from tests.provider.engine import Program
from tests.provider.engine import Project as Stack

INNER = "prod-inner-01-g1"
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGxz8lFHDGYsbRYT0iXBZ5Vdqx0VyQqbXgTLGyR4K1bW ann"


def candidates(*found: tuple[str, str]) -> list[dict[str, str]]:
    return [{"server_type": server_type, "location": location} for server_type, location in found]


@dataclass
class World:
    """A stack, and the project at Hetzner that it builds in."""

    stack: Stack
    hetzner: Project
    pools: dict[str, dict[str, Any]]
    user_data: str = "#cloud-config\n"

    @property
    def program(self) -> Program:
        settings = Hetzner.model_validate(
            {
                "cluster": "prod",
                "token": {"config": "hcloudToken"},
                "admin_cidrs": ["203.0.113.0/24"],
                "nat": {},
                "pools": {"alpha": {}},
            }
        )
        assert settings.nat is not None
        nat, balancer = settings.nat, settings.load_balancer.model_copy(update={"pool": "alpha"})
        pools = {name: Pool.model_validate(pool) for name, pool in self.pools.items()}
        api = HetznerApi(token=self.hetzner.token, endpoint=self.hetzner.emulator.endpoint)
        user_data = self.user_data

        def program() -> None:
            here = pulumi.ResourceOptions(providers=[hcloud_provider("hetzner", api, 3)])
            plan = address_plan("prod", settings, pools)
            gateway = plan.of(names.nat_gateway("prod", nat.generation))
            network = PrivateNetwork("prod", PrivateNetworkArgs(cluster="prod", nat_address=gateway), here)
            firewall = ClusterFirewall(
                "prod", ClusterFirewallArgs(cluster="prod", admin_cidrs=["203.0.113.0/24"]), here
            )
            keys = SshKeys("prod", SshKeysArgs(cluster="prod", keys={"ann": PUBLIC_KEY}), here)
            way_in = LoadBalancer(
                "prod",
                LoadBalancerArgs(
                    cluster="prod",
                    settings=balancer,
                    subnet_id=network.subnet_id,
                    address=plan.of(names.load_balancer("prod")),
                ),
                here,
            )
            dns = Dns(zone="example.com", create=True)
            DnsZone(
                "prod", DnsZoneArgs(cluster="prod", dns=dns, domain="example.com", ingress_ipv4=[way_in.ipv4]), here
            )
            way_out = NatGateway(
                "prod",
                NatGatewayArgs(
                    cluster="prod",
                    nat=nat,
                    api=api,
                    ip_range=settings.network.ip_range,
                    subnet_id=network.subnet_id,
                    address=gateway,
                    firewall_ids=[firewall.nodes],
                    ssh_keys=keys.ids,
                ),
                here,
            )
            for name, pool in pools.items():
                NodePool(
                    name,
                    NodePoolArgs(
                        cluster="prod",
                        pool=name,
                        settings=pool,
                        api=api,
                        subnet_id=network.subnet_id,
                        addresses=plan.addresses,
                        firewall_ids=firewall.of(name),
                        ssh_keys=keys.ids,
                        user_data=lambda node: user_data,
                        primary_ips=name == "kept",
                    ),
                    here,
                )
            pulumi.export("way out", way_out.public_address)

        return program

    def up(self) -> set[str]:
        """Names of the pools' servers that are there, after an update."""
        self.stack.up(self.program)
        return set(self.servers()) - {"prod-nat-01-g1"}

    def touched(self) -> dict[str, set[str]]:
        """What the next update would do to which resources."""
        events: dict[str, set[str]] = {}
        stack = self.stack.stack(self.program)

        def note(event: Any) -> None:
            if event.resource_pre_event is not None:
                step = event.resource_pre_event.metadata
                operation = getattr(step.op, "value", step.op)
                if operation != "same":
                    events.setdefault(operation, set()).add(step.urn.rpartition("::")[2])

        stack.preview(color="never", on_event=note)
        return events

    def servers(self) -> dict[str, dict[str, Any]]:
        """The project's servers, by name."""
        answer = self.hetzner.request("GET", "/servers").json()["servers"]
        return {server["name"]: server for server in answer}

    def addresses(self) -> dict[str, str]:
        """Private addresses of the project's servers, by name."""
        return {name: server["private_net"][0]["ip"] for name, server in self.servers().items()}


@pytest.fixture
def world(emulators: Any, tmp_path: Path, toolchain: Toolchain) -> World:
    emulator: Emulator = emulators()
    stack = Stack(tmp_path, toolchain)
    return World(stack, emulator.project(), {})


def test_life(world: World) -> None:
    emulator = world.hetzner.emulator
    world.pools = {
        "inner": {"egress": "nat", "candidates": candidates(("cpx32", "fsn1"))},
        "alpha": {"count": 2, "candidates": candidates(("cpx22", "fsn1"), ("cpx22", "nbg1"), ("cpx32", "fsn1"))},
        "kept": {"protect": True, "candidates": candidates(("ccx13", "fsn1"), ("ccx13", "nbg1"))},
    }
    # One says that it is sold out, the other only when it is ordered.
    emulator.fault("sold_out", server_type="cpx22", location="fsn1")
    emulator.fault("sold_out", server_type="ccx13", location="fsn1", listed=True)
    # Who doesn't say that it was sold out orders it twice.
    for _ in range(2):
        assert "ccx13" in world.stack.failure(world.program)
    assert "prod-kept-01-g1" not in world.servers()

    assert world.up() == {INNER, "prod-alpha-01-g1", "prod-alpha-02-g1", "prod-kept-01-g1"}
    found = world.servers()
    assert {name: (server["server_type"]["name"], server["location"]["name"]) for name, server in found.items()} == {
        INNER: ("cpx32", "fsn1"),
        "prod-alpha-01-g1": ("cpx22", "nbg1"),
        "prod-alpha-02-g1": ("cpx22", "nbg1"),
        "prod-kept-01-g1": ("ccx13", "nbg1"),
        "prod-nat-01-g1": ("cpx22", "nbg1"),
    }
    assert found[INNER]["public_net"]["ipv4"] is found[INNER]["public_net"]["ipv6"] is None
    assert {server["status"] for server in found.values()} == {"running"}
    assert found["prod-kept-01-g1"]["protection"] == {"delete": True, "rebuild": True}
    assert found["prod-kept-01-g1"]["public_net"]["ipv4"]["ip"]
    before = world.addresses()
    assert sorted(before.values()) == [f"10.0.0.{number}" for number in (129, 130, 132, 133, 134)]

    # What a server takes when it is made changes nothing that runs; nor do stock and wishes.
    emulator.control("DELETE", "/faults")
    emulator.fault("sold_out", server_type="ccx13", location="nbg1")
    world.user_data = "#cloud-config\nhostname: other\n"
    assert world.stack.up(world.program).keys() == {"same"}

    # A pool in between, in the order of names, and of the settings.
    world.pools = {
        "inner": world.pools["inner"],
        "alpha": world.pools["alpha"],
        "beta": {"candidates": candidates(("cpx32", "fsn1")), "volumes": {"data": {"size": 10}}},
        "kept": world.pools["kept"],
    }
    touched = world.touched()
    assert touched.keys() == {"create", "update"}
    assert touched["update"] == {"prod"}, "the plan of addresses alone"
    assert all("beta" in name for name in touched["create"])
    world.up()
    with_beta = world.addresses()
    assert before.items() <= with_beta.items()
    (volume,) = world.hetzner.request("GET", "/volumes").json()["volumes"]
    assert volume["server"] == world.servers()["prod-beta-01-g1"]["id"]

    # Two servers are rolled; the volume goes to the new one.
    world.pools["alpha"] = world.pools["alpha"] | {"generations": {2: 2}}
    world.pools["beta"] = world.pools["beta"] | {"generation": 2}
    assert world.up() == {INNER, "prod-alpha-01-g1", "prod-alpha-02-g2", "prod-beta-01-g2", "prod-kept-01-g1"}
    after = world.addresses()
    assert not {after["prod-alpha-02-g2"], after["prod-beta-01-g2"]} & set(with_beta.values())
    assert {name: after[name] for name in ("prod-alpha-01-g1", "prod-kept-01-g1")}.items() <= before.items()
    assert world.servers()["prod-alpha-01-g1"]["id"] == found["prod-alpha-01-g1"]["id"]
    (moved,) = world.hetzner.request("GET", "/volumes").json()["volumes"]
    assert (moved["id"], moved["server"]) == (volume["id"], world.servers()["prod-beta-01-g2"]["id"])

    # Neither the engine nor Hetzner lets go in one step what is protected.
    kept = world.pools.pop("kept")
    assert "protect" in world.stack.failure(world.program)
    assert "prod-kept-01-g1" in world.servers()
    # The pool in between goes, and the protection.
    del world.pools["beta"]
    world.pools["kept"] = kept | {"unprotected": [1]}
    assert world.up() == {INNER, "prod-alpha-01-g1", "prod-alpha-02-g2", "prod-kept-01-g1"}
    assert world.addresses().items() <= after.items()
    world.stack.destroy(world.program)
    assert world.hetzner.leftovers() == []
    assert world.hetzner.token not in world.stack.state_text(), "nor in any earlier state"
