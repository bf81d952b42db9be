"""Requests that several types make alike."""

from __future__ import annotations

import ipaddress

from local.toolchain.plugins.hcloud.api import Answer, Operation
from provider.plugin import PluginError, Properties


def protect(operation: Operation, path: str, **protection: bool) -> None:
    """Sets an object's protection."""
    operation.post(f"{path}/actions/change_protection", dict(protection))


def described(found: Answer) -> Properties:
    """What most objects have."""
    return {"name": found["name"], "labels": found["labels"], "deleteProtection": found["protection"]["delete"]}


def rename(operation: Operation, path: str, keys: dict[str, str], old: Properties, new: Properties) -> None:
    """Changes name, labels and the like, each that differs by a request of its own as the published plugin does."""
    for name, key in keys.items():
        if (old.get(name) or None) != (new[name] or None):
            operation.request("PUT", path, {key: {} if new[name] is None else new[name]})


def normal(text: str) -> str:
    """A range as the API writes it. Raises ``PluginError``."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise PluginError(f"invalid CIDR address: {error}") from None
