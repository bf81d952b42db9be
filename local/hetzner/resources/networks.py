"""Private networks with their subnets and routes."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from local.hetzner.actions import effect
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid, limit_exceeded
from local.hetzner.labels import LabelMap
from local.hetzner.listing import Record
from local.hetzner.resources.base import Body, Change, Name, Protected, command
from local.hetzner.resources.private_network import attachment, detach, members

# Vendor documentation, networks.
MAX_SUBNETS = 50
MAX_ROUTES = 100
# RFC 1918: what a network may be made of (vendor documentation, networks).
PRIVATE = [IPv4Network(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
SMALLEST_NETWORK = 24
SMALLEST_SUBNET = 30


def _range(text: str) -> str:
    try:
        return str(IPv4Network(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not an IPv4 range such as 10.0.0.0/16: {error}") from error


def _address(text: str) -> str:
    try:
        return str(IPv4Address(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is not an IPv4 address") from error


Range = Annotated[str, AfterValidator(_range)]
Address = Annotated[str, AfterValidator(_address)]


class Subnet(Body):
    """A part of the network; without a range it gets the first free /24."""

    type: Literal["cloud", "server", "vswitch"]
    network_zone: str
    ip_range: Range | None = None
    vswitch_id: int | None = None


class Route(Body):
    """Packets to ``destination`` go to ``gateway``."""

    destination: Range
    gateway: Address


class Creation(Body):
    """A new network."""

    name: Name
    ip_range: Range
    labels: LabelMap = Field(default_factory=dict)
    subnets: list[Subnet] = []
    routes: list[Route] = []
    expose_routes_to_vswitch: bool = False


class NetworkChange(Change):
    """What may change."""

    expose_routes_to_vswitch: bool | None = None


class IpRange(Body):
    """Body of ``change_ip_range`` and ``delete_subnet``."""

    ip_range: Range


class Networks(Protected):
    """Networks. Every change excludes the others: ``conflict``."""

    kind = "networks"
    singular = "network"
    creation = Creation
    change = NetworkChange

    def view(self, context: Context, record: Record) -> Record:
        """With its members."""
        attached = members(context, record["id"])
        return {
            **record,
            **{
                kind: [member["id"] for member in records if not (attachment(member, record["id"]) or {})["pending"]]
                for kind, records in attached.items()
            },
        }

    def create(self, context: Context, body: Creation) -> Record:
        """Make a network."""
        _require_private(IPv4Network(body.ip_range))
        record: Record = {
            "name": body.name,
            "ip_range": body.ip_range,
            "labels": body.labels,
            "subnets": [],
            "routes": [],
            "protection": {"delete": False},
            "expose_routes_to_vswitch": body.expose_routes_to_vswitch,
        }
        for subnet in body.subnets:
            record["subnets"].append(_new_subnet(context, record, subnet))
        for route in body.routes:
            record["routes"].append(_new_route(record, route))
        return {"network": self.view(context, self.add(context, record))}

    def update(self, context: Context, record: Record, body: NetworkChange) -> None:
        """Expose routes, or don't."""
        if body.expose_routes_to_vswitch is not None:
            record["expose_routes_to_vswitch"] = body.expose_routes_to_vswitch

    def delete(self, context: Context, record: Record) -> None:
        """Remove it; what is attached is detached."""
        for kind, records in members(context, record["id"]).items():
            for member in records:
                detach(member, record["id"])
                context.objects.put(kind, member)
        context.objects.delete(self.kind, record["id"])

    @command("add_subnet", Subnet)
    def add_subnet(self, context: Context, record: Record, body: Subnet) -> Record:
        """Add a subnet."""
        subnet = _new_subnet(context, record, body)
        return self._begin(context, "add_subnet", record, set_parts, part="subnets", added=[subnet])

    @command("delete_subnet", IpRange)
    def delete_subnet(self, context: Context, record: Record, body: IpRange) -> Record:
        """Remove a subnet that nothing is attached to."""
        subnet = next((part for part in record["subnets"] if part["ip_range"] == body.ip_range), None)
        if subnet is None:
            raise ApiError("not_found", f"subnet {body.ip_range} not found")
        places = [
            attachment(member, record["id"])
            for records in members(context, record["id"]).values()
            for member in records
        ]
        if any(place and IPv4Address(place["ip"]) in IPv4Network(body.ip_range) for place in places):
            # Code and words that the vendor's Terraform provider waits for.
            raise ApiError("service_error", "cannot remove subnet because servers are attached to it")
        return self._begin(context, "delete_subnet", record, set_parts, part="subnets", removed=[subnet])

    @command("add_route", Route)
    def add_route(self, context: Context, record: Record, body: Route) -> Record:
        """Add a route."""
        route = _new_route(record, body)
        return self._begin(context, "add_route", record, set_parts, part="routes", added=[route])

    @command("delete_route", Route)
    def delete_route(self, context: Context, record: Record, body: Route) -> Record:
        """Remove a route."""
        route = body.model_dump()
        if route not in record["routes"]:
            raise ApiError("not_found", "route not found")
        return self._begin(context, "delete_route", record, set_parts, part="routes", removed=[route])

    @command("change_ip_range", IpRange)
    def change_ip_range(self, context: Context, record: Record, body: IpRange) -> Record:
        """Make the network larger: the same first address, a shorter mask."""
        old, new = IPv4Network(record["ip_range"]), IPv4Network(body.ip_range)
        if new.network_address != old.network_address or new.prefixlen > old.prefixlen:
            raise invalid("ip_range", f"must begin with {old.network_address} and not be smaller than {old}")
        _require_private(new)
        return self._begin(context, "change_ip_range", record, set_ip_range, ip_range=body.ip_range)

    def _begin(self, context: Context, name: str, record: Record, then: Any, **arguments: Any) -> Record:
        return context.actions.begin(name, [("network", record["id"])], then, network=record["id"], **arguments)


