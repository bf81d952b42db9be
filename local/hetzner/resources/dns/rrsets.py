"""Record sets as the API serves them: below their zone, by name and type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from local.hetzner.actions import effect
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid, not_found
from local.hetzner.labels import LabelMap
from local.hetzner.listing import Record
from local.hetzner.resources.base import Answer, Body, Call, Resource
from local.hetzner.resources.dns import Zones, begin_on_zone, require_mode
from local.hetzner.resources.dns.records import MAX_RECORDS, Records, RrsetCreation, Ttl, check_value, find_rrset

_zones = Zones()


class RrsetChange(Body):
    """What may change."""

    labels: LabelMap | None = None


class ChangeTtl(Body):
    """Body of ``change_ttl``; None: the zone's."""

    ttl: Ttl | None


class ChangeProtection(Body):
    """Body of ``change_protection``."""

    change: bool


class RecordsBody(Body):
    """Body of the commands on records."""

    records: Records
    ttl: Ttl | None = None


@dataclass(frozen=True)
class Operation:
    """A command: its action, and what it makes of a record set, given the body."""

    action: str
    body: type[BaseModel]
    apply: Callable[[Record, Any], Record]


def _add(rrset: Record, body: RecordsBody) -> Record:
    given = [record.model_dump() for record in body.records]
    known = {record["value"] for record in rrset["records"]}
    added = [record for record in given if record["value"] not in known]
    return {**rrset, "records": [*rrset["records"], *added], "ttl": body.ttl or rrset["ttl"]}


def _remove(rrset: Record, body: RecordsBody) -> Record:
    gone = {record.value for record in body.records}
    return {**rrset, "records": [record for record in rrset["records"] if record["value"] not in gone]}


def _update(rrset: Record, body: RecordsBody) -> Record:
    comments = {record.value: record.comment for record in body.records}
    records = [{**record, "comment": comments.get(record["value"], record["comment"])} for record in rrset["records"]]
    return {**rrset, "records": records}


OPERATIONS = {
    "add_records": Operation("add_rrset_records", RecordsBody, _add),
    "remove_records": Operation("remove_rrset_records", RecordsBody, _remove),
    "update_records": Operation("update_rrset_records", RecordsBody, _update),
    "set_records": Operation(
        "set_rrset_records",
        RecordsBody,
        lambda rrset, body: {**rrset, "records": [record.model_dump() for record in body.records]},
    ),
    "change_ttl": Operation("change_rrset_ttl", ChangeTtl, lambda rrset, body: {**rrset, "ttl": body.ttl}),
    "change_protection": Operation(
        "change_rrset_protection",
        ChangeProtection,
        lambda rrset, body: {**rrset, "protection": {"change": body.change}},
    ),
}


