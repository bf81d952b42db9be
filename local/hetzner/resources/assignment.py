"""Primary IPs and the servers and load balancers that have them."""

from __future__ import annotations

from typing import Any

from local.hetzner.context import Context
from local.hetzner.errors import ApiError
from local.hetzner.listing import Record
from local.hetzner.resources.addresses import initial_dns_ptr, new_address
from local.hetzner.resources.base import referenced

SERVER = "server"
# Since 2026-10-05 (vendor changelog).
LOAD_BALANCER = "load_balancer"
# Since 2026-08-01 what an address without an owner is assigned to (vendor changelog).
UNASSIGNED = "unassigned"
FAMILIES = ("ipv4", "ipv6")


def owner(kind: str, identity: int) -> str:
    """How a record names who has an address: IDs of servers and of load balancers may be the same."""
    return f"{kind}/{identity}"


def primary_ips_of(context: Context, identity: int, kind: str = SERVER) -> dict[str, Record]:
    """Addresses by family of a server, or of a load balancer."""
    found = context.objects.where("primary_ips", "owner", owner(kind, identity))
    return {record["type"]: record for record in found}


def new_primary_ip(
    context: Context, family: str, location: str, name: str, labels: dict[str, str], auto_delete: bool
) -> dict[str, Any]:
    """Record of a new address."""
    address = new_address(context, family)
    return {
        "created": context.now(),
        "name": name,
        "type": family,
        "labels": labels,
        "location": location,
        "ip": address,
        "dns_ptr": initial_dns_ptr(address),
        "blocked": False,
        "protection": {"delete": False},
        "auto_delete": auto_delete,
        "owner": None,
    }


def give_address(context: Context, kind: str, record: Record, family: str, given: int | None) -> None:
    """Assign the address with ID ``given``, or one that is made for the purpose and goes with its owner.

    Raises ``ApiError`` where the given one doesn't fit.
    """
    if given is not None:
        address = _fitting(context, record, family, given)
    else:
        made = new_primary_ip(context, family, record["location"], "", {}, auto_delete=True)
        address = context.objects.add("primary_ips", made)
        address["name"] = f"primary_ip-{address['id']}"
    context.objects.put("primary_ips", {**address, "owner": owner(kind, record["id"])})


def release_addresses(context: Context, identity: int, kind: str = SERVER) -> None:
    """The owner is gone: what was made for it goes too, the rest is free."""
    for address in primary_ips_of(context, identity, kind).values():
        if address["auto_delete"]:
            context.objects.delete("primary_ips", address["id"])
        else:
            context.objects.put("primary_ips", {**address, "owner": None})


def _fitting(context: Context, record: Record, family: str, identity: int) -> Record:
    address = referenced(context, "primary_ips", identity, f"public_net.{family}")
    if address["type"] != family:
        raise ApiError("primary_ip_version_mismatch", "the Primary IP has the wrong IP version")
    if address["owner"] is not None:
        raise ApiError("primary_ip_assigned", "the Primary IP is already assigned")
    if address["location"] != record["location"]:
        raise ApiError("primary_ip_datacenter_mismatch", "the Primary IP is in another location")
    return address
