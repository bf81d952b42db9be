"""Lives of servers, by the vendor's client."""

from __future__ import annotations

import pytest
from hcloud import APIException
from hcloud.images import Image
from hcloud.locations import Location
from hcloud.server_types import ServerType
from hcloud.servers import ServerCreatePublicNetwork
from hcloud.servers.domain import ServerCreatePublicNetwork as PublicNet

from tests.hetzner_emulator.conftest import Project, finish

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJk4pJmjEyrk4hbpzRKJmJfwQJxQyDmTJ5iZBXEpvhIt somebody"


def test_everything_at_once(project: Project) -> None:
    client = project.client
    network = project.network()
    firewall = client.firewalls.create("web").firewall
    group = client.placement_groups.create("spread", "spread").placement_group
    volume = client.volumes.create(10, "data", location=Location("fsn1"))
    finish(volume.action)
    key = client.ssh_keys.create("key", KEY)
    made = client.servers.create(
        "web-1",
        ServerType("cpx22"),
        Image(name="ubuntu-24.04"),
        location=Location("fsn1"),
        networks=[network],
        firewalls=[firewall],
        volumes=[volume.volume],
        ssh_keys=[key],
        placement_group=group,
        labels={"pool": "shared"},
        user_data="#cloud-config\n",
    )
    assert made.root_password is None
    assert made.action.command == "create_server"
    assert [action.command for action in made.next_actions] == ["attach_volume", "start_server"]
    assert (made.server.status, made.server.locked, made.server.private_net) == ("initializing", True, [])
    finish(made.action, *made.next_actions)
    server = client.servers.get_by_id(made.server.id)
    assert (server.status, server.locked, server.private_net[0].ip) == ("running", False, "10.0.0.2")
    assert [attached.id for attached in server.volumes] == [volume.volume.id]
    assert server.public_net.firewalls[0].firewall.id == firewall.id
    assert server.placement_group.id == group.id
    assert [address.type for address in client.primary_ips.get_all()] == ["ipv4", "ipv6"]
    finish(server.delete())
    assert client.servers.get_all() == []
    assert client.primary_ips.get_all() == []
    assert client.volumes.get_by_id(volume.volume.id).server is None
    for leftover in (client.firewalls.get_by_id(firewall.id), group, volume.volume, key, network):
        leftover.delete()
    assert project.leftovers() == []


def test_power(project: Project) -> None:
    server = project.server("web-1")
    for action, status in (
        (server.shutdown, "off"), (server.power_on, "running"), (server.reboot, "running"),
        (server.reset, "running"), (server.power_off, "off"),
    ):  # fmt: skip
        finish(action())
        server.reload()
        assert server.status == status


def test_a_running_server_can_not_be_rescaled(project: Project) -> None:
    server = project.server("db-1", server_type=ServerType("cpx32"))
    path = f"/servers/{server.id}/actions/change_type"
    assert project.error("POST", path, {"server_type": "cpx42", "upgrade_disk": False}) == (422, "server_not_stopped")
    finish(server.power_off())
    finish(server.change_type(ServerType("cpx42"), upgrade_disk=False))
    server.reload()
    assert (server.server_type.name, server.primary_disk_size) == ("cpx42", 160)
    # The disk was kept, so there is a way back; once it has grown there is none.
    finish(server.change_type(ServerType("cpx32"), upgrade_disk=False))
    finish(server.change_type(ServerType("cpx42"), upgrade_disk=True))
    for other in ("cpx32", "cx52"):
        body = {"server_type": other, "upgrade_disk": False}
        assert project.error("POST", path, body) == (422, "invalid_server_type")


def test_locked_while_an_action_runs(project: Project) -> None:
    server = project.server("web-1")
    action = server.create_image("snapshot").action
    assert project.error("POST", f"/servers/{server.id}/actions/poweroff") == (423, "locked")
    assert project.error("DELETE", f"/servers/{server.id}") == (423, "locked")
    finish(action)
    finish(server.delete())
    image = project.client.images.get_all(type="snapshot")[0]
    assert image.created_from.id == server.id
    again = project.server("web-2", image=image)
    assert again.image.id == image.id


