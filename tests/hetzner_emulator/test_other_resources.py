"""Volumes, Floating IPs, SSH keys, zones and offers, by the vendor's client."""

from __future__ import annotations

import pytest
from hcloud.locations import Location
from hcloud.zones import Zone, ZoneRecord

from tests.hetzner_emulator.conftest import Project, finish
from tests.hetzner_emulator.test_servers import KEY


def test_volumes(project: Project) -> None:
    server = project.server("db-1")
    made = project.client.volumes.create(20, "data", server=server, format="ext4", automount=True)
    assert made.volume.status == "creating"
    finish(made.action, *made.next_actions)
    volume = made.volume
    volume.reload()
    assert (volume.status, volume.server.id, volume.location.name) == ("available", server.id, "fsn1")
    path = f"/volumes/{volume.id}"
    assert project.error("DELETE", path) == (422, "resource_in_use")
    assert project.error("POST", f"{path}/actions/attach", {"server": server.id}) == (422, "service_error")
    assert project.error("POST", f"{path}/actions/resize", {"size": 20}) == (422, "invalid_input")
    finish(volume.resize(30))
    finish(volume.detach())
    finish(volume.attach(server))
    finish(volume.detach())
    assert project.error("POST", f"{path}/actions/detach") == (422, "service_error")
    far = project.server("far", location=Location("hel1"))
    assert project.error("POST", f"{path}/actions/attach", {"server": far.id}) == (422, "invalid_input")
    volume.update(name="renamed", labels={"a": "b"})
    finish(volume.change_protection(delete=True))
    assert project.error("DELETE", path) == (423, "protected")
    finish(volume.change_protection(delete=False))
    volume.delete()
    for size in (9, 10241):
        body = {"name": "wrong", "size": size, "location": "fsn1"}
        assert project.error("POST", "/volumes", body) == (422, "invalid_input")


def test_sixteen_volumes_a_server(project: Project) -> None:
    server = project.server("db-1")
    for number in range(16):
        project.post("/volumes", {"name": f"data-{number}", "size": 10, "server": server.id})
    one_more = {"name": "data-16", "size": 10, "server": server.id}
    assert project.error("POST", "/volumes", one_more) == (403, "resource_limit_exceeded")


def test_floating_ips(project: Project) -> None:
    server, other = project.server("web-1"), project.server("web-2")
    made = project.client.floating_ips.create("ipv4", name="vip", server=server)
    finish(made.action)
    address = made.floating_ip
    path = f"/floating_ips/{address.id}"
    assert project.error("DELETE", path) == (422, "must_be_unassigned")
    assert project.error("POST", f"{path}/actions/assign", {"server": server.id}) == (422, "floating_ip_assigned")
    finish(address.assign(other))
    other.reload()
    assert [floating.id for floating in other.public_net.floating_ips] == [address.id]
    finish(address.change_dns_ptr(address.ip, "vip.example.com"))
    finish(address.change_dns_ptr(address.ip, None))
    wrong = {"ip": "192.0.2.1", "dns_ptr": "x.example.com"}
    assert project.error("POST", f"{path}/actions/change_dns_ptr", wrong) == (422, "invalid_input")
    finish(address.unassign())
    address.update(description="moves", labels={"a": "b"})
    finish(address.change_protection(delete=True))
    assert project.error("DELETE", path) == (423, "protected")
    finish(address.change_protection(delete=False))
    address.delete()
    ipv6 = project.client.floating_ips.create("ipv6", home_location=Location("hel1")).floating_ip
    assert ipv6.ip.endswith("::/64")


def test_ssh_keys(project: Project) -> None:
    key = project.client.ssh_keys.create("one", KEY)
    assert project.client.ssh_keys.get_all(fingerprint=key.fingerprint)[0].id == key.id
    assert project.error("POST", "/ssh_keys", {"name": "two", "public_key": KEY}) == (409, "uniqueness_error")
    assert project.error("POST", "/ssh_keys", {"name": "two", "public_key": "none"}) == (422, "invalid_input")
    key.update(name="renamed")
    key.delete()
    assert project.error("GET", f"/ssh_keys/{key.id}") == (404, "not_found")


