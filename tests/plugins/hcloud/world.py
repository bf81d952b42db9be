"""A project of an emulator, and a plugin that works in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from provider.plugin import Properties, Secret
from tests.hetzner_emulator.conftest import Project
from tests.plugins.rpc import Made, Plugin

LABELS = {"managed-by": "foundation", "cluster": "demo"}
# Belongs to nobody.
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJqG4c0p5J1v0D5aWf0Yl3qQ8x4U1l8m0b2o3s4t5u6v operator"


def settings(project: Project, **more: Any) -> Properties:
    """The provider's configuration for a project."""
    quick = {"pollInterval": "20ms", "pollFunction": "constant"}
    return {"token": Secret(project.token), "endpoint": project.emulator.endpoint, **quick, **more}


@dataclass
class World:
    """What a plugin has made in a project, by names of the test's own."""

    plugin: Plugin
    project: Project
    made: dict[str, tuple[str, Made]] = field(default_factory=dict)

    def make(self, kind: str, name: str = "", **inputs: Any) -> Made:
        """A resource; ``name`` is what it is found by later, its own name where its type has one."""
        known = {"name": name} if name and kind not in UNNAMED else {}
        return self.keep(kind, name, self.plugin.make(kind, {**known, **inputs}))

    def keep(self, kind: str, name: str, made: Made) -> Made:
        if name:
            self.made[name] = (kind, made)
        return made

    def number(self, name: str) -> int:
        """The ID of what was made."""
        return int(self.made[name][1].id)

    def text(self, name: str) -> str:
        """The same as text."""
        return self.made[name][1].id

    def network(self) -> World:
        """Network ``net`` with subnet ``subnet``."""
        self.make("Network", "net", ipRange="10.0.0.0/16", labels=LABELS)
        place = {"type": "cloud", "networkZone": "eu-central", "ipRange": "10.0.1.0/24"}
        self.make("NetworkSubnet", "subnet", networkId=self.number("net"), **place)
        return self

    def server(self, name: str = "server", **inputs: Any) -> Made:
        """A server that runs."""
        wanted = {"serverType": "cpx22", "image": "ubuntu-24.04", "location": "fsn1", "labels": LABELS}
        return self.make("Server", name, **{**wanted, **inputs})


UNNAMED = (
    "FirewallAttachment",
    "LoadBalancerNetwork",
    "LoadBalancerService",
    "LoadBalancerTarget",
    "NetworkRoute",
    "NetworkSubnet",
    "ServerNetwork",
    "VolumeAttachment",
)
