"""Servers."""

from __future__ import annotations

import base64
import hashlib

from local.toolchain.plugins.hcloud import checks
from local.toolchain.plugins.hcloud.api import Answer, Api, Operation
from local.toolchain.plugins.hcloud.attributes import Attribute
from local.toolchain.plugins.hcloud.common import described, rename
from local.toolchain.plugins.hcloud.primary_ip import removed
from local.toolchain.plugins.hcloud.private_network import interface_of
from local.toolchain.plugins.hcloud.public_net import change_public_net
from local.toolchain.plugins.hcloud.resource import HcloudResource
from local.toolchain.plugins.hcloud.server_changes import (
    attach_network,
    change_firewalls,
    change_networks,
    change_placement_group,
    change_type,
    network_of,
    power_on,
    set_iso,
    set_rescue,
)
from local.toolchain.plugins.hcloud.values import contains_secret
from provider.plugin import UNKNOWN, CheckFailure, CheckResult, Context, PluginError, Properties, Value, reveal

PUBLIC_NET = {
    "ipv4Enabled": Attribute("bool", default=True),
    "ipv6Enabled": Attribute("bool", default=True),
    "ipv4": Attribute("int", computed=True),
    "ipv6": Attribute("int", computed=True),
}
NETWORK = {
    "networkId": Attribute("int", computed=True),
    "subnetId": Attribute(computed=True),
    "ip": Attribute(computed=True),
    "aliasIps": Attribute("set", computed=True),
    "macAddress": Attribute(computed=True),
}
NO = Attribute("bool", default=False)
OFF, FAILED = "off", "unknown"


def user_data_hash(text: str) -> str:
    """What is kept of user data: its SHA-1 in base64, as the published plugin keeps it."""
    return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()


