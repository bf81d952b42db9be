"""DNS zones."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from local.hetzner.actions import Effect, effect
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, not_found
from local.hetzner.labels import LabelMap
from local.hetzner.listing import Record
from local.hetzner.resources.base import Answer, Body, Call, Protected, command
from local.hetzner.resources.dns.records import NAMESERVERS, RrsetCreation, Ttl, initial_rrsets
from local.hetzner.resources.dns.zonefile import read_zonefile, write_zonefile

DEFAULT_TTL = 3600
ZoneName = Annotated[
    str,
    StringConstraints(max_length=255, pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?$"),
]


class Nameserver(Body):
    """Where a secondary zone is copied from."""

    address: str
    port: int = 53
    tsig_key: str | None = None
    tsig_algorithm: Literal["hmac-md5", "hmac-sha1", "hmac-sha256"] | None = None


class Creation(Body):
    """A new zone, with record sets or a zone file."""

    name: ZoneName
    mode: Literal["primary", "secondary"]
    ttl: Ttl = DEFAULT_TTL
    labels: LabelMap = Field(default_factory=dict)
    primary_nameservers: list[Nameserver] = []
    rrsets: list[RrsetCreation] = []
    zonefile: str | None = None


class ZoneChange(Body):
    """What may change."""

    labels: LabelMap | None = None


class ChangeTtl(Body):
    """Body of ``change_ttl``."""

    ttl: Ttl


class ImportZonefile(Body):
    """Body of ``import_zonefile``."""

    zonefile: str


class ChangeNameservers(Body):
    """Body of ``change_primary_nameservers``."""

    primary_nameservers: list[Nameserver]


class Zones(Protected):
    """Zones, found by ID or by name. Their record sets lie in them."""

    kind = "zones"
    singular = "zone"
    creation = Creation
    change = ZoneChange
    filters = {"mode": lambda record, value: record["mode"] == value}

    def find(self, context: Context, key: object) -> Record:
        """By ID or name."""
        found = context.objects.where(self.kind, "name", str(key))
        if found:
            return found[0]
        if not str(key).isdecimal():
            raise not_found(self.title, key)
        return super().find(context, key)

    def view(self, context: Context, record: Record) -> Record:
        """Without its record sets."""
        shown = {name: value for name, value in record.items() if name != "rrsets"}
        working = any(
            {"id": record["id"], "type": "zone"} in action["resources"] for action in context.actions.running()
        )
        return {
            **shown,
            "status": "updating" if working else "ok",
            "record_count": sum(len(rrset["records"]) for rrset in record["rrsets"]),
            "registrar": "other",
            "authoritative_nameservers": {
                "assigned": list(NAMESERVERS),
                "delegated": list(NAMESERVERS),
                "delegation_last_check": record["created"],
                "delegation_status": "valid",
            },
        }

    def create(self, context: Context, body: Creation) -> Record:
        """Make a zone."""
        if body.zonefile is not None:
            rrsets = read_zonefile(body.zonefile, body.name, body.ttl)
        else:
            rrsets = initial_rrsets(body.ttl) if body.mode == "primary" else []
            rrsets += [rrset.record() for rrset in body.rrsets]
        record = self.add(
            context,
            {
                "name": body.name,
                "mode": body.mode,
                "ttl": body.ttl,
                "labels": body.labels,
                "protection": {"delete": False},
                "rrsets": rrsets,
                "primary_nameservers": _dump(body.primary_nameservers),
            },
        )
        action = begin_on_zone(context, "create_zone", record)
        return {"zone": self.view(context, record), "action": context.actions.view(action)}

    def delete(self, context: Context, record: Record) -> Record:
        """Remove the zone with its record sets."""
        return begin_on_zone(context, "delete_zone", record, drop_zone)

    @command("change_ttl", ChangeTtl)
    def change_ttl(self, context: Context, record: Record, body: ChangeTtl) -> Record:
        """Another default TTL."""
        require_mode(record, "primary")
        return begin_on_zone(context, "change_ttl", record, set_zone, ttl=body.ttl)

    @command("import_zonefile", ImportZonefile)
    def import_zonefile(self, context: Context, record: Record, body: ImportZonefile) -> Record:
        """Replace all record sets."""
        require_mode(record, "primary")
        if any(rrset["protection"]["change"] for rrset in record["rrsets"]):
            raise ApiError("protected", "a record set of the zone is protected")
        rrsets = read_zonefile(body.zonefile, record["name"], record["ttl"])
        return begin_on_zone(context, "import_zonefile", record, set_zone, rrsets=rrsets)

    @command("change_primary_nameservers", ChangeNameservers)
    def change_primary_nameservers(self, context: Context, record: Record, body: ChangeNameservers) -> Record:
        """Copy from elsewhere."""
        require_mode(record, "secondary")
        servers = _dump(body.primary_nameservers)
        return begin_on_zone(context, "change_primary_nameservers", record, set_zone, primary_nameservers=servers)

    def handle_zonefile(self, context: Context, call: Call) -> Answer:
        """``GET /zones/{id}/zonefile``."""
        record = self.find(context, call.path["id"])
        require_mode(record, "primary")
        return Answer({"zonefile": write_zonefile(record)})


def begin_on_zone(context: Context, name: str, record: Record, then: Effect | None = None, **arguments: Any) -> Record:
    """An action on a zone."""
    return context.actions.begin(name, [("zone", record["id"])], then, zone=record["id"], **arguments)


def require_mode(record: Record, mode: str) -> None:
    """Raise ``ApiError`` for zones of the other mode."""
    if record["mode"] != mode:
        raise ApiError("incorrect_zone_mode", f"not supported for zones in mode {record['mode']}")


@effect
def set_zone(context: Context, zone: int, **fields: Any) -> None:
    """Something of it is different."""
    record = context.objects.get("zones", zone)
    if record is not None:
        context.objects.put("zones", {**record, **fields})


@effect
def drop_zone(context: Context, zone: int) -> None:
    """It is gone."""
    context.objects.delete("zones", zone)


def _dump(servers: list[Nameserver]) -> list[Record]:
    return [server.model_dump(exclude_none=True) for server in servers]
