"""What is wrong with one value."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

from local.toolchain.plugins.hcloud.attributes import Attribute, Check
from provider.plugin import UNKNOWN, Value

# Of hcloud-go, which the published plugin checks with: optional prefix, name and value as Kubernetes has them.
LABEL = r"[a-z0-9A-Z]([-_.a-z0-9A-Z]{0,61}[a-z0-9A-Z])?"
LABEL_KEY = re.compile(rf"([a-z0-9A-Z]([-_.a-z0-9A-Z]{{0,253}}[a-z0-9A-Z])?/)?{LABEL}")
LABEL_VALUE = re.compile(rf"({LABEL})?")
FORMAT = "is not correctly formatted: up to 63 letters, digits, '-', '_' and '.'"


def labels(value: Mapping[str, Value]) -> str | None:
    """Hetzner's rules for labels."""
    for key, text in value.items():
        if not LABEL_KEY.fullmatch(key):
            return f"label key {key!r} {FORMAT}"
        if text is not UNKNOWN and text is not None and not LABEL_VALUE.fullmatch(text):
            return f"label value {text!r} (key {key}) {FORMAT}"
    return None


def one_of(*allowed: str) -> Check:
    """One of these."""
    return lambda value: None if value in allowed else f"must be one of {', '.join(allowed)}, got {value}"


def between(least: int, most: int) -> Check:
    """A number in this range."""
    return lambda value: None if least <= value <= most else f"must be between {least} and {most}, got {value}"


def filled(value: str) -> str | None:
    """Anything but nothing."""
    return None if value else "must have more than 0 characters"


def cidr(value: str) -> str | None:
    """A range of addresses."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return f"must be a range of addresses in CIDR notation such as 10.0.0.0/16, got {value}"
    return None if "/" in value else f"must be a range of addresses in CIDR notation such as 10.0.0.0/16, got {value}"


def address(value: str) -> str | None:
    """One address."""
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return f"must be an IP address, got {value}"
    return None


def block(value: str) -> str | None:
    """An address, or a range of addresses that begins where it says."""
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        return f"must be an IP address or the start of a range: {error}"
    return None


def normal_block(value: str) -> str:
    """A range as the API writes it: an address alone is the range of itself."""
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        return value


LABELS = Attribute("map", check=labels)
# As Terraform's newer framework has them: none is an empty map.
FRAMEWORK_LABELS = Attribute("map", default={}, check=labels)
COMPUTED_LABELS = Attribute("map", computed=True, check=labels)
