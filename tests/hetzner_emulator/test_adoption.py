"""How the automation finds what an interrupted update had made in a Hetzner project."""

from __future__ import annotations

from hcloud.load_balancer_types import LoadBalancerType
from hcloud.load_balancers import LoadBalancerService
from hcloud.locations import Location
from hcloud.networks import NetworkRoute
from hcloud.zones import ZoneRecord

from automation.cloud import Cloud
from automation.identities import ZONE, at_hetzner
from automation.inventory import KINDS
from tests.hetzner_emulator.conftest import Project, finish

NETWORK = "hcloud:index/network:Network"
SUBNET = "hcloud:index/networkSubnet:NetworkSubnet"
ROUTE = "hcloud:index/networkRoute:NetworkRoute"
SERVICE = "hcloud:index/loadBalancerService:LoadBalancerService"
ATTACHMENT = "hcloud:index/volumeAttachment:VolumeAttachment"
RECORDS = "hcloud:index/zoneRrset:ZoneRrset"
LABELS = {"managed-by": "foundation", "cluster": "prod"}


def test_objects_are_found_by_name_and_labels(project: Project) -> None:
    made = project.client.networks.create("prod", ip_range="10.0.0.0/16", labels={**LABELS, "more": "yes"})
    find = at_hetzner(lambda: Cloud(project.client, "prod"))[NETWORK]
    assert find({"name": "prod", "ipRange": "10.0.0.0/16"}) == str(made.id)
    assert find({"name": "other"}) is None
    # Somebody else's of the same name.
    assert at_hetzner(lambda: Cloud(project.client, "staging"))[NETWORK]({"name": "prod"}) is None
    made.update(labels={"cluster": "prod"})
    assert find({"name": "prod"}) is None


def test_parts_are_found_in_what_is_the_clusters(project: Project) -> None:
    api = project.client
    network = project.network("prod")
    network.add_route(NetworkRoute(destination="0.0.0.0/0", gateway="10.0.0.9")).wait_until_finished()
    place = {"location": Location("fsn1")}
    balancing = api.load_balancers.create("prod", LoadBalancerType("lb11"), **place)
    storing, naming = api.volumes.create(10, "prod", **place), api.zones.create(name="example.com", mode="primary")
    finish(balancing.action, storing.action, naming.action)
    balancer, volume, server = balancing.load_balancer, storing.volume, project.server("prod")
    listens = LoadBalancerService(protocol="tcp", listen_port=443, destination_port=443)
    balancer.add_service(listens).wait_until_finished()
    volume.attach(server, automount=False).wait_until_finished()
    recording = naming.zone.create_rrset(name="www", type="A", records=[ZoneRecord("192.0.2.1")])
    finish(recording.action)
    asked: list[tuple[str, dict[str, object], str, dict[str, object]]] = [
        # Numbers come from the state as floats.
        (SUBNET, {"networkId": float(network.id), "ipRange": "10.0.0.0/24"}, f"{network.id}-10.0.0.0/24",
         {"ipRange": "10.0.9.0/24"}),
        (ROUTE, {"networkId": network.id, "destination": "0.0.0.0/0"}, f"{network.id}-0.0.0.0/0",
         {"destination": "10.1.0.0/16"}),
        (SERVICE, {"loadBalancerId": str(balancer.id), "protocol": "https"}, f"{balancer.id}__443",
         {"listenPort": 80.0}),
        (ATTACHMENT, {"volumeId": volume.id, "serverId": server.id}, str(volume.id), {"serverId": server.id + 1}),
        (RECORDS, {"zone": "example.com", "name": "www", "type": "A"}, "example.com/www/A", {"zone": "example.org"}),
    ]  # fmt: skip
    found = at_hetzner(lambda: Cloud(api, "prod"))
    # Nobody knows whose these are.
    assert [found[kind](inputs) for kind, inputs, _, _ in asked] == [None] * len(asked)
    for whole in (network, balancer, volume):
        whole.update(labels=LABELS)
    recording.rrset.update_rrset(labels=LABELS)
    assert [found[kind](inputs) for kind, inputs, _, _ in asked] == [identity for _, _, identity, _ in asked]
    assert [found[kind](inputs | other) for kind, inputs, _, other in asked] == [None] * len(asked)


def test_zones_and_record_sets_are_looked_for_in_the_project_of_the_zone(project: Project) -> None:
    apart = project.emulator.project()
    naming = apart.client.zones.create(name="example.org", mode="primary", labels=LABELS)
    finish(naming.action)
    recording = naming.zone.create_rrset(name="www", type="A", records=[ZoneRecord("192.0.2.1")], labels=LABELS)
    finish(recording.action)
    asked = {"zone": "example.org", "name": "www", "type": "A"}
    both = Cloud(project.client, "prod", dns=apart.client)
    assert at_hetzner(lambda: both)[RECORDS](asked) == "example.org/www/A"
    assert at_hetzner(lambda: both)[ZONE]({"name": "example.org"}) == str(naming.zone.id)
    alone = at_hetzner(lambda: Cloud(project.client, "prod"))
    assert alone[RECORDS](asked) is alone[ZONE]({"name": "example.org"}) is None


def test_every_kind_can_be_looked_for(project: Project) -> None:
    found = at_hetzner(lambda: Cloud(project.client, "prod"))
    assert {kind.type for kind in KINDS} < found.keys()
    assert {find({"name": "nothing.test", "labels": {}}) for find in found.values()} == {None}
