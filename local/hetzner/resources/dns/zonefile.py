"""Zone files (RFC 1035)."""

from __future__ import annotations

import dns.exception
import dns.rdatatype
import dns.zone

from local.hetzner.errors import invalid
from local.hetzner.listing import Record
from local.hetzner.resources.dns.records import initial_rrsets


def read_zonefile(text: str, zone: str, ttl: int) -> list[Record]:
    """The record sets in the file; SOA and NS are the vendor's. Raises ``ApiError``."""
    try:
        parsed = dns.zone.from_text(text, origin=f"{zone}.", relativize=True, check_origin=False)
    except (dns.exception.DNSException, ValueError) as error:
        raise invalid("zonefile", f"is not a zone file of {zone}: {error}") from error
    own = initial_rrsets(ttl)
    taken = {rrset["id"] for rrset in own}
    for name, rdataset in parsed.iterate_rdatasets():
        record_type = dns.rdatatype.to_text(rdataset.rdtype)
        key = f"{name}/{record_type}"
        if key not in taken:
            own.append(
                {
                    "id": key,
                    "name": str(name),
                    "type": record_type,
                    "ttl": rdataset.ttl or None,
                    "labels": {},
                    "protection": {"change": False},
                    "records": [{"value": rdata.to_text(), "comment": ""} for rdata in rdataset],
                }
            )
    return own


def write_zonefile(zone: Record) -> str:
    """The zone's record sets as a file."""
    lines = [f"$ORIGIN {zone['name']}.", f"$TTL {zone['ttl']}"]
    for rrset in zone["rrsets"]:
        ttl = rrset["ttl"] or zone["ttl"]
        lines += [f"{rrset['name']}\t{ttl}\tIN\t{rrset['type']}\t{record['value']}" for record in rrset["records"]]
    return "\n".join([*lines, ""])
