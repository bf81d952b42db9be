"""Resources made, read, changed, imported and removed through the plugin; the vendor's client says what there is."""

from __future__ import annotations

import pytest
from hcloud.zones import BoundZone

from provider.plugin import Secret, reveal
from tests.plugins.hcloud.cases import CASES, merged
from tests.plugins.hcloud.world import LABELS, World, settings
from tests.plugins.rpc import Refused, standin


def test_every_type_from_making_to_removal(world: World) -> None:
    plugin = world.plugin
    for case in CASES:
        inputs = case.inputs(world)
        made = world.keep(case.kind, case.name, plugin.make(case.kind, inputs))
        assert not plugin.diff(case.kind, made, inputs).changed, (case.kind, case.name)
        found = plugin.read(case.kind, made)
        assert found is not None
        assert not plugin.diff(case.kind, found, inputs).changed, (case.kind, case.name)
        imported = plugin.adopt(case.kind, case.imported(world) if case.imported else made.id)
        assert imported is not None
        assert imported.id == made.id
        for change in case.changes:
            wanted = merged(inputs, change)
            changed = plugin.change(case.kind, made, wanted)
            assert not plugin.diff(case.kind, changed, wanted).changed, (case.kind, case.name, change)
            back = merged(inputs, case.back)
            assert not plugin.diff(case.kind, plugin.change(case.kind, changed, back), back).changed
    for kind, made in reversed(world.made.values()):
        plugin.delete(kind, made)
    assert world.project.leftovers() == []


def test_a_servers_type_is_changed_in_place_and_its_disk_kept(world: World) -> None:
    first = world.server(keepDisk=True)
    inputs = {**first.inputs, "serverType": "cpx32"}
    kept = world.plugin.change("Server", first, inputs)
    assert (kept.id, kept.outputs["serverType"], kept.outputs["primaryDiskSize"]) == (first.id, "cpx32", 80)
    # The published plugin cuts the power and leaves the server off.
    assert kept.outputs["status"] == "off"
    grown = world.plugin.change("Server", kept, {**inputs, "serverType": "cpx42", "keepDisk": False})
    assert grown.outputs["primaryDiskSize"] == 320


def test_protection_is_not_lifted_by_deleting(world: World) -> None:
    world.network()
    kinds = {
        "Server": world.server(deleteProtection=True, rebuildProtection=True),
        "Volume": world.make("Volume", "volume", size=10, location="fsn1", deleteProtection=True),
        "LoadBalancer": world.make(
            "LoadBalancer", "lb", loadBalancerType="lb11", location="fsn1", deleteProtection=True
        ),
        "PrimaryIp": world.make("PrimaryIp", "address", type="ipv4", location="fsn1", deleteProtection=True),
    }
    for kind, made in kinds.items():
        with pytest.raises(Refused, match=r"protected \(protected\)"):
            world.plugin.delete(kind, made)
        free = {"deleteProtection": False} | ({"rebuildProtection": False} if kind == "Server" else {})
        world.plugin.delete(kind, world.plugin.change(kind, made, {**made.inputs, **free}))


def test_what_is_gone_is_taken_out_of_the_state(world: World) -> None:
    server = world.server()
    interface = world.network().make("ServerNetwork", serverId=int(server.id), subnetId=world.text("subnet"))
    world.project.client.servers.get_by_id(int(server.id)).delete().wait_until_finished()
    assert world.plugin.read("ServerNetwork", interface) is None
    assert world.plugin.read("Server", server) is None
    with pytest.raises(Refused, match="is gone: `pulumi refresh` takes it out of the state"):
        world.plugin.change("Server", server, {**server.inputs, "name": "other"})
    world.plugin.delete("Server", server)


def test_drift_is_seen_in_inputs_and_outputs(world: World) -> None:
    network = world.make("Network", "net", ipRange="10.0.0.0/16", labels=LABELS)
    world.project.client.networks.get_by_id(int(network.id)).update(labels={"by": "hand"})
    found = world.plugin.read("Network", network)
    assert found is not None
    assert found.outputs["labels"] == {"by": "hand"}
    # What the program gave and is no longer there; what was added elsewhere was never given.
    assert found.inputs["labels"] == {}
    assert world.plugin.diff("Network", found, network.inputs).changed == {"labels"}


def test_user_data_reaches_the_server_and_the_state_has_its_hash(world: World) -> None:
    planted = "#cloud-config\n# planted-secret\n"
    made = world.server(userData=Secret(planted))
    found = world.plugin.read("Server", made)
    assert found is not None
    for outputs in (made.outputs, found.outputs):
        assert isinstance(outputs["userData"], Secret)
        assert "planted" not in str(reveal(outputs))


def test_an_image_or_key_that_does_not_exist_is_named(world: World) -> None:
    with pytest.raises(Refused, match="image debian-1 for architecture x86 not found"):
        world.server(image="debian-1")
    with pytest.raises(Refused, match="SSH key not found: lost"):
        world.server(sshKeys=["lost"])
    with pytest.raises(Refused, match="server type cpx99 not found"):
        world.server(serverType="cpx99")
    assert world.project.leftovers() == []


def test_addresses_of_a_server_are_exchanged(world: World) -> None:
    own = world.make("PrimaryIp", "address", type="ipv4", location="fsn1")
    server = world.server()
    nets = [{"ipv4": int(own.id), "ipv4Enabled": True, "ipv6Enabled": False}]
    named = world.plugin.change("Server", server, {**server.inputs, "publicNets": nets})
    assert named.outputs["ipv4Address"] == own.outputs["ipAddress"]
    assert named.outputs["ipv6Address"] == ""
    both = world.plugin.change("Server", named, server.inputs)
    assert both.outputs["ipv4Address"] not in ("", own.outputs["ipAddress"])
    assert both.outputs["status"] == "running"


def test_records_of_a_zone(world: World) -> None:
    world.make("Zone", "example.com", mode="primary", labels=LABELS)
    records = [{"value": "1.2.3.4"}, {"value": "5.6.7.8", "comment": "second"}]
    made = world.make("ZoneRrset", "api", zone="example.com", type="A", ttl=60, records=records, labels=LABELS)
    zone: BoundZone = world.project.client.zones.get("example.com")
    assert {record.value for record in zone.get_rrset("api", "A").records or ()} == {"1.2.3.4", "5.6.7.8"}
    world.plugin.delete("ZoneRrset", made)
    # The zone's own start of authority is adopted, and left where it is.
    soa = zone.get_rrset("@", "SOA")
    values = [{"value": record.value} for record in soa.records or ()]
    start = world.make("ZoneRrset", "@", zone="example.com", type="SOA", records=values)
    assert start.outputs["records"][0]["value"].split(" ")[2] == "0"
    world.plugin.delete("ZoneRrset", start)
    assert zone.get_rrset("@", "SOA")


def test_the_token_is_in_no_error(world: World) -> None:
    planted = "0123456789abcdef" * 4
    with standin("hcloud") as plugin:
        for change in ({"token": Secret(planted)}, {"token": Secret(planted), "endpoint": "http://127.0.0.1:1/v1"}):
            plugin.configure(settings(world.project) | change)
            with pytest.raises(Refused) as refused:
                plugin.make("PlacementGroup", {"name": "group", "type": "spread"})
            assert planted not in str(refused.value)
    assert "doesn't answer" in str(refused.value)
