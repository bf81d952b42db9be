"""Who has which address in a private network."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from itertools import islice

from local.hetzner.actions import effect
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid, limit_exceeded
from local.hetzner.listing import Record
from local.hetzner.resources.base import referenced

# Vendor documentation, networks; of three networks a server only issue threads speak.
MAX_ATTACHED = 100
MAX_NETWORKS_PER_SERVER = 3
MAX_ALIAS_IPS = 5
# Robot's machines live in vSwitch subnets; cloud objects get no address there.
CLOUD_SUBNETS = ("cloud", "server")
# No server may have its public interface's gateway (vendor documentation, networks).
PUBLIC_GATEWAY = IPv4Address("172.31.1.1")
_MEMBERS = ("servers", "load_balancers")


def members(context: Context, network: int) -> dict[str, list[Record]]:
    """The servers and load balancers attached to a network, those too whose attachment is still under way."""
    return {
        kind: [
            record
            for record in context.objects.all(kind)
            if any(attachment["network"] == network for attachment in record["private_net"])
        ]
        for kind in _MEMBERS
    }


def attachment(record: Record, network: int) -> Record | None:
    """The object's place in the network."""
    return next((place for place in record["private_net"] if place["network"] == network), None)


def attach(
    context: Context,
    record: Record,
    zone: str,
    network: Record,
    ip: str | None = None,
    ip_range: str | None = None,
    alias_ips: Sequence[str] = (),
) -> None:
    """Give the object an address in the network: the one asked for, or the first free one of its zone. The API shows
    it when the action is done; until then it is reserved.

    Raises ``ApiError``.
    """
    attached = members(context, network["id"])
    if sum(len(records) for records in attached.values()) >= MAX_ATTACHED:
        raise limit_exceeded("network_attachment_limit")
    _require_disjoint(context, record, network)
    taken = {
        address
        for records in attached.values()
        for member in records
        for place in [attachment(member, network["id"])]
        if place is not None
        for address in (place["ip"], *place["alias_ips"])
    }
    own = _choose(network, zone, ip, ip_range, taken)
    if len(alias_ips) > MAX_ALIAS_IPS:
        raise invalid("alias_ips", f"more than {MAX_ALIAS_IPS}")
    for alias in alias_ips:
        _require_free(network, zone, alias, taken | {own})
    record["private_net"].append(
        {
            "network": network["id"],
            "ip": own,
            "alias_ips": list(alias_ips),
            "mac_address": _mac(context.world.state.number("mac", 1)),
            "pending": True,
        }
    )


def change_alias_ips(context: Context, record: Record, zone: str, network: Record, alias_ips: Sequence[str]) -> None:
    """Replace the alias addresses. Raises ``ApiError``."""
    place = attachment(record, network["id"])
    if place is None:
        raise invalid("network", "the server is not attached to the network")
    if len(alias_ips) > MAX_ALIAS_IPS:
        raise invalid("alias_ips", f"more than {MAX_ALIAS_IPS}")
    others = [member for records in members(context, network["id"]).values() for member in records]
    taken = {place["ip"]} | {
        address
        for member in others
        if member["id"] != record["id"]
        for other in [attachment(member, network["id"])]
        if other is not None
        for address in (other["ip"], *other["alias_ips"])
    }
    for alias in alias_ips:
        _require_free(network, zone, alias, taken)
    place["alias_ips"] = list(alias_ips)


def confirm(record: Record, network: int) -> None:
    """The attachment is done."""
    place = attachment(record, network)
    if place is not None:
        place["pending"] = False


def detach(record: Record, network: int) -> None:
    """Give the address back."""
    record["private_net"] = [place for place in record["private_net"] if place["network"] != network]


@effect
def confirm_network(context: Context, kind: str, member: int, network: int) -> None:
    """A server or load balancer is attached."""
    record = context.objects.get(kind, member)
    if record is not None:
        confirm(record, network)
        context.objects.put(kind, record)


@effect
def release_network(context: Context, kind: str, member: int, network: int) -> None:
    """A server or load balancer is attached no more."""
    record = context.objects.get(kind, member)
    if record is not None:
        detach(record, network)
        context.objects.put(kind, record)


def _require_disjoint(context: Context, record: Record, network: Record) -> None:
    if len(record["private_net"]) >= MAX_NETWORKS_PER_SERVER:
        raise limit_exceeded("server_network_limit")
    for place in record["private_net"]:
        other = referenced(context, "networks", place["network"], "network")
        if IPv4Network(other["ip_range"]).overlaps(IPv4Network(network["ip_range"])):
            raise ApiError("networks_overlap", "the network overlaps with a network the server is attached to")


def _choose(network: Record, zone: str, ip: str | None, ip_range: str | None, taken: set[str]) -> str:
    if ip is not None:
        return _require_free(network, zone, ip, taken)
    for subnet in _subnets(network, zone):
        if ip_range not in (None, str(subnet)):
            continue
        # There are never more taken than the limit of attached objects with their aliases.
        candidates = islice(subnet.hosts(), 2 + MAX_ATTACHED * (1 + MAX_ALIAS_IPS))
        free = (str(address) for address in candidates if str(address) not in taken and not _reserved(network, address))
        found = next(free, None)
        if found is not None:
            return found
    raise ApiError("no_subnet_available", "no subnet or IP is available within the network")


def _require_free(network: Record, zone: str, ip: str, taken: set[str]) -> str:
    try:
        address = IPv4Address(ip)
    except ValueError as error:
        raise invalid("ip", f"{ip!r} is not an IPv4 address") from error
    inside = any(
        address in subnet and address not in (subnet.network_address, subnet.broadcast_address)
        for subnet in _subnets(network, zone)
    )
    if not inside or ip in taken or _reserved(network, address):
        raise ApiError("ip_not_available", f"IP {ip} is not available")
    return ip


def _subnets(network: Record, zone: str) -> list[IPv4Network]:
    return [
        IPv4Network(subnet["ip_range"])
        for subnet in network["subnets"]
        if subnet["type"] in CLOUD_SUBNETS and subnet["network_zone"] == zone
    ]


def _reserved(network: Record, address: IPv4Address) -> bool:
    return address in (IPv4Network(network["ip_range"])[1], PUBLIC_GATEWAY)


def _mac(number: int) -> str:
    octets = (0x86, 0, 0, *number.to_bytes(3, "big"))
    return ":".join(f"{octet:02x}" for octet in octets)
