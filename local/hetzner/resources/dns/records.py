"""Record sets of a zone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from pydantic import AfterValidator, Field, model_validator

from local.hetzner.labels import LabelMap
from local.hetzner.listing import Record
from local.hetzner.resources.base import Body

# Vendor documentation, DNS.
APEX = "@"
RecordType = Literal[
    "A", "AAAA", "CAA", "CNAME", "DS", "HINFO", "HTTPS", "MX", "NS", "PTR", "RP", "SOA", "SRV", "SVCB", "TLSA", "TXT"
]
MIN_TTL = 60
MAX_TTL = 2147483647
MAX_RECORDS = 50
NAMESERVERS = ("hydrogen.ns.hetzner.com.", "oxygen.ns.hetzner.com.", "helium.ns.hetzner.de.")

Ttl = Annotated[int, Field(ge=MIN_TTL, le=MAX_TTL)]


def _relative(name: str) -> str:
    try:
        dns.name.from_text("" if name == APEX else name, origin=None)
    except dns.exception.DNSException as error:
        raise ValueError(f"{name!r} is not a name: {error}") from error
    if name.endswith(".") or name != name.lower():
        raise ValueError(f"{name!r} must be relative to the zone and in lower case; the zone itself is {APEX}")
    return name


RelativeName = Annotated[str, AfterValidator(_relative)]


class ResourceRecord(Body):
    """One value."""

    value: str
    comment: str = ""


Records = Annotated[list[ResourceRecord], Field(min_length=1, max_length=MAX_RECORDS)]


class RrsetCreation(Body):
    """A new record set."""

    name: RelativeName
    type: RecordType
    ttl: Ttl | None = None
    records: Records
    labels: LabelMap = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sound(self) -> RrsetCreation:
        for record in self.records:
            check_value(self.type, record.value)
        return self

    def record(self) -> Record:
        """As it is kept, in its zone."""
        return {
            "id": f"{self.name}/{self.type}",
            "name": self.name,
            "type": self.type,
            "ttl": self.ttl,
            "labels": self.labels,
            "protection": {"change": False},
            "records": dumped(self.records),
        }


def check_value(record_type: str, value: str) -> None:
    """Raise ``ValueError`` unless it is a value of the type, in the form of zone files."""
    try:
        dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(record_type), value)
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"{value!r} is not a value of type {record_type}: {error}") from error


def dumped(records: Sequence[ResourceRecord]) -> list[Record]:
    """As they are kept."""
    return [record.model_dump() for record in records]


def initial_rrsets(ttl: int) -> list[Record]:
    """SOA and NS, which every zone has."""
    soa = f"{NAMESERVERS[0]} dns.hetzner.com. 2026010100 86400 10800 3600000 {ttl}"
    common = {"labels": {}, "protection": {"change": False}, "ttl": None, "name": APEX}
    servers = [{"value": name, "comment": ""} for name in NAMESERVERS]
    return [
        {"id": f"{APEX}/SOA", "type": "SOA", "records": [{"value": soa, "comment": ""}], **common},
        {"id": f"{APEX}/NS", "type": "NS", "records": servers, **common},
    ]


def find_rrset(zone: Record, name: str, record_type: str) -> Record | None:
    """The set of the zone, or None."""
    key = f"{name}/{record_type}"
    return next((rrset for rrset in zone["rrsets"] if rrset["id"] == key), None)
