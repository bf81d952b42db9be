"""What can only be read: locations, types, ISOs, images of the vendor's and of one's own, prices."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Literal

from local.hetzner.catalogue import find
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, not_found
from local.hetzner.labels import LabelMap
from local.hetzner.listing import Record
from local.hetzner.resources.base import Answer, Body, Call, DeleteProtection, Protected, Resource, command


class Offer(Resource):
    """Of the catalogue's list of that name: the same for every project."""

    change = None
    sorts = ("id", "name")

    def all(self, context: Context) -> list[Record]:
        """Of the catalogue."""
        records: list[Record] = getattr(context.world.catalogue, self.kind)
        return records

    def find(self, context: Context, key: object) -> Record:
        """By its ID."""
        record = find(self.all(context), key)
        if record is None or str(record["id"]) != str(key):
            raise not_found(self.title, key)
        return record


class Locations(Offer):
    """Where things can be."""

    kind = "locations"
    singular = "location"


class ServerTypes(Offer):
    """Kinds of servers, by location available, recommended and deprecated."""

    kind = "server_types"
    singular = "server_type"

    def view(self, context: Context, record: Record) -> Record:
        """Without what is sold out."""
        return server_type_view(context, record)


class LoadBalancerTypes(Offer):
    """Kinds of load balancers."""

    kind = "load_balancer_types"
    singular = "load_balancer_type"


class Isos(Offer):
    """Images of installation media."""

    kind = "isos"
    singular = "iso"
    filters = {"architecture": lambda record, value: record["architecture"] in (value, None)}


class ImageChange(Body):
    """What may change of a snapshot."""

    description: str | None = None
    type: Literal["snapshot"] | None = None
    labels: LabelMap | None = None


class Images(Protected):
    """The vendor's images, and the project's snapshots and backups."""

    kind = "images"
    singular = "image"
    change = ImageChange
    filters = {
        "type": lambda record, value: record["type"] == value,
        "status": lambda record, value: record["status"] == value,
        "architecture": lambda record, value: record["architecture"] == value,
        "bound_to": lambda record, value: str(record["bound_to"]) == value,
        "include_deprecated": lambda record, value: value.lower() == "true" or record["deprecated"] is None,
    }

    def all(self, context: Context) -> list[Record]:
        """Stock first."""
        return [*context.world.catalogue.images, *context.objects.all(self.kind)]

    def find(self, context: Context, key: object) -> Record:
        """By its ID."""
        record = next((image for image in self.all(context) if str(image["id"]) == str(key)), None)
        if record is None:
            raise not_found(self.title, key)
        return record

    def handle_list(self, context: Context, call: Call) -> Answer:
        """Without deprecated ones, unless they are asked for."""
        return super().handle_list(context, replace(call, query={"include_deprecated": ["false"], **call.query}))

    def update(self, context: Context, record: Record, body: ImageChange) -> None:
        """Describe it, or keep a backup as a snapshot."""
        _require_own(record)
        if body.description is not None:
            record["description"] = body.description
        if body.type is not None:
            record["type"] = body.type
            record["bound_to"] = None

    def delete(self, context: Context, record: Record) -> None:
        """Remove a snapshot or backup."""
        _require_own(record)
        context.objects.delete(self.kind, record["id"])

    @command("change_protection", DeleteProtection)
    def change_protection(self, context: Context, record: Record, body: DeleteProtection) -> Record:
        """Protect a snapshot."""
        _require_own(record)
        return super().change_protection(context, record, body)


def server_type_view(context: Context, record: Record) -> Record:
    """A server type as it can be ordered now."""
    faults = context.world.faults
    return {
        **record,
        "locations": [
            {**location, "available": location["available"] and faults.listed(record["name"], location["name"])}
            for location in record["locations"]
        ],
    }


def pricing(context: Context) -> Record:
    """The price list."""
    catalogue = context.world.catalogue
    prices = catalogue.prices
    file = prices.file
    per_gb = {
        name: {"price_per_gb_month": prices.amount(Decimal(file[field]))}
        for name, field in (("image", "snapshot_per_gb"), ("volume", "volume_per_gb"))
    }
    return {
        "currency": file["currency"],
        "vat_rate": file["vat_percent"],
        "server_backup": {"percentage": file["backup_percent"]},
        "primary_ips": [{"type": family, "prices": prices.primary_ip(family)} for family in ("ipv4", "ipv6")],
        **per_gb,
        # The price file knows none for them.
        "floating_ips": [],
        "floating_ip": {"price_monthly": prices.amount(Decimal(0))},
        "server_types": [_priced(record) for record in catalogue.server_types],
        "load_balancer_types": [_priced(record) for record in catalogue.load_balancer_types],
    }


def _priced(record: Record) -> Record:
    return {name: record[name] for name in ("id", "name", "prices")}


def _require_own(record: Record) -> None:
    if record["type"] == "system":
        raise ApiError("unsupported_error", "system images can not be changed")
