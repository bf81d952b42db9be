"""A server's public addresses, changed while it is off."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from local.toolchain.plugins.hcloud.api import Answer, Operation
from local.toolchain.plugins.hcloud.server_changes import power_on
from provider.plugin import PluginError, Properties

FAMILIES = ("ipv4", "ipv6")


def change_public_net(
    operation: Operation, server: Answer, before: Sequence[Properties], after: Sequence[Properties]
) -> None:
    """Cuts the power, gives and takes addresses, starts the server again, whether that went well or not."""
    path = f"/servers/{server['id']}"
    operation.post(f"{path}/actions/poweroff")
    old = before[0] if before else {}
    try:
        for family in FAMILIES:
            if after:
                _change(operation, server, family, old, after[0])
            elif old.get(family) and _held(server, family):
                # The whole block is gone: back to an address of the server's own.
                _unassign(operation, _held(server, family))
                _give(operation, server, family)
    finally:
        power_on(operation, path)


def _change(operation: Operation, server: Answer, family: str, old: Properties, new: Properties) -> None:
    enabled, wanted = new[f"{family}Enabled"], new.get(family) or 0
    was_enabled, was = old.get(f"{family}Enabled", True), old.get(family) or 0
    held = _held(server, family)
    if wanted and not enabled:
        raise PluginError(f"publicNets: {family}Enabled is false, so {family} can't be {wanted}")
    if wanted:
        if held == wanted:
            return
        if held:
            _take(operation, held, own=not was)
        body = {"assignee_id": server["id"], "assignee_type": "server"}
        operation.post(f"/primary_ips/{wanted}/actions/assign", body)
    elif not enabled:
        if held:
            _take(operation, held, own=not was)
    elif (was_enabled and was) or not was_enabled:
        if held and held == was:
            _unassign(operation, was)
        if not held or held == was:
            _give(operation, server, family)


def _held(server: Answer, family: str) -> int:
    address = server["public_net"][family]
    return int(address["id"] or 0) if address else 0


def _take(operation: Operation, identity: int, *, own: bool) -> None:
    """One that came with the server goes for good."""
    _unassign(operation, identity)
    if own:
        operation.delete(f"/primary_ips/{identity}")


def _unassign(operation: Operation, identity: int) -> None:
    operation.post(f"/primary_ips/{identity}/actions/unassign")


def _give(operation: Operation, server: Answer, family: str) -> None:
    body = {
        "name": f"primary_ip-{secrets.randbelow(9_000_000) + 1_000_000}",
        "assignee_id": server["id"],
        "assignee_type": "server",
        "auto_delete": True,
        "type": family,
    }
    operation.post("/primary_ips", body)
