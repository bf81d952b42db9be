"""What interrupted and failed updates leave at Hetzner, and how the next one goes on from it; on the emulator, with
the hcloud plugin that the toolchain has: the stand-in, or the published one where the machine names it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pulumi import automation
from pulumi.automation import Stack
from pulumi.automation.events import StepEventStateMetadata

from automation.adoption import adopt
from automation.cloud import Cloud
from automation.errors import FoundationError
from automation.identities import at_hetzner
from automation.mending import discard, interrupted, mend, never_ran
from automation.report import Diagnostic, Report
from automation.running import run_engine
from local.toolchain import Toolchain
from tests.hetzner_emulator.conftest import Emulator, Project, _unstable, emulators, unstable
from tests.provider import engine

__all__ = ["_unstable", "emulators", "unstable"]

PROGRAM = """
import pulumi
import pulumi_hcloud as hcloud

provider = hcloud.Provider(
    "hcloud", endpoint={endpoint!r}, token={token!r}, poll_interval="20ms", poll_function="constant"
)
options = pulumi.ResourceOptions(provider=provider)
labels = {{"managed-by": "foundation", "cluster": "demo"}}
network = hcloud.Network("net", name="net", ip_range="10.0.0.0/16", labels=labels, opts=options)
number = network.id.apply(int)
subnet = hcloud.NetworkSubnet(
    "subnet", network_id=number, type="cloud", network_zone="eu-central", ip_range="10.0.1.0/24", opts=options
)
after = pulumi.ResourceOptions(provider=provider, depends_on=[subnet])
hcloud.NetworkRoute("route", network_id=number, destination="0.0.0.0/0", gateway="10.0.1.9", opts=after)
hcloud.Firewall("firewall", name="firewall", labels=labels, opts=options)
server = hcloud.Server(
    "server", name="server", server_type="{type}", keep_disk=True, image="ubuntu-24.04", location="fsn1",
    labels=labels, user_data=pulumi.Output.secret("#cloud-config"),
    opts=pulumi.ResourceOptions(provider=provider, ignore_changes=["sshKeys", "userData", "image"]),
)
volume = hcloud.Volume("volume", name="volume", size=10, location="fsn1", labels=labels, opts=options)
hcloud.VolumeAttachment(
    "attachment", volume_id=volume.id.apply(int), server_id=server.id.apply(int), opts=options
)
balancer = hcloud.LoadBalancer(
    "balancer", name="balancer", load_balancer_type="lb11", location="fsn1", labels=labels, opts=options
)
hcloud.LoadBalancerService(
    "service", load_balancer_id=balancer.id, protocol="tcp", listen_port=443, destination_port=443, opts=options
)
zone = hcloud.Zone("zone", name="example.com", mode="primary", labels=labels, opts=options)
hcloud.ZoneRrset(
    "records", zone=zone.name, name="www", type="A", records=[{{"value": "192.0.2.1"}}], labels=labels, opts=options
)
"""
# Of which Hetzner takes no second one; the others' providers don't mind.
UNIQUE = {
    "net", "subnet", "route", "firewall", "server", "volume", "attachment", "balancer", "service", "zone", "records",
}  # fmt: skip


class Life:
    """A stack with one program, and the emulator's project that it is for."""

    def __init__(self, folder: Path, toolchain: Toolchain, project: Project) -> None:
        self.project, self.told = project, list[str]()
        scratch = engine.Project(folder, toolchain)
        self.folder = folder
        self.write()
        options = automation.LocalWorkspaceOptions(
            env_vars=scratch.environment,
            pulumi_command=automation.PulumiCommand(root=str(toolchain.directory.root)),
        )
        self.stack: Stack = automation.create_stack("local-test", work_dir=str(folder), opts=options)

    def write(self, server_type: str = "cpx22") -> None:
        values = {"endpoint": self.project.emulator.endpoint, "token": self.project.token, "type": server_type}
        (self.folder / "__main__.py").write_text(PROGRAM.format(**values))

    def cloud(self) -> Cloud:
        return Cloud(self.project.client, "demo")

    def up(self) -> Report:
        report = Report("up")
        run_engine(self.stack, report, self.told.append, lambda: self._run(report))
        return report

    def _run(self, report: Report) -> None:
        self.stack.up(on_event=report.handle, suppress_outputs=True)

    def state(self) -> dict[str, Any]:
        return dict(self.stack.export_stack().deployment or {})

    def resources(self) -> dict[str, dict[str, Any]]:
        return {resource["urn"].rpartition("::")[2]: resource for resource in self.state()["resources"]}

    def forget(self, names: set[str], kind: str) -> None:
        """Leave the state as a kill does in the middle of a step (``creating``, ``updating``) on each of the names."""
        # An import of the state would resolve what is pending.
        file = self.folder / "state/.pulumi/stacks/foundation/local-test.json"
        whole = json.loads(file.read_text())
        state = whole["checkpoint"]["latest"]
        asked = [resource for resource in state["resources"] if resource["urn"].rpartition("::")[2] in names]
        if kind == "creating":
            state["resources"] = [resource for resource in state["resources"] if resource not in asked]
            told = ("id", "outputs", "created", "modified")
            asked = [{key: value for key, value in resource.items() if key not in told} for resource in asked]
        state["pending_operations"] = [{"resource": resource, "type": kind} for resource in asked]
        file.write_text(json.dumps(whole))