class Server(HcloudResource):
    """A virtual machine. A new type is changed to in place, after its power is cut."""

    kind = "servers"
    # Terraform's time limit for making one, 90 minutes in nanoseconds.
    meta = '{"e2bfb730-ecaa-11e6-8f88-34363bc7c4c0":{"create":5400000000000}}'
    attributes = {
        "name": Attribute(),
        "serverType": Attribute(required=True),
        "image": Attribute(computed=True, replaces=True, check=checks.filled),
        "location": Attribute(computed=True, replaces=True),
        "datacenter": Attribute(computed=True, check=removed),
        "userData": Attribute(replaces=True, kept=user_data_hash),
        "sshKeys": Attribute("list", replaces=True, check=checks.filled),
        "keepDisk": NO,
        "allowDeprecatedImages": Attribute("bool"),
        "backupWindow": Attribute(computed=True),
        "backups": NO,
        "ipv4Address": Attribute(computed=True),
        "ipv6Address": Attribute(computed=True),
        "ipv6Network": Attribute(computed=True),
        "status": Attribute(computed=True),
        "iso": Attribute(),
        "rescue": Attribute(),
        "labels": checks.LABELS,
        "publicNets": Attribute("set", fields=PUBLIC_NET, block=True, singular="public_net"),
        "networks": Attribute("set", fields=NETWORK, block=True, singular="network"),
        "ignoreRemoteFirewallIds": NO,
        "firewallIds": Attribute("set", item="int", computed=True),
        "placementGroupId": Attribute("int"),
        "deleteProtection": NO,
        "rebuildProtection": NO,
        "shutdownBeforeDeletion": NO,
        "primaryDiskSize": Attribute("int", computed=True),
    }
    outputs_only = ("backupWindow", "ipv4Address", "ipv6Address", "ipv6Network", "status", "primaryDiskSize")

    def check(self, context: Context[Api], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        networks = reveal(new.get("networks"))
        if isinstance(networks, list) and not contains_secret(new["networks"]):
            # As the published plugin, for which networks differ by alias addresses that aren't given.
            new = {**new, "networks": [{"aliasIps": [], **item} if item is not UNKNOWN else item for item in networks]}
        return super().check(context, old, new, seed)

    def combinations(self, inputs: Properties) -> list[CheckFailure]:
        networks = inputs.get("networks")
        if not isinstance(networks, list):
            return []
        seen: set[Value] = set()
        for index, network in enumerate(networks):
            if network is UNKNOWN or UNKNOWN in (network.get("networkId"), network.get("subnetId")):
                continue
            if network.get("networkId") is None and network.get("subnetId") is None:
                return [CheckFailure(f"networks[{index}]", "must specify either networkId or subnetId")]
            number = network_of(network)
            if number in seen:
                reason = f"a server is only allowed to be attached to each network once: {number}"
                return [CheckFailure(f"networks[{index}]", reason)]
            seen.add(number)
        return []

    def make(self, operation: Operation, new: Properties) -> tuple[str, Answer]:
        body: Answer = {
            "name": new["name"],
            "server_type": new["serverType"],
            "image": _image(operation, new),
            "labels": new["labels"] or {},
            "ssh_keys": [key["id"] for key in _ssh_keys(operation, new)],
            "firewalls": [{"firewall": identity} for identity in new["firewallIds"] or ()],
        }
        if new["userData"]:
            body["user_data"] = new["userData"]
        if new["location"]:
            body["location"] = new["location"]
        if new["placementGroupId"]:
            body["placement_group"] = new["placementGroupId"]
        for net in new["publicNets"]:
            body["public_net"] = _public_net(net)
            if new["networks"] and not (body["public_net"]["enable_ipv4"] or body["public_net"]["enable_ipv6"]):
                # It can't be reached until it is in its networks, so it is started after that.
                body["start_after_create"] = False
        answer = operation.begin("/servers", body)
        return str(answer["server"]["id"]), answer

    def finish(self, operation: Operation, identity: str, new: Properties) -> None:
        path = f"/servers/{identity}"
        for network in new["networks"]:
            attach_network(operation, path, network)
        if new["networks"] and any(not (net["ipv4Enabled"] or net["ipv6Enabled"]) for net in new["publicNets"]):
            power_on(operation, path)
        if new["backups"]:
            operation.post(f"{path}/actions/enable_backup")
        if new["iso"]:
            set_iso(operation, path, new["iso"])
        if new["rescue"]:
            set_rescue(operation, path, new["rescue"], [key["id"] for key in _ssh_keys(operation, new)])
        if new["deleteProtection"] or new["rebuildProtection"]:
            _protect(operation, path, new)

    def existing(self, operation: Operation, new: Properties) -> str | None:
        identity = super().existing(operation, new)
        found = operation.find("servers", identity) if identity else None
        # One that Hetzner failed to make stays as it is, and has to be deleted.
        return identity if found and found["status"] != FAILED else None

    def resume(self, operation: Operation, identity: str) -> None:
        found = operation.find("servers", identity)
        if found and found["status"] == OFF:
            power_on(operation, f"/servers/{identity}")

    def look(self, operation: Operation, identity: str, known: Properties) -> Properties | None:
        found = operation.find("servers", identity)
        if found is None:
            return None
        ipv4, ipv6 = found["public_net"]["ipv4"], found["public_net"]["ipv6"]
        address = ipv6["ip"].partition("/")[0] if ipv6 else ""
        values = described(found) | {
            "serverType": found["server_type"]["name"],
            "location": found["location"]["name"],
            "datacenter": None,
            "status": found["status"],
            "backupWindow": found["backup_window"] or "",
            "backups": bool(found["backup_window"]),
            "ipv4Address": ipv4["ip"] if ipv4 else "",
            "ipv6Address": f"{address}1" if address else "",
            "ipv6Network": ipv6["ip"] if ipv6 else "<nil>",
            "firewallIds": [firewall["id"] for firewall in found["public_net"]["firewalls"]],
            "rebuildProtection": found["protection"]["rebuild"],
            "primaryDiskSize": found["primary_disk_size"],
            "placementGroupId": found["placement_group"]["id"] if found["placement_group"] else 0,
        }
        image = found["image"]
        if image is not None:
            by_name = image["name"] and str(image["id"]) != known.get("image")
            values["image"] = image["name"] if by_name else str(image["id"])
        if known.get("networks"):
            values["networks"] = [_network(found, network) for network in known["networks"]]
        return values

    def alter(self, operation: Operation, identity: str, old: Properties, new: Properties) -> None:
        path = f"/servers/{identity}"
        server = operation.find("servers", identity)
        if server is None:
            return
        rename(operation, path, {"name": "name", "labels": "labels"}, old, new)
        self._alter_machine(operation, server, old, new)
        if self._differs("networks", old, new):
            change_networks(operation, server, new["networks"])
        if self._differs("firewallIds", old, new):
            change_firewalls(operation, server, new["firewallIds"] or [])
        if self._differs("publicNets", old, new):
            change_public_net(operation, server, old.get("publicNets") or [], new["publicNets"])
        if (old.get("placementGroupId") or 0) != (new["placementGroupId"] or 0):
            change_placement_group(operation, server, new["placementGroupId"])
        protection = ("deleteProtection", "rebuildProtection")
        if any(bool(old.get(name)) != new[name] for name in protection):
            _protect(operation, path, new)

    def _alter_machine(self, operation: Operation, server: Answer, old: Properties, new: Properties) -> None:
        path = f"/servers/{server['id']}"
        if old.get("serverType") != new["serverType"] != server["server_type"]["name"]:
            change_type(operation, server, new["serverType"], upgrade_disk=not new["keepDisk"])
        if bool(server["backup_window"]) != new["backups"]:
            operation.post(f"{path}/actions/{'enable' if new['backups'] else 'disable'}_backup")
        if (old.get("iso") or "") != (new["iso"] or ""):
            set_iso(operation, path, new["iso"], attached=server["iso"] is not None)
        if (old.get("rescue") or "") != (new["rescue"] or ""):
            keys = [key["id"] for key in _ssh_keys(operation, new)]
            set_rescue(operation, path, new["rescue"], keys, enabled=server["rescue_enabled"])

    def remove(self, operation: Operation, identity: str, old: Properties) -> None:
        if old.get("shutdownBeforeDeletion"):
            operation.post(f"/servers/{identity}/actions/shutdown")
            if not operation.until(lambda: self._is_off(operation, identity)):
                operation.warn(f"server {identity} did not shut down in time; deleting it anyway")
        operation.delete(f"/servers/{identity}", again=("locked",))

    def _is_off(self, operation: Operation, identity: str) -> bool:
        found = operation.find("servers", identity)
        return found is None or found["status"] == OFF


def _image(operation: Operation, new: Properties) -> int:
    server_type = operation.named("server_types", new["serverType"])
    if server_type is None:
        raise PluginError(f"server type {new['serverType']} not found")
    architecture, name = server_type["architecture"], new["image"] or ""
    found = None
    if name:
        found = operation.look_up("images", name, architecture=architecture, include_deprecated="true")
    if found is None:
        raise PluginError(f"image {name} for architecture {architecture} not found")
    if found["deprecated"]:
        operation.warn(f"image {name} is deprecated since {found['deprecated']}")
    return int(found["id"])


def _ssh_keys(operation: Operation, new: Properties) -> list[Answer]:
    keys = []
    for name in new["sshKeys"] or ():
        found = operation.look_up("ssh_keys", name)
        if found is None:
            raise PluginError(f"SSH key not found: {name}")
        keys.append(found)
    return keys


def _public_net(net: Properties) -> Answer:
    body = {"enable_ipv4": net["ipv4Enabled"], "enable_ipv6": net["ipv6Enabled"]}
    for family in ("ipv4", "ipv6"):
        if net.get(family):
            body |= {f"enable_{family}": True, family: net[family]}
    return body


def _network(server: Answer, known: Properties) -> Properties:
    interface = interface_of(server, network_of(known))
    if interface is None:
        return {"aliasIps": []}
    values = {"ip": interface["ip"], "macAddress": interface["mac_address"], "aliasIps": interface["alias_ips"]}
    values["networkId"] = interface["network"]
    return values | ({"subnetId": known["subnetId"]} if known.get("subnetId") else {})


def _protect(operation: Operation, path: str, new: Properties) -> None:
    body = {"delete": new["deleteProtection"], "rebuild": new["rebuildProtection"]}
    operation.post(f"{path}/actions/change_protection", body)
