"""Kills, cancelling, failing actions, bad days of the API: the next update finishes the work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tenacity import Retrying, stop_after_delay, wait_fixed

from local.toolchain import Toolchain
from local.toolchain.launchers import write_launcher
from tests.hetzner_emulator.conftest import SPEED, Emulator, Project
from tests.plugins.hcloud.cases import CASES, merged
from tests.plugins.hcloud.world import LABELS, World, settings
from tests.plugins.rpc import Plugin, Refused, standin
from tests.provider import engine

# What the stand-in can tell from what somebody else has made: by its own labels, or those of what it is a part of.
PARTS = ("NetworkSubnet", "NetworkRoute", "LoadBalancerService", "VolumeAttachment", "ServerNetwork")


def test_what_an_interrupted_update_has_made_is_taken_over(running: Plugin, project: Project) -> None:
    """Each type is made by one process, which records nothing, and again by another."""
    running.configure(settings(project))
    world = World(running, project)
    kinds = set()
    with standin("hcloud") as next_one:
        next_one.configure(settings(project))
        for case in CASES:
            first = world.keep(case.kind, case.name, running.make(case.kind, case.inputs(world)))
            if case.kind in PARTS or first.inputs.get("labels") == LABELS:
                kinds.add(case.kind)
                again = next_one.make(case.kind, case.inputs(world))
                assert (again.id, again.outputs) == (first.id, first.outputs), (case.kind, case.name)
    assert kinds >= {*PARTS, "Server", "Network", "Firewall", "LoadBalancer", "Volume", "Zone", "ZoneRrset", "SshKey"}


def test_what_an_interrupted_update_has_changed_or_removed_is_no_error(world: World) -> None:
    """Each change, and each removal, is asked for twice with the state from before."""
    plugin = world.plugin
    for case in CASES:
        inputs = case.inputs(world)
        made = world.keep(case.kind, case.name, plugin.make(case.kind, inputs))
        for change in case.changes:
            wanted = merged(inputs, change)
            first = plugin.change(case.kind, made, wanted)
            again = plugin.change(case.kind, made, wanted)
            assert again.outputs.keys() == first.outputs.keys()
            assert not plugin.diff(case.kind, again, wanted).changed
            plugin.change(case.kind, again, merged(inputs, case.back))
    kind, volume = world.made["volume"]
    larger = {**volume.inputs, "size": 20}
    assert plugin.change(kind, volume, larger).outputs == plugin.change(kind, volume, larger).outputs
    for kind, made in reversed(world.made.values()):
        plugin.delete(kind, made)
        plugin.delete(kind, made)
    assert world.project.leftovers() == []


def test_only_what_is_the_same_clusters_is_taken_over(world: World) -> None:
    world.server("first")
    labels = {**LABELS, "cluster": "other"}
    world.make("Network", "net", ipRange="10.0.0.0/16", labels=labels)
    world.make("PlacementGroup", "group", type="spread")
    with standin("hcloud") as plugin:
        plugin.configure(settings(world.project))
        other = World(plugin, world.project)
        for kind, name, inputs in (
            ("Network", "net", {"ipRange": "10.0.0.0/16", "labels": LABELS}),
            ("PlacementGroup", "group", {"type": "spread", "labels": LABELS}),
            ("PlacementGroup", "group", {"type": "spread"}),
        ):
            with pytest.raises(Refused, match="name is already used"):
                other.make(kind, name, **inputs)
        with pytest.raises(Refused, match="it exists already, with another location"):
            other.server("first", location="nbg1")


def test_what_is_in_the_state_is_not_taken_over(world: World) -> None:
    """Else a resource that replaces another would be the very one that is deleted after it."""
    first = world.server()
    assert not world.plugin.diff("Server", first, first.inputs).changed
    with pytest.raises(Refused, match="server name is already used"):
        world.server()


def test_what_was_taken_over_is_not_deleted_as_what_it_replaces(world: World) -> None:
    made = world.make("PlacementGroup", "group", type="spread", labels=LABELS)
    with standin("hcloud") as plugin:
        plugin.configure(settings(world.project))
        again = plugin.make("PlacementGroup", made.inputs)
        plugin.delete("PlacementGroup", made)
        assert plugin.read("PlacementGroup", again) is not None


def test_what_was_begun_is_finished_before_it_is_taken_over(unstable: Emulator) -> None:
    project = unstable.project()
    assert not project.client.servers.get_all()
    unstable.control("PUT", "/clock", {"speed": 20})
    with standin("hcloud") as first:
        first.configure(settings(project))
        with ThreadPoolExecutor() as pool:
            making = pool.submit(World(first, project).server)
            for attempt in Retrying(stop=stop_after_delay(30), wait=wait_fixed(0.02)):
                with attempt:
                    assert project.client.servers.get_all()
            first.cancel()
            with pytest.raises(Refused, match="stopped by the user, while waiting for action"):
                making.result()
    with standin("hcloud") as second:
        second.configure(settings(project))
        made = World(second, project).server(deleteProtection=True, rebuildProtection=True)
    assert (made.outputs["status"], made.outputs["deleteProtection"]) == ("running", True)
    assert len(project.client.servers.get_all()) == 1


def test_conflicts_locks_and_rate_limits_are_waited_out(running: Plugin, unstable: Emulator) -> None:
    project = unstable.project()
    running.configure(settings(project))
    world = World(running, project).network()
    with ThreadPoolExecutor(4) as pool:
        servers = list(pool.map(lambda number: world.server(f"server-{number}"), range(4)))
        places = [{"serverId": int(made.id), "subnetId": world.text("subnet")} for made in servers]
        # One network takes one change at a time.
        list(pool.map(lambda place: running.make("ServerNetwork", place), places))
    unstable.fault("failing_request", method="POST", path="/v1/placement_groups", status=429,
                   code="rate_limit_exceeded", message="limit of requests per hour reached", times=1)  # fmt: skip
    world.make("PlacementGroup", "group", type="spread")


def test_a_failing_action_is_told_and_the_object_is_recorded(running: Plugin, unstable: Emulator) -> None:
    project = unstable.project()
    running.configure(settings(project))
    unstable.fault("failing_action", command="create_server", times=1)
    with pytest.raises(Refused, match=r"action create_server failed: .* \(action_failed") as refused:
        World(running, project).server()
    assert refused.value.recorded
    # What came to nothing is not taken over as if it were a server.
    with pytest.raises(Refused, match="server name is already used"):
        World(running, project).server()


def test_a_failing_attachment_is_told_and_nothing_is_recorded(running: Plugin, unstable: Emulator) -> None:
    project = unstable.project()
    running.configure(settings(project))
    world = World(running, project).network()
    server = world.server()
    place = {"serverId": int(server.id), "subnetId": world.text("subnet")}
    unstable.fault("failing_action", command="attach_to_network", times=1)
    with pytest.raises(Refused, match="action attach_to_network failed") as refused:
        running.make("ServerNetwork", place)
    assert not refused.value.recorded
    assert running.make("ServerNetwork", place).id


def test_a_server_without_public_addresses_is_started_once_it_is_in_its_network(world: World) -> None:
    """However far an interrupted update had come."""
    world.network()
    inside = {"publicNets": [{"ipv4Enabled": False, "ipv6Enabled": False}]}
    inside["networks"] = [{"subnetId": world.text("subnet"), "ip": "10.0.1.7"}]
    body = {"name": "server", "server_type": "cpx22", "image": "ubuntu-24.04", "location": "fsn1", "labels": LABELS}
    net = {"enable_ipv4": False, "enable_ipv6": False}
    world.project.post("/servers", {**body, "start_after_create": False, "public_net": net})
    made = world.server(**inside)
    assert made.outputs["status"] == "running"
    assert [place["ip"] for place in made.outputs["networks"]] == ["10.0.1.7"]


PROGRAM = """
import pulumi
import pulumi_hcloud as hcloud