class Rrsets(Resource):
    """Record sets of zones in mode primary."""

    kind = "rrsets"
    singular = "rrset"
    sorts = ("id", "name")
    max_per_page = 100
    filters = {"type": lambda record, value: record["type"] == value}

    def __init__(self, zone: Record | None = None) -> None:
        self._zone = zone

    @property
    def title(self) -> str:
        """As it is written."""
        return "record set"

    def all(self, context: Context) -> list[Record]:
        """Of the zone."""
        return [] if self._zone is None else [_view(self._zone, rrset) for rrset in self._zone["rrsets"]]

    def handle_list(self, context: Context, call: Call) -> Answer:
        """``GET /zones/{zone}/rrsets``."""
        if self._zone is not None:
            return super().handle_list(context, call)
        return Rrsets(_zones.find(context, call.path["zone"])).handle_list(context, call)

    def handle_get(self, context: Context, call: Call) -> Answer:
        """``GET /zones/{zone}/rrsets/{name}/{type}``."""
        return Answer({"rrset": _view(*self._existing(context, call))})

    def handle_create(self, context: Context, call: Call) -> Answer:
        """``POST /zones/{zone}/rrsets``."""
        zone = _zones.find(context, call.path["zone"])
        require_mode(zone, "primary")
        rrset = call.read(RrsetCreation).record()
        if find_rrset(zone, rrset["name"], rrset["type"]):
            raise ApiError("uniqueness_error", "record set exists already", {"fields": [{"name": "name"}]})
        put_rrset(context, zone["id"], rrset)
        action = begin_on_zone(context, "create_rrset", zone)
        return Answer({"rrset": _view(zone, rrset), "action": context.actions.view(action)}, 201)

    def handle_update(self, context: Context, call: Call) -> Answer:
        """``PUT /zones/{zone}/rrsets/{name}/{type}``."""
        zone, rrset = self._existing(context, call)
        labels = call.read(RrsetChange).labels
        changed = rrset if labels is None else {**rrset, "labels": labels}
        put_rrset(context, zone["id"], changed)
        return Answer({"rrset": _view(zone, changed)})

    def handle_delete(self, context: Context, call: Call) -> Answer:
        """``DELETE /zones/{zone}/rrsets/{name}/{type}``."""
        zone, rrset = self._existing(context, call)
        _require_changeable(rrset)
        action = begin_on_zone(context, "delete_rrset", zone, drop_rrset, rrset=rrset["id"])
        return Answer({"action": context.actions.view(action)}, 201)

    def handle_operation(self, context: Context, call: Call, command: str) -> Answer:
        """``POST /zones/{zone}/rrsets/{name}/{type}/actions/{command}``."""
        operation = OPERATIONS[command]
        zone = _zones.find(context, call.path["zone"])
        require_mode(zone, "primary")
        body = call.read(operation.body)
        name, record_type = call.path["name"], call.path["type"]
        rrset = find_rrset(zone, name, record_type)
        if rrset is None:
            if operation.apply is not _add:
                raise not_found(self.title, f"{name}/{record_type}")
            # Adding records makes the set.
            rrset = _new(name, record_type)
            put_rrset(context, zone["id"], rrset)
        elif operation.action != "change_rrset_protection":
            _require_changeable(rrset)
        _check(record_type, operation.apply(rrset, body))
        action = begin_on_zone(
            context,
            operation.action,
            zone,
            apply_operation,
            rrset=rrset["id"],
            command=command,
            body=body.model_dump(),
        )
        status = 200 if command == "update_records" else 201
        return Answer({"action": context.actions.view(action)}, status)

    def _existing(self, context: Context, call: Call) -> tuple[Record, Record]:
        zone = _zones.find(context, call.path["zone"])
        rrset = find_rrset(zone, call.path["name"], call.path["type"])
        if rrset is None:
            raise not_found(self.title, f"{call.path['name']}/{call.path['type']}")
        return zone, rrset


@effect
def apply_operation(context: Context, zone: int, rrset: str, command: str, body: Record) -> None:
    """A record set is different; one without records is gone."""
    record = context.objects.get("zones", zone)
    present = next((other for other in record["rrsets"] if other["id"] == rrset), None) if record else None
    if present is None:
        return
    operation = OPERATIONS[command]
    changed = operation.apply(present, operation.body.model_validate(body))
    if changed["records"]:
        put_rrset(context, zone, changed)
    else:
        drop_rrset(context, zone, rrset)


@effect
def drop_rrset(context: Context, zone: int, rrset: str) -> None:
    """A record set is gone."""
    record = context.objects.get("zones", zone)
    if record is not None:
        kept = [other for other in record["rrsets"] if other["id"] != rrset]
        context.objects.put("zones", {**record, "rrsets": kept})


def put_rrset(context: Context, zone: int, rrset: Record) -> None:
    """Keep a new or changed record set."""
    record = context.objects.get("zones", zone)
    if record is not None:
        kept = [other for other in record["rrsets"] if other["id"] != rrset["id"]]
        context.objects.put("zones", {**record, "rrsets": [*kept, rrset]})


def _view(zone: Record, rrset: Record) -> Record:
    return {**rrset, "zone": zone["id"]}


def _new(name: str, record_type: str) -> Record:
    plain: Record = {"id": f"{name}/{record_type}", "name": name, "type": record_type, "ttl": None, "labels": {}}
    return {**plain, "protection": {"change": False}, "records": []}


def _require_changeable(rrset: Record) -> None:
    if rrset["protection"]["change"]:
        raise ApiError("protected", "record set is protected")


def _check(record_type: str, rrset: Record) -> None:
    if len(rrset["records"]) > MAX_RECORDS:
        raise invalid("records", f"more than {MAX_RECORDS}")
    for record in rrset["records"]:
        try:
            check_value(record_type, record["value"])
        except ValueError as error:
            raise invalid("records.value", str(error)) from error
