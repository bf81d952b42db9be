"""Which object at Hetzner was to be made of a resource's inputs: by what is unique about it, and only where it, or what
it is a part of, says by its labels that it was made for this very cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from hcloud import APIException, Client

from automation.adoption import Identify, by_name
from automation.cloud import Cloud
from automation.inventory import CLUSTER, FOUNDATION, KINDS, LOAD_BALANCER, NETWORK, VOLUME, Kind

Inputs = Mapping[str, Any]
Part = Callable[[Any, Inputs], str | None]
"""The import id of a part of the object, None when it has no such part."""

OWNER: Final = "managed-by"
ZONE: Final = "hcloud:index/zone:Zone"
# Ports that a service listens on when none is given (vendor documentation).
PORTS: Final = {"http": 80, "https": 443}


def at_hetzner(cloud: Callable[[], Cloud]) -> dict[str, Identify]:
    """How objects of the cluster are found; ``cloud`` is asked for when something is looked for."""
    parts: dict[str, tuple[Kind, str, Part]] = {
        "hcloud:index/networkSubnet:NetworkSubnet": (NETWORK, "networkId", _subnet),
        "hcloud:index/networkRoute:NetworkRoute": (NETWORK, "networkId", _route),
        "hcloud:index/loadBalancerService:LoadBalancerService": (LOAD_BALANCER, "loadBalancerId", _service),
        "hcloud:index/volumeAttachment:VolumeAttachment": (VOLUME, "volumeId", _attachment),
    }
    wholes = {kind.type: partial(_by_name, cloud, kind) for kind in KINDS}
    found = {kind: partial(_in_whole, cloud, *where) for kind, where in parts.items()}
    return {**wholes, **found, "hcloud:index/zoneRrset:ZoneRrset": partial(_records, cloud)}


def ours(bound: Any, cluster: str) -> bool:
    """Whether an object's labels say that this library made it for the cluster."""
    return bool(bound.labels.get(OWNER) == FOUNDATION and bound.labels.get(CLUSTER) == cluster)


def _by_name(cloud: Callable[[], Cloud], kind: Kind, inputs: Inputs) -> str | None:
    project = cloud()
    name = by_name(inputs)
    client = project.client if kind.type != ZONE else project.dns or project.client
    # The client's lists of volumes know no filter by name.
    found = next((found for found in kind.all(client) if found.name == name), None)
    return str(found.id) if found is not None and ours(found, project.cluster) else None


def _in_whole(cloud: Callable[[], Cloud], kind: Kind, key: str, part: Part, inputs: Inputs) -> str | None:
    project = cloud()
    whole = next((found for found in kind.all(project.client) if str(found.id) == _number(inputs.get(key))), None)
    return part(whole, inputs) if whole is not None and ours(whole, project.cluster) else None


def _number(value: Any) -> str:
    """An id as text: the engine keeps numbers as floats."""
    return f"{value:.0f}" if isinstance(value, float) else str(value)


def _subnet(network: Any, inputs: Inputs) -> str | None:
    ranges = [subnet.ip_range for subnet in network.subnets]
    return f"{network.id}-{inputs['ipRange']}" if inputs.get("ipRange") in ranges else None


def _route(network: Any, inputs: Inputs) -> str | None:
    destinations = [route.destination for route in network.routes]
    return f"{network.id}-{inputs['destination']}" if inputs.get("destination") in destinations else None


def _service(balancer: Any, inputs: Inputs) -> str | None:
    port = _number(inputs.get("listenPort") or PORTS.get(inputs.get("protocol", "")))
    ports = [str(service.listen_port) for service in balancer.services]
    return f"{balancer.id}__{port}" if port in ports else None


def _attachment(volume: Any, inputs: Inputs) -> str | None:
    there = volume.server is not None and str(volume.server.id) == _number(inputs.get("serverId"))
    return str(volume.id) if there else None


def _records(cloud: Callable[[], Cloud], inputs: Inputs) -> str | None:
    project = cloud()
    zone, name, kind = (inputs.get(key) for key in ("zone", "name", "type"))
    found = _record_set(project.dns or project.client, str(zone), str(name), str(kind))
    return f"{zone}/{name}/{kind}" if found is not None and ours(found, project.cluster) else None


def _record_set(client: Client, zone: str, name: str, kind: Any) -> Any:
    try:
        return client.zones.get(zone).get_rrset(name, kind)
    except APIException as error:
        if error.code == "not_found":
            return None
        raise