provider = hcloud.Provider(
    "hcloud", endpoint={endpoint!r}, token={token!r}, poll_interval="20ms", poll_function="constant"
)
options = pulumi.ResourceOptions(provider=provider)
labels = {{"managed-by": "foundation", "cluster": "demo"}}
network = hcloud.Network("net", name="net", ip_range="10.0.0.0/16", labels=labels, opts=options)
subnet = hcloud.NetworkSubnet(
    "subnet", network_id=network.id.apply(int), type="cloud", network_zone="eu-central", ip_range="10.0.1.0/24",
    opts=options,
)
server = hcloud.Server(
    "server", name="server", server_type="cpx22", image="ubuntu-24.04", location="fsn1", labels=labels,
    user_data=pulumi.Output.secret("#cloud-config with a planted-secret"), opts=options,
)
hcloud.ServerNetwork("private", server_id=server.id.apply(int), subnet_id=subnet.id, ip="10.0.1.5", opts=options)
"""


@pytest.fixture
def stack(tmp_path: Path, toolchain: Toolchain, unstable: Emulator) -> Iterator[tuple[engine.Project, Project, str]]:
    """A scratch project with a network and a server in it, and the emulator's project that it is for."""
    project, scratch = unstable.project(), engine.Project(tmp_path, toolchain)
    # Whatever the toolchain's home holds: the published plugin takes nothing over.
    write_launcher(tmp_path / "plugin" / "pulumi-resource-hcloud", "local.toolchain.plugins.hcloud")
    file = tmp_path / "Pulumi.yaml"
    ours = f"providers: [{{name: hcloud, path: {tmp_path / 'plugin'}}}, "
    file.write_text(file.read_text().replace("providers: [", ours))
    program = PROGRAM.format(endpoint=unstable.endpoint, token=project.token)
    scratch.pulumi(program, "stack", "init", "local-test")
    yield scratch, project, program
    scratch.kill()


