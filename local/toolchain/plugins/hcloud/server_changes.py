"""Changes to a server in place, request by request as the published plugin makes them."""

from __future__ import annotations

from collections.abc import Sequence

from local.toolchain.plugins.hcloud.api import Answer, ApiError, Operation
from local.toolchain.plugins.hcloud.private_network import ATTACH_AGAIN, detach, place
from provider.plugin import PluginError, Properties

RUNNING = "running"
OFF = "off"
# Of the published plugin, which tries these again whatever the reason.
BUSY = ("locked", "conflict", "service_error", "server_error")


def change_type(operation: Operation, server: Answer, name: str, *, upgrade_disk: bool) -> None:
    """Cuts the power and changes the type; the server stays off, as with the published plugin."""
    path = f"/servers/{server['id']}/actions"
    if server["status"] == RUNNING:
        operation.post(f"{path}/poweroff")
    operation.post(f"{path}/change_type", {"server_type": name, "upgrade_disk": upgrade_disk})


def power_on(operation: Operation, path: str) -> None:
    """Starts the server."""
    operation.post(f"{path}/actions/poweron", again=BUSY)


def set_iso(operation: Operation, path: str, name: str | None, *, attached: bool = False) -> None:
    """Puts another disc in, or none, and resets the server."""
    if attached:
        operation.post(f"{path}/actions/detach_iso")
    if name:
        operation.post(f"{path}/actions/attach_iso", {"iso": name})
    if attached or name:
        operation.post(f"{path}/actions/reset")


def set_rescue(
    operation: Operation, path: str, kind: str | None, ssh_keys: Sequence[int], *, enabled: bool = False
) -> None:
    """Makes the next start one into the rescue system, or no longer, and resets the server."""
    if enabled:
        operation.post(f"{path}/actions/disable_rescue")
    if kind:
        body = {"type": kind, "ssh_keys": list(ssh_keys)}
        operation.post(f"{path}/actions/enable_rescue", body, again=BUSY)
    if enabled or kind:
        operation.post(f"{path}/actions/reset", again=BUSY)


def attach_network(operation: Operation, path: str, network: Properties) -> None:
    """Puts the server into a network of its own inputs."""
    body = place(network) | ({"alias_ips": network["aliasIps"]} if network.get("aliasIps") else {})
    try:
        operation.post(f"{path}/actions/attach_to_network", body, again=ATTACH_AGAIN)
    except ApiError as error:
        if error.code != "server_already_attached":
            raise


def change_networks(operation: Operation, server: Answer, wanted: Sequence[Properties]) -> None:
    """Makes the server's private interfaces what the inputs say."""
    path = f"/servers/{server['id']}"
    left = {network_of(network): network for network in wanted}
    for interface in server["private_net"]:
        network = left.pop(interface["network"], None)
        if network is None:
            detach(operation, path, interface["network"])
        elif network.get("ip") and network["ip"] != interface["ip"]:
            # There is no request to change it.
            detach(operation, path, interface["network"])
            attach_network(operation, path, network)
        elif sorted(network.get("aliasIps") or ()) != sorted(interface["alias_ips"]):
            body = {"network": interface["network"], "alias_ips": network.get("aliasIps") or []}
            operation.post(f"{path}/actions/change_alias_ips", body)
    for network in left.values():
        attach_network(operation, path, network)


def change_firewalls(operation: Operation, server: Answer, wanted: Sequence[int]) -> None:
    """Applies the firewalls that are missing, takes the others away."""
    applied = [firewall["id"] for firewall in server["public_net"]["firewalls"]]
    target = [{"type": "server", "server": {"id": server["id"]}}]
    for identity in applied:
        if identity not in wanted:
            operation.post(f"/firewalls/{identity}/actions/remove_from_resources", {"remove_from": target})
    for identity in wanted:
        if identity not in applied:
            operation.post(f"/firewalls/{identity}/actions/apply_to_resources", {"apply_to": target})


def change_placement_group(operation: Operation, server: Answer, group: int | None) -> None:
    """Moves a server that is off to another group; one that runs can't leave its group."""
    path = f"/servers/{server['id']}/actions"
    if server["placement_group"] is not None:
        if server["status"] != OFF:
            raise PluginError(
                "removing a running server from a placement group is not supported: shut the server down, "
                "run the update again, then start the server"
            )
        operation.post(f"{path}/remove_from_placement_group")
    if group:
        operation.post(f"{path}/add_to_placement_group", {"placement_group": group})


def network_of(network: Properties) -> int:
    """The number of the network that an entry of the inputs means."""
    return int(place({"networkId": network.get("networkId"), "subnetId": network.get("subnetId")})["network"])
