"""Ordering a server."""

from __future__ import annotations

import secrets
from typing import Annotated

from pydantic import AfterValidator, Field

from local.hetzner.actions import effect
from local.hetzner.catalogue import find
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid
from local.hetzner.labels import LabelMap
from local.hetzner.listing import Record
from local.hetzner.resources.assignment import SERVER, give_address
from local.hetzner.resources.base import Body, HostName, Key, Resource, referenced
from local.hetzner.resources.firewalls import apply_to_new_server
from local.hetzner.resources.private_network import attach, confirm, detach
from local.hetzner.resources.servers.power import start
from local.hetzner.resources.servers.view import view
from local.hetzner.resources.simple import require_place
from local.hetzner.resources.volumes import require_attachable, set_volume

# In bytes (vendor documentation, creating a server).
MAX_USER_DATA = 32 * 1024
UNSUPPORTED = "unsupported location for server type"


def _short(user_data: str) -> str:
    if len(user_data.encode()) > MAX_USER_DATA:
        raise ValueError(f"is longer than {MAX_USER_DATA} bytes")
    return user_data


UserData = Annotated[str, AfterValidator(_short)]


class PublicNet(Body):
    """The public interface: addresses to use, to make (the default), or none."""

    enable_ipv4: bool = True
    enable_ipv6: bool = True
    ipv4: int | None = None
    ipv6: int | None = None


class FirewallId(Body):
    """A firewall."""

    firewall: int


class Creation(Body):
    """A new server."""

    name: HostName
    server_type: Key
    image: Key
    location: Key | None = None
    start_after_create: bool = True
    placement_group: int | None = None
    ssh_keys: list[Key] = []
    volumes: list[int] = []
    networks: list[int] = []
    firewalls: list[FirewallId] = []
    user_data: UserData | None = None
    labels: LabelMap = Field(default_factory=dict)
    automount: bool | None = None
    public_net: PublicNet = PublicNet()


def create(servers: Resource, context: Context, body: Creation) -> Record:
    """Order a server: everything is checked before anything is made. Raises ``ApiError``."""
    server_type, location = _orderable(context, body.server_type, body.location)
    image = orderable_image(context, body.image, server_type["architecture"])
    ssh_keys = [_ssh_key(context, key) for key in body.ssh_keys]
    if body.placement_group is not None:
        require_place(context, body.placement_group)
    reachable = body.public_net.enable_ipv4 or body.public_net.enable_ipv6 or body.networks
    if body.start_after_create and not reachable:
        raise invalid("public_net", "a server that is started needs a public address or a network")
    record = servers.add(
        context,
        {
            "name": body.name,
            "status": "initializing",
            "server_type": server_type["name"],
            "location": location["name"],
            "image": image["id"],
            "labels": body.labels,
            "protection": {"delete": False, "rebuild": False},
            "rescue_enabled": False,
            "iso": None,
            "backup_window": None,
            "placement_group": body.placement_group,
            "private_net": [],
            "user_data": body.user_data,
            "disk": server_type["disk"],
        },
    )
    _give_addresses(context, record, body.public_net)
    for network in dict.fromkeys(body.networks):
        attach(context, record, location["network_zone"], referenced(context, "networks", network, "networks"))
    context.objects.put("servers", record)
    apply_to_new_server(context, [entry.firewall for entry in body.firewalls], record["id"])
    actions = _begin(context, record, body)
    return {
        "server": view(context, record),
        "action": context.actions.view(actions[0]),
        "next_actions": [context.actions.view(action) for action in actions[1:]],
        # Without a key there is no other way in.
        "root_password": None if ssh_keys else secrets.token_urlsafe(16),
    }