def resources(scratch: engine.Project) -> dict[str, Any]:
    state = json.loads((scratch.folder / "state/.pulumi/stacks/foundation/local-test.json").read_text())
    found = state["checkpoint"]["latest"]["resources"]
    return {resource["urn"].rpartition("::")[2]: resource for resource in found}


def test_killed_while_a_server_is_made(stack: tuple[engine.Project, Project, str], unstable: Emulator) -> None:
    """The whole with Pulumi's engine, killed in the middle; nothing to do and no secret in clear afterwards."""
    scratch, project, program = stack
    unstable.control("PUT", "/clock", {"speed": 2})
    scratch.start(program, "up", "--yes", "--skip-preview", "--stack", "local-test")
    for attempt in Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.05)):
        with attempt:
            assert project.client.servers.get_all()
    scratch.kill()
    assert "server" not in resources(scratch)
    unstable.control("PUT", "/clock", {"speed": SPEED})

    scratch.pulumi(program, "cancel", "--yes", "--stack", "local-test")
    output = scratch.pulumi(program, "up", "--yes", "--skip-preview", "--stack", "local-test")
    assert "Server server exists already: taken over" in output
    [server] = project.client.servers.get_all()
    assert resources(scratch)["server"]["id"] == str(server.id)
    assert (server.status, [place.ip for place in server.private_net]) == ("running", ["10.0.1.5"])
    assert "planted-secret" not in scratch.state_text()

    same = scratch.pulumi(program, "up", "--yes", "--skip-preview", "--refresh", "--stack", "local-test")
    assert "6 unchanged" in same
    scratch.pulumi(program, "destroy", "--yes", "--skip-preview", "--stack", "local-test")
    assert project.leftovers() == []
