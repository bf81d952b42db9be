"""Public addresses. They come from ranges for tests and documentation, so that none belongs to anybody."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from local.hetzner.context import Context
from local.hetzner.errors import invalid
from local.hetzner.listing import Record
from local.hetzner.resources.base import Body

# RFC 2544 and RFC 3849.
IPV4 = IPv4Network("198.18.0.0/15")
IPV6 = IPv6Network("2001:db8::/32")
IPV6_PREFIX = 64


class DnsPtr(Body):
    """Body of ``change_dns_ptr``; None brings the default back."""

    ip: str
    dns_ptr: str | None = None


def new_address(context: Context, family: str) -> str:
    """An unused address (IPv4) or /64 network (IPv6)."""
    number = context.world.state.number(family, 1)
    if family == "ipv4":
        return str(IPV4[number % IPV4.num_addresses])
    network = int(IPV6.network_address) + (number << (128 - IPV6_PREFIX))
    return str(IPv6Network((network, IPV6_PREFIX)))


def default_dns_ptr(address: str) -> str:
    """The name that an IPv4 address has before anyone gives it another."""
    return f"static.{'.'.join(reversed(address.split('.')))}.clients.your-server.de"


def initial_dns_ptr(address: str) -> list[Record]:
    """Names of a new address: IPv6 networks have none."""
    return [] if "/" in address else [{"ip": address, "dns_ptr": default_dns_ptr(address)}]


def change_dns_ptr(record: Record, body: DnsPtr) -> None:
    """Set or reset the name of an address of ``record`` (with ``ip`` and ``dns_ptr``). Raises ``ApiError``."""
    try:
        inside = ip_address(body.ip) in ip_network(record["ip"])
    except ValueError as error:
        raise invalid("ip", f"{body.ip!r} is not an IP address") from error
    if not inside:
        raise invalid("ip", f"{body.ip} does not belong to {record['ip']}")
    others = [entry for entry in record["dns_ptr"] if entry["ip"] != body.ip]
    if body.dns_ptr is not None:
        others.append({"ip": body.ip, "dns_ptr": body.dns_ptr})
    elif "/" not in record["ip"]:
        others.append({"ip": body.ip, "dns_ptr": default_dns_ptr(body.ip)})
    record["dns_ptr"] = others
