"""What Hetzner offers, read from dated files: locations, types, stock images, prices."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from local.hetzner.catalogue.prices import Prices, load_prices
from local.hetzner.listing import Record

_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Catalogue:
    """Records as the API shows them, and the figures that bound and time what happens to them."""

    locations: list[Record]
    server_types: list[Record]
    load_balancer_types: list[Record]
    images: list[Record]
    isos: list[Record]
    prices: Prices
    project_limits: dict[str, int] = field(default_factory=dict)
    durations: dict[str, float] = field(default_factory=dict)

    def location(self, name: str) -> Record:
        """The location of that name, which exists."""
        return next(location for location in self.locations if location["name"] == name)

    def duration(self, command: str) -> float:
        """Of an action with this command, in s."""
        return self.durations.get(command, self.durations["default"])


def find(records: list[Record], key: object) -> Record | None:
    """The record with this ID, as number or text, or with this name."""
    text = str(key)
    return next((record for record in records if text in (str(record["id"]), record["name"])), None)


@cache
def load_catalogue() -> Catalogue:
    """Read the files, once."""
    prices = load_prices()
    locations = _read("locations")["locations"]
    ids = {location["name"]: location["id"] for location in locations}
    stock = _read("images")
    limits, durations = _read("limits"), _read("durations")
    return Catalogue(
        locations=locations,
        server_types=[
            record for family in _read("server_types")["families"] for record in _family(family, ids, prices)
        ],
        load_balancer_types=[_load_balancer_type(values, prices) for values in _read("load_balancer_types")["types"]],
        images=[
            *(image for values in stock["images"] for image in _images(values, stock, None)),
            *(image for values in stock["deprecated"] for image in _images(values, stock, stock["deprecation"])),
        ],
        isos=[{**iso, "type": "public", "deprecation": None} for iso in stock["isos"]],
        prices=prices,
        project_limits=limits["project"],
        durations=durations,
    )


def _read(name: str) -> Any:
    # Dates stay text: that is how the API shows them.
    return yaml.load((_FOLDER / f"{name}.yaml").read_text(), _Loader)  # noqa: S506 - a SafeLoader


class _Loader(yaml.SafeLoader):
    """Safe, and without dates."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _family(family: Any, ids: dict[str, int], prices: Prices) -> list[Record]:
    notice = family.get("deprecated")
    deprecation = {key: notice[key] for key in ("announced", "unavailable_after")} if notice else None
    gone = notice["locations"] if notice else []
    return [
        {
            "id": identity,
            "name": name,
            "description": name.upper(),
            "cores": cores,
            "memory": memory,
            "disk": disk,
            "cpu_type": family["cpu"],
            "category": family["category"],
            "architecture": family["architecture"],
            "storage_type": "local",
            # Deprecated as a whole: gone from every location.
            "deprecated": bool(gone) and set(gone) == set(family["locations"]),
            "deprecation": deprecation if set(gone) == set(family["locations"]) else None,
            "prices": prices.server_type(name),
            "locations": [
                {
                    "id": ids[location],
                    "name": location,
                    "available": available,
                    "recommended": available,
                    "deprecation": deprecation if location in gone else None,
                }
                for location, available in family["locations"].items()
            ],
        }
        for identity, name, cores, memory, disk in family["types"]
    ]


def _load_balancer_type(values: list[Any], prices: Prices) -> Record:
    identity, name, services, targets, certificates, connections = values
    return {
        "id": identity,
        "name": name,
        "description": name.upper(),
        "max_services": services,
        "max_targets": targets,
        "max_assigned_certificates": certificates,
        "max_connections": connections,
        "deprecated": None,
        "deprecation": None,
        "prices": prices.load_balancer_type(name),
    }


def _images(values: list[Any], stock: Any, deprecation: Record | None) -> list[Record]:
    x86, arm, name, flavor, version, description = values
    return [
        {
            "id": identity,
            "type": "system",
            "status": "available",
            "name": name,
            "description": description,
            "image_size": None,
            "disk_size": stock["disk_size"],
            "created": stock["created"],
            "created_from": None,
            "bound_to": None,
            "os_flavor": flavor,
            "os_version": version,
            "rapid_deploy": True,
            "protection": {"delete": False},
            "deprecated": deprecation["announced"] if deprecation else None,
            "deprecation": deprecation,
            "deleted": None,
            "labels": {},
            "architecture": architecture,
        }
        for identity, architecture in ((x86, "x86"), (arm, "arm"))
    ]