@pytest.fixture
def life(tmp_path: Path, toolchain: Toolchain, unstable: Emulator) -> Iterator[Life]:
    life = Life(tmp_path, toolchain, unstable.project())
    yield life
    life.stack.destroy()


def test_a_life_of_interruptions(life: Life, unstable: Emulator) -> None:
    """A server that Hetzner fails to make; an update killed before it wrote anything down; one killed while it changed
    a server, and one while it removed one."""
    project = life.project
    unstable.fault("failing_action", command="create_server", times=1)
    with pytest.raises(FoundationError, match="up failed"):
        life.up()
    [failed] = project.client.servers.get_all()
    assert failed.status == "unknown"
    mend(life.stack, life.cloud, life.told.append)
    assert f"removing server {failed.name}" in life.told
    assert life.up().counts["create"] > 0
    [server] = project.client.servers.get_all()
    assert server.status == "running"
    assert server.id != failed.id

    # All that has a name, or a place, of its own was made, and nobody wrote it down.
    before = life.resources()
    life.forget(UNIQUE, "creating")
    assert not UNIQUE & life.resources().keys()
    notes = [Diagnostic("error", "refused (whatever the reason)", before[name]["urn"]) for name in UNIQUE]
    report = Report("up", failed={note.urn: StepEventStateMetadata("", "", "", "", "") for note in notes if note.urn},
                    diagnostics=notes)  # fmt: skip
    assert discard(life.stack, report, life.cloud, life.told.append) == 0
    assert adopt(life.stack, report, at_hetzner(life.cloud), life.told.append) == len(UNIQUE)
    again = life.up()
    assert {change.action for change in again.changes} <= {"update"}, again.changes
    assert {name: item["id"] for name, item in life.resources().items() if name in UNIQUE} == {
        name: before[name]["id"] for name in UNIQUE
    }
    assert not life.up().changed

    # Killed when Hetzner had changed its type, which it doesn't do twice.
    server.power_off().wait_until_finished()
    server.change_type(project.client.server_types.get_by_name("cpx32"), upgrade_disk=False).wait_until_finished()
    server.power_on().wait_until_finished()
    life.forget({"server"}, "updating")
    life.write(server_type="cpx32")
    mend(life.stack, life.cloud, life.told.append)
    assert life.resources()["server"]["outputs"]["serverType"] == "cpx32"
    assert not any(change.action == "replace" for change in life.up().changes)

    # Killed when Hetzner had removed it.
    server.delete().wait_until_finished()
    life.forget({"server"}, "deleting")
    mend(life.stack, life.cloud, life.told.append)
    assert not {"server", "attachment"} & life.resources().keys()
    assert life.up().counts["create"] == 2
    told = len(life.told)
    mend(life.stack, life.cloud, life.told.append)
    assert len(life.told) == told or "pending" in life.told[-1]


def test_only_changes_and_removals_at_hetzner_are_looked_at() -> None:
    server = {"urn": "urn:pulumi:prod::foundation::hcloud:index/server:Server::a", "type": "hcloud:index/server:Server"}
    role = {"urn": "urn:pulumi:prod::foundation::postgresql:index/role:Role::b", "type": "postgresql:index/role:Role"}
    operations = [{"resource": item, "type": kind} for item in (server, role) for kind in ("creating", "updating")]
    assert list(interrupted({"resources": [server, role], "pending_operations": operations})) == [server["urn"]]
    assert list(interrupted({"resources": [], "pending_operations": operations})) == []
    assert list(interrupted({})) == []


@pytest.mark.parametrize(
    ("status", "actions", "expected"),
    [
        ("unknown", [("create_server", "error"), ("start_server", "error")], True),
        ("off", [("create_server", "success")], True),
        ("off", [("create_server", "success"), ("start_server", "error")], True),
        ("off", [("create_server", "success"), ("start_server", "success"), ("stop_server", "success")], False),
        ("off", [("create_server", "success"), ("start_server", "running")], False),
        ("initializing", [("create_server", "running")], False),
        # Its host is down.
        ("unknown", [("create_server", "success"), ("start_server", "success")], False),
        # Hetzner has forgotten how it began.
        ("off", [("stop_server", "success")], False),
        ("unknown", [], False),
    ],
)
def test_servers_that_never_ran_are_told_from_those_that_stand_still(
    status: str, actions: list[tuple[str, str]], expected: bool
) -> None:
    assert never_ran(status, actions) is expected


STATUSES = st.sampled_from(["running", "off", "unknown", "initializing", "starting", "stopping", "migrating"])
ACTIONS = st.tuples(st.sampled_from(["start_server", "stop_server", "attach_volume"]), st.sampled_from(["success"]))


@given(STATUSES, st.lists(ACTIONS))
def test_no_server_that_once_ran_is_taken_for_one_that_never_did(status: str, actions: list[tuple[str, str]]) -> None:
    history = [("create_server", "success"), ("start_server", "success"), *actions]
    assert not never_ran(status, history)
    assert not never_ran("running", actions)
