"""The members of a network, as a list of their own (vendor changelog, 2026)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from local.hetzner.context import Context
from local.hetzner.listing import Record, link_header, paginate, sort
from local.hetzner.resources.base import Answer, Call
from local.hetzner.resources.networks import Networks
from local.hetzner.resources.private_network import attachment, members

_networks = Networks()
_TYPES = {"servers": "server", "load_balancers": "load_balancer"}
_FILTERS = ("type", "status", "subnet")


def list_members(context: Context, call: Call) -> Answer:
    """``GET /networks/{id}/members``."""
    found = [
        member
        for member in _members(context, _networks.find(context, call.path["id"]))
        if all(member[name] in call.query.get(name, [member[name]]) for name in _FILTERS)
    ]
    page, pagination = paginate(sort(found, call.query.get("sort", []), ("id", "type", "ip")), call.query)
    return Answer(
        {"members": page, "meta": {"pagination": pagination}},
        headers={"Link": link_header(call.url, call.query, pagination)},
    )


def _members(context: Context, network: Record) -> list[Record]:
    subnets = [subnet["ip_range"] for subnet in network["subnets"]]
    return [
        {
            "type": _TYPES[kind],
            "id": record["id"],
            "ip": place["ip"],
            "status": "attaching" if place["pending"] else "attached",
            "alias_ips": place["alias_ips"],
            "subnet": next((part for part in subnets if IPv4Address(place["ip"]) in IPv4Network(part)), ""),
        }
        for kind, records in members(context, network["id"]).items()
        for record in records
        for place in [attachment(record, network["id"])]
        if place is not None
    ]