def test_zones(project: Project) -> None:
    client = project.client
    made = client.zones.create(name="example.com", mode="primary", ttl=600)
    finish(made.action)
    zone = made.zone
    records = [ZoneRecord(value="203.0.113.1"), ZoneRecord(value="203.0.113.2", comment="second")]
    www = zone.create_rrset(name="www", type="A", records=records)
    finish(www.action)
    assert project.error("POST", "/zones/example.com/rrsets", {
        "name": "www", "type": "A", "records": [{"value": "203.0.113.3"}],
    }) == (409, "uniqueness_error")  # fmt: skip
    path = "/zones/example.com/rrsets/www/A"
    finish(zone.set_rrset_records(www.rrset, [ZoneRecord(value="203.0.113.9")]))
    finish(zone.add_rrset_records(www.rrset, [ZoneRecord(value="203.0.113.10")], ttl=120))
    finish(zone.change_rrset_ttl(www.rrset, 300))
    rrset = client.zones.get(zone.name).get_rrset("www", "A")
    assert ([record.value for record in rrset.records], rrset.ttl) == (["203.0.113.9", "203.0.113.10"], 300)
    finish(zone.update_rrset_records(rrset, [ZoneRecord(value="203.0.113.9", comment="first")]))
    finish(zone.change_rrset_protection(rrset, change=True))
    assert project.error("DELETE", path) == (423, "protected")
    assert project.error("POST", f"{path}/actions/set_records", {"records": [{"value": "203.0.113.1"}]}) == (
        423,
        "protected",
    )
    finish(zone.change_rrset_protection(rrset, change=False))
    zone.update_rrset(rrset, labels={"a": "b"})
    # The last record takes the set with it, and the first one makes it.
    finish(zone.remove_rrset_records(rrset, [ZoneRecord(value="203.0.113.9"), ZoneRecord(value="203.0.113.10")]))
    assert project.error("GET", path) == (404, "not_found")
    project.post("/zones/example.com/rrsets/txt/TXT/actions/add_records", {"records": [{"value": '"hello"'}]})
    exported = zone.export_zonefile().zonefile
    assert 'txt\t600\tIN\tTXT\t"hello"' in exported
    finish(zone.import_zonefile(f"{exported}mail 60 IN MX 10 mx.example.com.\n"))
    assert {rrset.id for rrset in zone.get_rrset_all()} == {"@/SOA", "@/NS", "txt/TXT", "mail/MX"}
    finish(zone.change_ttl(900))
    finish(zone.change_protection(delete=True))
    assert project.error("DELETE", "/zones/example.com") == (423, "protected")
    finish(zone.change_protection(delete=False))
    zone.update(labels={"a": "b"})
    finish(client.zones.get("example.com").delete().action)
    assert project.leftovers() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "A", "records": [{"value": "not an address"}]},
        {"type": "TXT", "records": [{"value": 'a" b'}]},
        {"type": "A", "records": []},
        {"type": "A", "records": [{"value": "203.0.113.1"}], "ttl": 59},
        {"type": "XYZ", "records": [{"value": "203.0.113.1"}]},
        {"type": "A", "name": "www.example.com.", "records": [{"value": "203.0.113.1"}]},
        {"type": "A", "name": "WWW", "records": [{"value": "203.0.113.1"}]},
    ],
)
def test_record_sets_that_are_refused(project: Project, wrong: dict[str, object]) -> None:
    project.post("/zones", {"name": "example.com", "mode": "primary"})
    assert project.error("POST", "/zones/example.com/rrsets", {"name": "www", **wrong}) == (422, "invalid_input")


def test_secondary_zones_are_not_edited(project: Project) -> None:
    servers = [{"address": "192.0.2.53"}]
    project.post("/zones", {"name": "example.org", "mode": "secondary", "primary_nameservers": servers})
    body = {"name": "www", "type": "A", "records": [{"value": "203.0.113.1"}]}
    assert project.error("POST", "/zones/example.org/rrsets", body) == (422, "incorrect_zone_mode")
    assert project.error("GET", "/zones/example.org/zonefile") == (422, "incorrect_zone_mode")
    project.post("/zones/example.org/actions/change_primary_nameservers", {"primary_nameservers": servers})
    with_name = project.client.zones.get_all(mode="secondary")
    assert [zone.name for zone in with_name] == ["example.org"]
    assert isinstance(with_name[0].data_model, Zone)


def test_offers(project: Project) -> None:
    client = project.client
    assert {location.name for location in client.locations.get_all()} == {"fsn1", "nbg1", "hel1", "ash", "hil", "sin"}
    cpx22 = client.server_types.get_by_name("cpx22")
    assert (cpx22.cores, cpx22.memory, cpx22.architecture) == (2, 4, "x86")
    locations = {entry.location.name: entry for entry in client.server_types.get_by_name("cpx21").locations}
    assert locations["fsn1"].deprecation is not None
    assert locations["ash"].deprecation is None
    assert client.load_balancer_types.get_by_name("lb11").max_targets == 25
    ubuntu = client.images.get_by_name_and_architecture("ubuntu-24.04", "arm")
    assert ubuntu is not None
    assert client.images.get_by_id(ubuntu.id).architecture == "arm"
    assert client.images.get_all(name="debian-11") == []
    assert len(client.images.get_all(name="debian-11", include_deprecated=True)) == 2
    assert project.error("DELETE", f"/images/{ubuntu.id}") == (422, "unsupported_error")
    assert len(client.isos.get_all(architecture=["x86"])) == 2
    prices = project.request("GET", "/pricing").json()["pricing"]
    [listed] = [entry for entry in prices["server_types"] if entry["name"] == "cpx22"]
    shown = project.request("GET", f"/server_types/{cpx22.id}").json()["server_type"]
    assert listed["prices"] == shown["prices"]
    assert {price["location"] for price in listed["prices"]} == {"fsn1", "nbg1", "hel1", "sin"}


@pytest.mark.parametrize("path", ["/datacenters", "/datacenters/4"])
def test_data_centers_are_gone(project: Project, path: str) -> None:
    answer = project.request("GET", path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (410, "deprecated_api_endpoint")
    assert "changelog" in answer.json()["error"]["details"]["announcement"]
