"""Primary IPs: the addresses of a server's public interface."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from local.hetzner.actions import effect
from local.hetzner.catalogue import find
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid
from local.hetzner.labels import LabelMap
from local.hetzner.listing import Record
from local.hetzner.resources.addresses import DnsPtr, change_dns_ptr
from local.hetzner.resources.assignment import (
    LOAD_BALANCER,
    SERVER,
    UNASSIGNED,
    new_primary_ip,
    owner,
    primary_ips_of,
)
from local.hetzner.resources.base import (
    Body,
    Change,
    DeleteProtection,
    Empty,
    Key,
    Name,
    Protected,
    command,
    referenced,
)

Family = Literal["ipv4", "ipv6"]


class Creation(Body):
    """A new Primary IP, in a location or assigned to a server that is off."""

    name: Name
    type: Family
    labels: LabelMap = Field(default_factory=dict)
    location: Key | None = None
    assignee_type: Literal["server", "unassigned"] = "server"
    assignee_id: int | None = None
    auto_delete: bool = False


class PrimaryIpChange(Change):
    """What may change."""

    auto_delete: bool | None = None


class Assign(Body):
    """Body of ``assign``."""

    assignee_id: int
    assignee_type: Literal["server"]


class PrimaryIps(Protected):
    """Primary IPs."""

    kind = "primary_ips"
    singular = "primary_ip"
    creation = Creation
    change = PrimaryIpChange
    sorts = ("id", "created")
    filters = {"ip": lambda record, value: record["ip"] == value}

    @property
    def title(self) -> str:
        """As it is written."""
        return "Primary IP"

    def view(self, context: Context, record: Record) -> Record:
        """With its location."""
        kind, _, identity = (record["owner"] or UNASSIGNED).partition("/")
        return {
            **{name: value for name, value in record.items() if name != "owner"},
            "location": context.world.catalogue.location(record["location"]),
            "assignee_type": kind,
            "assignee_id": int(identity) if identity else None,
        }

    def create(self, context: Context, body: Creation) -> Record:
        """Make an address, and assign it."""
        if (body.location is None) == (body.assignee_id is None):
            raise invalid("location", "either location or assignee_id must be given")
        server = None
        if body.assignee_id is not None:
            server = _free_server(context, body.assignee_id, body.type)
            location: Record | None = {"name": server["location"]}
        else:
            location = find(context.world.catalogue.locations, body.location)
        if location is None:
            raise invalid("location", f"location {body.location!r} not found")
        record = self.add(
            context, new_primary_ip(context, body.type, location["name"], body.name, body.labels, body.auto_delete)
        )
        answer: Record = {}
        if server is not None:
            answer["action"] = context.actions.view(self._assign(context, record, server))
        return {"primary_ip": self.view(context, record), **answer}

    def update(self, context: Context, record: Record, body: PrimaryIpChange) -> None:
        """Whether it goes with its server."""
        if body.auto_delete is not None:
            record["auto_delete"] = body.auto_delete

    def delete(self, context: Context, record: Record) -> None:
        """Remove it, when it has no owner."""
        if record["owner"] is not None:
            raise ApiError("must_be_unassigned", "Primary IP must be unassigned")
        context.objects.delete(self.kind, record["id"])

    @command("change_protection", DeleteProtection)
    def change_protection(self, context: Context, record: Record, body: DeleteProtection) -> Record:
        """Protect it, unless it is deleted with its server."""
        if body.delete and record["auto_delete"]:
            raise ApiError("unsupported_error", "a Primary IP with auto_delete can not be protected")
        return super().change_protection(context, record, body)

    @command("assign", Assign)
    def assign(self, context: Context, record: Record, body: Assign) -> Record:
        """Give it to a server that is off and has none of the family."""
        if record["owner"] is not None:
            raise ApiError("primary_ip_already_assigned", "Primary IP is already assigned")
        server = _free_server(context, body.assignee_id, record["type"])
        if server["location"] != record["location"]:
            raise invalid("assignee_id", f"server is in {server['location']}, the Primary IP in {record['location']}")
        return self._assign(context, record, server)

    @command("unassign", Empty)
    def unassign(self, context: Context, record: Record, body: Empty) -> Record:
        """Take it from its server, which is off."""
        kind, _, identity = (record["owner"] or UNASSIGNED).partition("/")
        if kind == LOAD_BALANCER:
            raise ApiError("unsupported_error", "a load balancer keeps its Primary IP as long as it lives")
        server = context.objects.get("servers", int(identity or 0))
        if server is None:
            raise ApiError("service_error", "Primary IP is not assigned")
        if server["status"] != "off":
            raise ApiError("server_not_stopped", "server must be powered off")
        if record["type"] == "ipv4" and _is_public_target(context, server):
            raise ApiError("server_is_load_balancer_target", "server's IPv4 is a load balancer target")
        return context.actions.begin(
            "unassign_primary_ip",
            [("server", server["id"]), ("primary_ip", record["id"])],
            set_assignee,
            primary_ip=record["id"],
            assigned_to=None,
        )

    @command("change_dns_ptr", DnsPtr)
    def change_dns_ptr(self, context: Context, record: Record, body: DnsPtr) -> Record:
        """Name the address."""
        change_dns_ptr(record, body)
        action = context.actions.begin("change_dns_ptr", [("primary_ip", record["id"])])
        context.objects.put(self.kind, record)
        return action

    def _assign(self, context: Context, record: Record, server: Record) -> Record:
        return context.actions.begin(
            "assign_primary_ip",
            [("server", server["id"]), ("primary_ip", record["id"])],
            set_assignee,
            primary_ip=record["id"],
            assigned_to=owner(SERVER, server["id"]),
        )


@effect
def set_assignee(context: Context, primary_ip: int, assigned_to: str | None) -> None:
    """The address has another owner, or none."""
    record = context.objects.get("primary_ips", primary_ip)
    if record is not None:
        context.objects.put("primary_ips", {**record, "owner": assigned_to})


def _free_server(context: Context, identity: int, family: str) -> Record:
    server = referenced(context, "servers", identity, "assignee_id")
    if server["status"] != "off":
        raise ApiError("server_not_stopped", "server must be powered off")
    if family in primary_ips_of(context, identity):
        raise ApiError(f"server_has_{family}", f"server already has an {family} address")
    return server


def _is_public_target(context: Context, server: Record) -> bool:
    return any(
        target["type"] == "server" and target["server"]["id"] == server["id"] and not target["use_private_ip"]
        for balancer in context.objects.all("load_balancers")
        for target in balancer["targets"]
    )
