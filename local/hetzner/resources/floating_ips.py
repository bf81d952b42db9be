"""Floating IPs: addresses that move between servers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from local.hetzner.actions import effect
from local.hetzner.catalogue import find
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid
from local.hetzner.labels import LabelMap
from local.hetzner.listing import Record
from local.hetzner.resources.addresses import DnsPtr, change_dns_ptr, initial_dns_ptr, new_address
from local.hetzner.resources.base import Body, Change, Empty, Key, Name, Protected, command, referenced


class Creation(Body):
    """A new Floating IP, at home in a location or with a server."""

    type: Literal["ipv4", "ipv6"]
    name: Name | None = None
    description: str | None = None
    labels: LabelMap = Field(default_factory=dict)
    home_location: Key | None = None
    server: int | None = None


class FloatingIpChange(Change):
    """What may change."""

    description: str | None = None


class Assign(Body):
    """Body of ``assign``."""

    server: int


class FloatingIps(Protected):
    """Floating IPs."""

    kind = "floating_ips"
    singular = "floating_ip"
    creation = Creation
    change = FloatingIpChange
    sorts = ("id", "created")

    @property
    def title(self) -> str:
        """As it is written."""
        return "Floating IP"

    def view(self, context: Context, record: Record) -> Record:
        """With its location."""
        return {**record, "home_location": context.world.catalogue.location(record["home_location"])}

    def create(self, context: Context, body: Creation) -> Record:
        """Make an address, and assign it."""
        server = referenced(context, "servers", body.server, "server") if body.server is not None else None
        if server is None and body.home_location is None:
            raise invalid("home_location", "either home_location or server must be given")
        home = find(context.world.catalogue.locations, body.home_location or (server or {})["location"])
        if home is None:
            raise invalid("home_location", f"location {body.home_location!r} not found")
        address = new_address(context, body.type)
        record = self.add(
            context,
            {
                "name": body.name or f"floating-ip-{context.world.state.number('floating_ip_name', 1)}",
                "description": body.description or "",
                "type": body.type,
                "labels": body.labels,
                "home_location": home["name"],
                "ip": address,
                "dns_ptr": initial_dns_ptr(address),
                "server": None,
                "blocked": False,
                "protection": {"delete": False},
            },
        )
        action = self._assign(context, record, server) if server is not None else None
        return {
            "floating_ip": self.view(context, record),
            **({"action": context.actions.view(action)} if action else {}),
        }

    def update(self, context: Context, record: Record, body: FloatingIpChange) -> None:
        """Describe it."""
        if body.description is not None:
            record["description"] = body.description

    def delete(self, context: Context, record: Record) -> None:
        """Remove it, when no server has it."""
        if record["server"] is not None:
            raise ApiError("must_be_unassigned", "Floating IP must be unassigned")
        context.objects.delete(self.kind, record["id"])

    @command("assign", Assign)
    def assign(self, context: Context, record: Record, body: Assign) -> Record:
        """Give it to a server, whoever has it now."""
        if record["server"] == body.server:
            raise ApiError("floating_ip_assigned", "Floating IP is already assigned to this server")
        return self._assign(context, record, referenced(context, "servers", body.server, "server"))

    @command("unassign", Empty)
    def unassign(self, context: Context, record: Record, body: Empty) -> Record:
        """Take it from its server."""
        if record["server"] is None:
            raise ApiError("service_error", "Floating IP is not assigned")
        targets = [("server", record["server"]), ("floating_ip", record["id"])]
        return context.actions.begin(
            "unassign_floating_ip", targets, set_floating_server, floating_ip=record["id"], server=None
        )

    @command("change_dns_ptr", DnsPtr)
    def change_dns_ptr(self, context: Context, record: Record, body: DnsPtr) -> Record:
        """Name the address."""
        change_dns_ptr(record, body)
        action = context.actions.begin("change_dns_ptr", [("floating_ip", record["id"])])
        context.objects.put(self.kind, record)
        return action

    def _assign(self, context: Context, record: Record, server: Record) -> Record:
        targets = [("server", server["id"]), ("floating_ip", record["id"])]
        return context.actions.begin(
            "assign_floating_ip", targets, set_floating_server, floating_ip=record["id"], server=server["id"]
        )


@effect
def set_floating_server(context: Context, floating_ip: int, server: int | None) -> None:
    """The address is with another server, or with none."""
    record = context.objects.get("floating_ips", floating_ip)
    if record is not None:
        context.objects.put("floating_ips", {**record, "server": server})
