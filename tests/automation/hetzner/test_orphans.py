"""Finding and removing what a cluster left behind at Hetzner, on the emulator; its neighbours stay."""

from __future__ import annotations

from typing import Any

import pytest
from hcloud.load_balancer_types import LoadBalancerType
from hcloud.load_balancers import LoadBalancerTarget
from hcloud.locations import Location
from hcloud.networks import NetworkSubnet

from automation.cloud import Cloud
from automation.errors import FoundationError, Refused
from automation.inventory import AUTOSCALER, CLOUD_CONTROLLER, CSI_DRIVER, FOUNDATION, CloudObject, remove, unprotect
from automation.orphans import Alive, Orphans, split, take_away
from tests.hetzner_emulator.conftest import Emulator, Project, _unstable, emulator, emulators, finish, project, unstable

__all__ = ["_unstable", "emulator", "emulators", "project", "unstable"]

TYPES = {"server": "hcloud:index/server:Server", "network": "hcloud:index/network:Network"}


class Planted:
    """One cluster's objects in a project: its own, and those that its controllers made."""

    def __init__(self, project: Project, cluster: str, ip_range: str = "10.0.0.0/16") -> None:
        self.project, self.cluster = project, cluster
        api = self.api = project.client
        labels = {"cluster": cluster, "managed-by": "foundation"}
        subnet = NetworkSubnet(ip_range=ip_range.replace("/16", "/24"), type="cloud", network_zone="eu-central")
        self.network = api.networks.create(cluster, ip_range=ip_range, subnets=[subnet], labels=labels)
        self.group = api.placement_groups.create(f"{cluster}-group", "spread", labels=labels).placement_group
        self.node = project.server(
            f"{cluster}-shared-01-g1", labels=labels, networks=[self.network], placement_group=self.group
        )
        self.firewall = api.firewalls.create(f"{cluster}-nodes", labels=labels).firewall
        self.address = api.primary_ips.create(
            "ipv4", f"{cluster}-address", location=Location("fsn1"), labels=labels
        ).primary_ip
        self.scaled = project.server(
            f"{cluster}-shared-7f3a", labels={"hcloud/node-group": f"{cluster}-shared"}, networks=[self.network]
        )
        made = api.load_balancers.create(
            f"{cluster}-a1b2",
            LoadBalancerType("lb11"),
            location=Location("fsn1"),
            labels={"hcloud-ccm/service-uid": f"uid-{cluster}"},
            targets=[LoadBalancerTarget(type="server", server=self.scaled)],
        )
        finish(made.action)
        self.balancer = made.load_balancer
        claim = {"managed-by": "csi-driver", "pv-name": f"pv-{cluster}", "pvc-namespace": "default"}
        made_volume = api.volumes.create(10, f"pvc-{cluster}", labels=claim, server=self.node)
        finish(made_volume.action, *made_volume.next_actions)
        self.volume = made_volume.volume

    @property
    def cloud(self) -> Cloud:
        return Cloud(self.api, self.cluster, (f"{self.cluster}-shared",))

    def found(self) -> list[CloudObject]:
        return self.cloud.objects()

    def names(self) -> set[str]:
        return {item.name for item in self.found()}


@pytest.fixture
def planted(project: Project) -> tuple[Planted, Planted]:
    """Two clusters in one project: one's name begins with the other's."""
    return Planted(project, "prod"), Planted(project, "prod-shared", "10.1.0.0/16")


def resource(kind: str, number: int) -> dict[str, Any]:
    return {"type": TYPES[kind], "id": str(number)}


def test_each_cluster_has_its_own(planted: tuple[Planted, Planted]) -> None:
    for cluster in planted:
        makers = {item.name: item.maker for item in cluster.found()}
        prefix = cluster.cluster
        assert makers == {
            f"{prefix}-a1b2": CLOUD_CONTROLLER,
            f"{prefix}-shared-01-g1": FOUNDATION,
            f"{prefix}-shared-7f3a": AUTOSCALER,
            f"pvc-{prefix}": CSI_DRIVER,
            f"{prefix}-address": FOUNDATION,
            f"{prefix}-nodes": FOUNDATION,
            f"{prefix}-group": FOUNDATION,
            prefix: FOUNDATION,
        }


