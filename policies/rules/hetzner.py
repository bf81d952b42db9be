"""Servers at Hetzner: doors shut to the world, nothing that the vendor took away, no controller that breaks on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network

from models.hetzner.network import WIDEST
from policies.plain import UNKNOWN, Plain, Resource, items, section
from policies.rules.pods import containers, pod_spec
from policies.rules.types import ResourceRule

FIREWALL = "hcloud:index/firewall:Firewall"
CHART = "kubernetes:helm.cattle.io/v1:HelmChart"
# SSH and the Kubernetes API.
DOORS = {22: "SSH", 6443: "the Kubernetes API"}
# What follows "hcloud:index/" in the types that still have the field.
WITH_DATACENTER = ("hcloud:index/server:Server", "hcloud:index/primaryIp:PrimaryIp")

CCM = "hcloud-cloud-controller-manager"
# Its README: 1.30.0 and older panic since the API dropped the field `datacenter`.
CCM_FLOOR = (1, 30, 1)


def _opens(port: Plain, door: int) -> bool:
    """Whether a firewall's port, such as ``80``, ``80-85`` or ``any``, lets the door's in."""
    if not isinstance(port, str) or port in ("", "any"):
        return port is not UNKNOWN
    first, _, last = port.partition("-")
    return first.isdigit() and int(first) <= door <= int(last or first)


def _world(source: Plain) -> bool:
    if not isinstance(source, str):
        return False
    try:
        network = ip_network(source, strict=False)
    except ValueError:
        return False
    return network.prefixlen < WIDEST[network.version]


def _shut(resource: Resource) -> Iterator[str]:
    if resource.type != FIREWALL:
        return
    for rule in items(resource.properties, "rules"):
        sources = rule.get("sourceIps")
        if rule.get("direction") != "in" or rule.get("protocol") != "tcp" or not isinstance(sources, list):
            continue
        if not any(_world(source) for source in sources):
            continue
        for door, what in DOORS.items():
            if _opens(rule.get("port"), door):
                yield f"port {door} ({what}) is open to the world: name the networks that administrators come from"


def _gone(resource: Resource) -> Iterator[str]:
    if resource.type in WITH_DATACENTER and resource.properties.get("datacenter") is not None:
        yield "datacenter must not be set: the API dropped it (1 July 2026), and it replaces the server; use location"


def _below_floor(version: Plain) -> bool:
    found = re.match(r"^v?(\d+)\.(\d+)\.(\d+)", version) if isinstance(version, str) else None
    return found is not None and tuple(map(int, found.groups())) < CCM_FLOOR


def _old_controller(resource: Resource) -> Iterator[str]:
    wanted = ".".join(map(str, CCM_FLOOR))
    if resource.type == CHART:
        spec = section(resource.properties, "spec")
        if CCM in str(spec.get("chart", "")) and _below_floor(spec.get("version")):
            yield f"{CCM} must be {wanted} or newer: older ones panic on what the API answers"
    for name, container in containers(pod_spec(resource) or {}):
        image, _, tag = str(container.get("image", "")).partition("@")[0].rpartition(":")
        if image.endswith(CCM) and _below_floor(tag):
            yield f"container {name}: {CCM} must be {wanted} or newer: older ones panic on what the API answers"


DOORS_ARE_SHUT = ResourceRule(
    "admin-doors-are-shut", "SSH and the Kubernetes API are open to named networks only.", _shut
)
NO_DATACENTER = ResourceRule("no-datacenter", "The field that the vendor took away is never set.", _gone)
CONTROLLER_FLOOR = ResourceRule(
    "cloud-controller-floor", "The cloud controller manager is one that works with today's API.", _old_controller
)