def test_protection(project: Project) -> None:
    server = project.server("db-1")
    finish(server.change_protection(delete=True, rebuild=True))
    assert project.error("DELETE", f"/servers/{server.id}") == (423, "protected")
    rebuild = f"/servers/{server.id}/actions/rebuild"
    assert project.error("POST", rebuild, {"image": "debian-13"}) == (423, "protected")
    uneven = f"/servers/{server.id}/actions/change_protection"
    assert project.error("POST", uneven, {"delete": True, "rebuild": False}) == (422, "invalid_input")
    finish(server.change_protection(delete=False, rebuild=False))
    finish(server.rebuild(Image(name="debian-13")).action)
    server.reload()
    assert (server.image.name, server.status) == ("debian-13", "running")
    finish(server.delete())


def test_backups_iso_rescue_and_names(project: Project) -> None:
    server = project.server("web-1")
    create_image = f"/servers/{server.id}/actions/create_image"
    assert project.error("POST", create_image, {"type": "backup"}) == (422, "unsupported_error")
    finish(server.enable_backup())
    finish(server.create_image("nightly", type="backup").action)
    finish(server.attach_iso(project.client.isos.get_all()[0]))
    finish(server.enable_rescue("linux64").action)
    server.reload()
    assert (server.backup_window, server.rescue_enabled, server.iso.architecture) == ("22-02", True, "x86")
    finish(server.detach_iso())
    finish(server.disable_rescue())
    finish(server.change_dns_ptr(server.public_net.ipv4.ip, "web.example.com"))
    finish(server.change_dns_ptr(server.public_net.ipv6.ip.replace("/64", "1"), "v6.example.com"))
    assert server.reset_password().root_password
    server.reload()
    assert server.public_net.ipv4.dns_ptr == "web.example.com"
    assert project.request("PUT", f"/servers/{server.id}", {"name": "web-2", "labels": {"a": "b"}}).ok
    finish(server.delete())
    assert project.client.images.get_all(type="backup") == []


def test_no_public_interface(project: Project) -> None:
    off = ServerCreatePublicNetwork(enable_ipv4=False, enable_ipv6=False)
    with pytest.raises(APIException, match="public address"):
        project.server("alone", public_net=off)
    # As the vendor's Terraform provider does: made first, attached then, started last.
    later = project.server("later", public_net=off, start_after_create=False)
    network = project.network()
    assert project.error("POST", f"/servers/{later.id}/actions/poweron") == (422, "unsupported_error")
    finish(later.attach_to_network(network))
    finish(later.power_on())
    server = project.server("private", public_net=off, networks=[network])
    assert (server.public_net.ipv4, server.public_net.ipv6) == (None, None)
    firewall = project.client.firewalls.create("web").firewall
    body = {"apply_to": [{"type": "server", "server": {"id": server.id}}]}
    path = f"/firewalls/{firewall.id}/actions/apply_to_resources"
    assert project.error("POST", path, body) == (422, "private_net_only_server")


