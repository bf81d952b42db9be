"""What a server is attached to: networks, placement groups, names of its addresses."""

from __future__ import annotations

from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid
from local.hetzner.listing import Record
from local.hetzner.resources.addresses import DnsPtr, change_dns_ptr
from local.hetzner.resources.assignment import primary_ips_of
from local.hetzner.resources.base import Body, Empty, Resource, command, referenced
from local.hetzner.resources.private_network import (
    attach,
    attachment,
    change_alias_ips,
    confirm_network,
    release_network,
)
from local.hetzner.resources.servers.power import begin, require_off, set_server
from local.hetzner.resources.simple import require_place


class AttachToNetwork(Body):
    """Body of ``attach_to_network``."""

    network: int
    ip: str | None = None
    ip_range: str | None = None
    alias_ips: list[str] = []


class DetachFromNetwork(Body):
    """Body of ``detach_from_network``."""

    network: int


class ChangeAliasIps(Body):
    """Body of ``change_alias_ips``."""

    network: int
    alias_ips: list[str]


class AddToPlacementGroup(Body):
    """Body of ``add_to_placement_group``."""

    placement_group: int


class AttachmentCommands(Resource):
    """Attaching and detaching."""

    @command("attach_to_network", AttachToNetwork)
    def attach_to_network(self, context: Context, record: Record, body: AttachToNetwork) -> Record:
        """A private interface. Excludes every other change of the network."""
        network = referenced(context, "networks", body.network, "network")
        if attachment(record, network["id"]):
            raise ApiError("server_already_attached", "server is already attached to the network")
        attach(context, record, _zone(context, record), network, body.ip, body.ip_range, body.alias_ips)
        action = context.actions.begin(
            "attach_to_network",
            [("server", record["id"]), ("network", network["id"])],
            confirm_network,
            release_network,
            kind=self.kind,
            member=record["id"],
            network=network["id"],
        )
        context.objects.put(self.kind, record)
        return action

    @command("detach_from_network", DetachFromNetwork)
    def detach_from_network(self, context: Context, record: Record, body: DetachFromNetwork) -> Record:
        """No private interface any more."""
        if not attachment(record, body.network):
            raise ApiError("not_found", "server is not attached to the network")
        return context.actions.begin(
            "detach_from_network",
            [("server", record["id"]), ("network", body.network)],
            release_network,
            kind=self.kind,
            member=record["id"],
            network=body.network,
        )

    @command("change_alias_ips", ChangeAliasIps)
    def change_alias_ips(self, context: Context, record: Record, body: ChangeAliasIps) -> Record:
        """Other additional addresses."""
        network = referenced(context, "networks", body.network, "network")
        change_alias_ips(context, record, _zone(context, record), network, body.alias_ips)
        action = context.actions.begin("change_alias_ips", [("server", record["id"]), ("network", network["id"])])
        context.objects.put(self.kind, record)
        return action

    @command("add_to_placement_group", AddToPlacementGroup)
    def add_to_placement_group(self, context: Context, record: Record, body: AddToPlacementGroup) -> Record:
        """Another host than the group's other servers."""
        require_off(record)
        if record["placement_group"] is not None:
            raise ApiError("already_in_placement_group", "server is already part of a placement group")
        group = require_place(context, body.placement_group)
        return begin(context, "add_to_placement_group", record, set_server, placement_group=group["id"])

    @command("remove_from_placement_group")
    def remove_from_placement_group(self, context: Context, record: Record, body: Empty) -> Record:
        """Any host will do."""
        if record["placement_group"] is None:
            raise ApiError("unsupported_error", "server is not part of a placement group")
        return begin(context, "remove_from_placement_group", record, set_server, placement_group=None)

    @command("change_dns_ptr", DnsPtr)
    def change_dns_ptr(self, context: Context, record: Record, body: DnsPtr) -> Record:
        """Name one of its addresses."""
        address = primary_ips_of(context, record["id"]).get("ipv6" if ":" in body.ip else "ipv4")
        if address is None:
            raise invalid("ip", f"{body.ip} does not belong to the server")
        change_dns_ptr(address, body)
        action = begin(context, "change_dns_ptr", record)
        context.objects.put("primary_ips", address)
        return action


def _zone(context: Context, record: Record) -> str:
    zone: str = context.world.catalogue.location(record["location"])["network_zone"]
    return zone