def test_one_goes_whole_and_the_other_stays(planted: tuple[Planted, Planted]) -> None:
    one, other = planted
    finish(one.node.change_protection(delete=True, rebuild=True))
    before = other.names()
    with pytest.raises(Refused, match="1 objects are protected") as refused:
        remove(one.found())
    assert "prod-shared-01-g1" in refused.value.problems[0]
    # Nothing went: all of it is judged before.
    assert len(one.found()) == 8
    told: list[str] = []
    remove(one.found(), told.append, unprotect=True)
    assert len(told) == 8
    assert one.found() == []
    assert other.names() == before


def test_a_scaled_server_without_its_network_is_known_by_its_group(planted: tuple[Planted, Planted]) -> None:
    one, other = planted
    for cluster in planted:
        finish(cluster.scaled.detach_from_network(cluster.network))
    assert {name for name in one.names() if name.endswith("7f3a")} == {"prod-shared-7f3a"}
    assert {name for name in other.names() if name.endswith("7f3a")} == {"prod-shared-shared-7f3a"}
    # A group of that name in a network of another cluster is another cluster's.
    named = {"hcloud/node-group": "prod-shared"}
    one.project.server("foreign", labels=named, networks=[other.network])
    assert "foreign" not in one.names()


def test_the_state_and_the_cluster_tell_what_is_needed(planted: tuple[Planted, Planted]) -> None:
    one, _ = planted
    found = one.found()
    state = [resource("server", one.node.id), resource("network", one.network.id)]
    living = Alive(frozenset({"uid-prod"}), frozenset({one.volume.id}), frozenset({one.scaled.id}))
    kept = {"prod-address", "prod-nodes", "prod-group"}
    assert {item.name for item in split(found, state, living).certain} == kept
    # Its Service is gone: so should the load balancer be.
    gone = split(found, state, Alive(frozenset(), living.volumes, living.servers))
    assert {item.name for item in gone.certain} == kept | {"prod-a1b2"}
    silent = split(found, state, None)
    assert {item.name for item in silent.certain} == kept
    assert {item.name for item in silent.perhaps} == {"prod-a1b2", "prod-shared-7f3a", "pvc-prod"}
    with pytest.raises(FoundationError, match="3 objects"):
        take_away(Orphans((), silent.perhaps))
    assert len(one.found()) == 8


def test_a_removal_goes_on_where_it_stopped(project: Project) -> None:
    one = Planted(project, "prod")
    found = one.found()
    finish(one.node.delete())
    one.firewall.delete()
    # The list is of before: what is gone since is no error.
    remove(found)
    assert project.leftovers() == []


def test_what_passes_is_waited_for(unstable: Emulator) -> None:
    made = unstable.project()
    one = Planted(made, "prod")
    unstable.fault("failing_request", code="locked", method="DELETE", times=2)
    unstable.fault("failing_request", code="conflict", method="DELETE", times=1)
    remove(one.found())
    assert made.leftovers() == []


def test_what_never_goes_is_said(unstable: Emulator) -> None:
    made = unstable.project()
    one = Planted(made, "prod")
    unstable.fault("failing_request", code="locked", method="DELETE")
    with pytest.raises(FoundationError, match="doesn't delete load balancer prod-a1b2") as failed:
        remove(one.found(), patience=0.5)
    assert "locked" in failed.value.problems[0]


def test_protection_is_lifted(project: Project) -> None:
    one = Planted(project, "prod")
    for action in (one.node.change_protection(delete=True, rebuild=True), one.volume.change_protection(delete=True)):
        finish(action)
    assert sum(item.protected for item in one.found()) == 2
    told: list[str] = []
    unprotect(one.found(), told.append)
    assert len(told) == 2
    assert not any(item.protected for item in one.found())