@effect
def set_parts(
    context: Context, network: int, part: str, added: Sequence[Record] = (), removed: Sequence[Record] = ()
) -> None:
    """Subnets or routes come and go."""
    record = context.objects.get("networks", network)
    if record is not None:
        kept = [existing for existing in record[part] if existing not in removed]
        context.objects.put("networks", {**record, part: [*kept, *added]})


@effect
def set_ip_range(context: Context, network: int, ip_range: str) -> None:
    """The network has grown."""
    record = context.objects.get("networks", network)
    if record is not None:
        context.objects.put("networks", {**record, "ip_range": ip_range})


def _require_private(ip_range: IPv4Network) -> None:
    if ip_range.prefixlen > SMALLEST_NETWORK or not any(ip_range.subnet_of(private) for private in PRIVATE):
        raise invalid("ip_range", f"{ip_range} is not a private range (RFC 1918) of at least a /{SMALLEST_NETWORK}")


def _new_subnet(context: Context, record: Record, body: Subnet) -> Record:
    if len(record["subnets"]) >= MAX_SUBNETS:
        raise limit_exceeded("subnet_limit")
    zones = {location["network_zone"] for location in context.world.catalogue.locations}
    if body.network_zone not in zones:
        raise invalid("network_zone", f"is not one of {', '.join(sorted(zones))}")
    if any(subnet["network_zone"] != body.network_zone for subnet in record["subnets"]):
        raise invalid("network_zone", "all subnets of a network must be in the same network zone")
    if (body.type == "vswitch") != (body.vswitch_id is not None):
        raise invalid("vswitch_id", "must be given for subnets of type vswitch, and only for those")
    subnet = {
        "type": body.type,
        "ip_range": body.ip_range or _free_range(record),
        "network_zone": body.network_zone,
        "gateway": str(IPv4Network(record["ip_range"])[1]),
        "vswitch_id": body.vswitch_id,
    }
    ip_range = IPv4Network(subnet["ip_range"])
    if ip_range.prefixlen > SMALLEST_SUBNET or not ip_range.subnet_of(IPv4Network(record["ip_range"])):
        raise invalid("ip_range", f"{ip_range} is not a part of {record['ip_range']} of at least a /{SMALLEST_SUBNET}")
    if any(ip_range.overlaps(IPv4Network(other["ip_range"])) for other in record["subnets"]):
        raise invalid("ip_range", f"{ip_range} overlaps with another subnet")
    return subnet


def _free_range(record: Record) -> str:
    used = [IPv4Network(subnet["ip_range"]) for subnet in record["subnets"]]
    ranges = IPv4Network(record["ip_range"]).subnets(new_prefix=SMALLEST_NETWORK)
    free = next((part for part in ranges if not any(part.overlaps(other) for other in used)), None)
    if free is None:
        raise invalid("ip_range", "the network has no free /24")
    return str(free)


def _new_route(record: Record, body: Route) -> Record:
    if len(record["routes"]) >= MAX_ROUTES:
        raise limit_exceeded("route_limit")
    route = body.model_dump()
    network = IPv4Network(record["ip_range"])
    if any(other["destination"] == body.destination for other in record["routes"]):
        raise invalid("destination", f"there is a route to {body.destination} already")
    if IPv4Address(body.gateway) not in network or IPv4Address(body.gateway) == network[1]:
        raise invalid("gateway", f"must be an address of {network} other than {network[1]}")
    if IPv4Network(body.destination).subnet_of(network):
        raise invalid("destination", "must not be part of the network")
    return route