def orderable_image(context: Context, key: str, architecture: str) -> Record:
    """The image of that ID, or of that name and the server type's architecture. Raises ``ApiError``."""
    images = [*context.world.catalogue.images, *context.objects.all("images")]
    found = [image for image in images if key in (str(image["id"]), image["name"])]
    fitting = [image for image in found if image["architecture"] == architecture]
    if not found:
        raise invalid("image", f"image {key!r} not found")
    if not fitting:
        raise invalid("image", f"image {key!r} is not for architecture {architecture}")
    if _unavailable(context, fitting[0]["deprecation"]):
        raise invalid("image", f"image {key!r} is deprecated")
    if fitting[0]["status"] != "available":
        raise ApiError("resource_unavailable", f"image {key!r} is not available")
    return fitting[0]


def require_available(context: Context, server_type: Record, location: str, field: str) -> None:
    """Raise ``ApiError`` unless a server of this type can be ordered in the location now."""
    offer = next((entry for entry in server_type["locations"] if entry["name"] == location), None)
    if offer is None:
        raise invalid(field, UNSUPPORTED)
    if _unavailable(context, offer["deprecation"]):
        raise invalid(field, f"server type {server_type['name']} is deprecated in {location}")
    refusal = context.world.faults.sold_out(server_type["name"], location)
    if refusal == "invalid_input":
        raise invalid(field, UNSUPPORTED)
    if refusal or not offer["available"]:
        raise ApiError("resource_unavailable", f"server type {server_type['name']} is not available in {location}")


@effect
def finish_create(context: Context, server: int) -> None:
    """The server exists, and is off."""
    record = context.objects.get("servers", server)
    if record is not None:
        for place in record["private_net"]:
            confirm(record, place["network"])
        context.objects.put("servers", {**record, "status": "off"})


@effect
def fail_create(context: Context, server: int) -> None:
    """The server came to nothing; its object stays, as an orphan that costs money until it is deleted."""
    record = context.objects.get("servers", server)
    if record is not None:
        for place in list(record["private_net"]):
            detach(record, place["network"])
        context.objects.put("servers", {**record, "status": "unknown"})


def _orderable(context: Context, type_key: str, location_key: str | None) -> tuple[Record, Record]:
    catalogue = context.world.catalogue
    server_type = find(catalogue.server_types, type_key)
    if server_type is None:
        raise invalid("server_type", f"server type {type_key!r} not found")
    if location_key is None:
        # Where there are any: the vendor chooses.
        offers = [offer for offer in server_type["locations"] if offer["available"]] or server_type["locations"]
        location_key = offers[0]["name"]
    location = find(catalogue.locations, location_key)
    if location is None:
        raise invalid("location", f"location {location_key!r} not found")
    require_available(context, server_type, location["name"], "location")
    return server_type, location


def _unavailable(context: Context, deprecation: Record | None) -> bool:
    return deprecation is not None and context.now() >= deprecation["unavailable_after"]


def _ssh_key(context: Context, key: str) -> Record:
    found = find(context.objects.all("ssh_keys"), key)
    if found is None:
        raise invalid("ssh_keys", f"SSH key {key!r} not found")
    return found


def _give_addresses(context: Context, record: Record, wanted: PublicNet) -> None:
    for family, enabled, given in (
        ("ipv4", wanted.enable_ipv4, wanted.ipv4),
        ("ipv6", wanted.enable_ipv6, wanted.ipv6),
    ):
        if enabled:
            give_address(context, SERVER, record, family, given)


def _begin(context: Context, record: Record, body: Creation) -> list[Record]:
    server = ("server", record["id"])
    created = context.actions.begin("create_server", [server], finish_create, fail_create, server=record["id"])
    actions = [created]
    for identity in dict.fromkeys(body.volumes):
        volume = referenced(context, "volumes", identity, "volumes")
        require_attachable(context, volume, record)
        actions.append(
            context.actions.begin(
                "attach_volume",
                [server, ("volume", identity)],
                otherwise=set_volume,
                after=created,
                volume=identity,
                server=None,
            )
        )
        context.objects.put("volumes", {**volume, "server": record["id"]})
    if body.start_after_create:
        actions.append(context.actions.begin("start_server", [server], start, after=created, server=record["id"]))
    return actions
