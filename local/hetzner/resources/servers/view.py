"""A server as the API shows it."""

from __future__ import annotations

from local.hetzner.catalogue import find
from local.hetzner.context import Context
from local.hetzner.listing import Record
from local.hetzner.resources.assignment import primary_ips_of
from local.hetzner.resources.firewalls import firewalls_of
from local.hetzner.resources.offers import server_type_view

# What a record keeps for the emulator alone.
_HIDDEN = ("user_data", "disk", "private_net")

# What a server is called while such an action works on it.
_MEANWHILE = {
    "create_server": "initializing",
    "start_server": "starting",
    "stop_server": "stopping",
    "shutdown_server": "stopping",
    "change_server_type": "migrating",
    "rebuild_server": "rebuilding",
    "delete_server": "deleting",
}


def view(context: Context, record: Record) -> Record:
    """The whole object, from the objects that refer to it."""
    objects, catalogue = context.objects, context.world.catalogue
    identity = record["id"]
    server_type = find(catalogue.server_types, record["server_type"])
    if server_type is None:
        raise LookupError(f"no server type {record['server_type']!r} in the catalogue")
    shown = {name: value for name, value in record.items() if name not in _HIDDEN}
    group = record["placement_group"]
    working = [action for action in context.actions.running() if ["server", identity] in action["locks"]]
    meanwhile = [_MEANWHILE[action["command"]] for action in working if action["command"] in _MEANWHILE]
    return {
        **shown,
        "status": meanwhile[0] if meanwhile else record["status"],
        "location": catalogue.location(record["location"]),
        "server_type": server_type_view(context, server_type),
        "image": find_image(context, record["image"]),
        "iso": find(catalogue.isos, record["iso"]),
        "locked": bool(working),
        "public_net": _public_net(context, record),
        "private_net": [
            {name: value for name, value in place.items() if name != "pending"}
            for place in record["private_net"]
            if not place["pending"]
        ],
        "volumes": [volume["id"] for volume in objects.where("volumes", "server", identity)],
        "load_balancers": [
            balancer["id"]
            for balancer in objects.all("load_balancers")
            if any(target.get("server") == {"id": identity} for target in balancer["targets"])
        ],
        "placement_group": None if group is None else {
            **(objects.get("placement_groups", group) or {}),
            "servers": [server["id"] for server in objects.where("servers", "placement_group", group)],
        },
        "primary_disk_size": record["disk"],
        "included_traffic": _included_traffic(server_type, record["location"]),
        "ingoing_traffic": 0,
        "outgoing_traffic": 0,
    }  # fmt: skip


def find_image(context: Context, identity: int | None) -> Record | None:
    """A stock image, or one of the project's."""
    if identity is None:
        return None
    stock = next((image for image in context.world.catalogue.images if image["id"] == identity), None)
    return stock or context.objects.get("images", identity)


def _public_net(context: Context, record: Record) -> Record:
    addresses = primary_ips_of(context, record["id"])
    ipv4, ipv6 = addresses.get("ipv4"), addresses.get("ipv6")
    floating = context.objects.where("floating_ips", "server", record["id"])
    firewalls = firewalls_of(context, record)
    return {
        "ipv4": None if ipv4 is None else {
            "id": ipv4["id"],
            "ip": ipv4["ip"],
            "blocked": ipv4["blocked"],
            "dns_ptr": next((entry["dns_ptr"] for entry in ipv4["dns_ptr"]), ""),
        },
        "ipv6": None if ipv6 is None else {
            "id": ipv6["id"],
            "ip": ipv6["ip"],
            "blocked": ipv6["blocked"],
            "dns_ptr": ipv6["dns_ptr"],
        },
        "floating_ips": [address["id"] for address in floating],
        "firewalls": [{"id": firewall["id"], "status": "applied"} for firewall in firewalls],
    }  # fmt: skip


def _included_traffic(server_type: Record, location: str) -> int | None:
    return next((price["included_traffic"] for price in server_type["prices"] if price["location"] == location), None)