def test_primary_ips_are_taken_from_servers_that_are_off(project: Project) -> None:
    client = project.client
    address = client.primary_ips.create("ipv4", "fixed", location=Location("fsn1")).primary_ip
    server = project.server("web-1", public_net=PublicNet(ipv4=address, enable_ipv6=False))
    assert server.public_net.ipv4.ip == address.ip
    path = f"/primary_ips/{address.id}"
    assert project.error("DELETE", path) == (422, "must_be_unassigned")
    assert project.error("POST", f"{path}/actions/unassign") == (422, "server_not_stopped")
    finish(server.power_off())
    finish(address.unassign())
    assert client.primary_ips.get_by_id(address.id).assignee_type == "unassigned"
    finish(address.assign(server.id, "server"))
    again = {"assignee_id": server.id, "assignee_type": "server"}
    assert project.error("POST", f"{path}/actions/assign", again) == (422, "primary_ip_already_assigned")
    other = client.primary_ips.create("ipv4", "other", location=Location("fsn1")).primary_ip
    assert project.error("POST", f"/primary_ips/{other.id}/actions/assign", again) == (422, "server_has_ipv4")
    finish(address.change_dns_ptr(address.ip, "fixed.example.com"))
    finish(address.change_protection(delete=True))
    assert project.error("DELETE", path) == (423, "protected")
    finish(server.delete())
    # It was not made for the server, so it stays.
    finish(client.primary_ips.get_by_id(address.id).change_protection(delete=False))
    client.primary_ips.get_by_id(address.id).delete()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "x" * 64}, (422, "invalid_input")),
        ({"name": "under score!"}, (422, "invalid_input")),
        ({"server_type": "cpx999"}, (422, "invalid_input")),
        ({"image": "windows"}, (422, "invalid_input")),
        ({"image": "debian-11"}, (422, "invalid_input")),
        ({"location": "mars"}, (422, "invalid_input")),
        ({"user_data": "x" * (32 * 1024 + 1)}, (422, "invalid_input")),
        ({"labels": {"hetzner.cloud/x": "y"}}, (422, "invalid_input")),
        ({"labels": {"a": "b" * 64}}, (422, "invalid_input")),
        ({"ssh_keys": ["nobody"]}, (422, "invalid_input")),
        ({"networks": [1]}, (422, "invalid_input")),
        ({"volumes": [1]}, (422, "invalid_input")),
        ({"firewalls": [{"firewall": 1}]}, (422, "invalid_input")),
        ({"placement_group": 1}, (422, "invalid_input")),
        ({"public_net": {"ipv4": 1}}, (422, "invalid_input")),
        # Gone in Europe, and never there.
        ({"server_type": "cx22"}, (422, "invalid_input")),
        ({"server_type": "cpx22", "location": "ash"}, (422, "invalid_input")),
        # In the price list, and not to be had.
        ({"server_type": "cx23"}, (412, "resource_unavailable")),
        ({"server_type": "cax11"}, (412, "resource_unavailable")),
    ],
)
def test_orders_that_are_refused_leave_nothing(
    project: Project, changes: dict[str, object], expected: tuple[int, str]
) -> None:
    order = {"name": "web-1", "server_type": "cpx22", "image": "ubuntu-24.04", "location": "fsn1", **changes}
    assert project.error("POST", "/servers", order) == expected
    assert project.leftovers() == []


def test_at_the_limits(project: Project) -> None:
    server = project.server("x" * 63, user_data="x" * 32 * 1024, labels={"a" * 63: "b" * 63})
    assert server.name == "x" * 63
    order = {"name": "x" * 63, "server_type": "cpx22", "image": "ubuntu-24.04", "location": "fsn1"}
    assert project.error("POST", "/servers", order) == (409, "uniqueness_error")


def test_ten_servers_a_placement_group(project: Project) -> None:
    group = project.client.placement_groups.create("spread", "spread").placement_group
    order = {"server_type": "cpx22", "image": "ubuntu-24.04", "location": "fsn1", "placement_group": group.id}
    for number in range(10):
        assert project.request("POST", "/servers", {**order, "name": f"web-{number}"}).status_code == 201
    assert project.error("POST", "/servers", {**order, "name": "web-10"}) == (422, "placement_error")
    other = project.client.placement_groups.create("other", "spread").placement_group
    server = project.server("off", placement_group=other, start_after_create=False)
    assert server.status == "off"
    path = f"/servers/{server.id}/actions"
    assert project.error("POST", f"{path}/add_to_placement_group", {"placement_group": group.id}) == (
        422,
        "already_in_placement_group",
    )
    finish(server.remove_from_placement_group())
    assert project.error("POST", f"{path}/add_to_placement_group", {"placement_group": group.id}) == (
        422,
        "placement_error",
    )
    finish(server.add_to_placement_group(other))
    other.delete()
    server.reload()
    assert server.placement_group is None
