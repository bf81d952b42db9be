"""Resources as the rules see them: plain data in which an unknown value is :data:`UNKNOWN`.

The policy SDK raises on touching an unknown and then turns the whole rule into a mere advice. Rules that see a marker
instead judge everything else that is known, and do so at their full level.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pulumi_policy.proxy import UnknownValueError


class _Unknown:
    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()

Plain = Any
Properties = dict[str, Plain]


@dataclass(frozen=True)
class Resource:
    """One resource: its token, logical name, URN, inputs and whether it is protected."""

    type: str
    name: str
    urn: str
    properties: Properties = field(repr=False)
    protect: bool = False

    @property
    def namespace(self) -> str | None:
        """The Kubernetes namespace that the object is in, or is itself; None when it's unknown or none."""
        metadata = section(self.properties, "metadata")
        name = metadata.get("name" if self.type == "kubernetes:core/v1:Namespace" else "namespace")
        return name if isinstance(name, str) else None

    @property
    def labels(self) -> Properties:
        return section(self.properties, "metadata", "labels")


@dataclass(frozen=True)
class Violation:
    """What is wrong with the resource ``urn``. The message never shows a property's value."""

    urn: str
    message: str


def plain(value: Any) -> Plain:
    """The policy SDK's proxies as plain data with :data:`UNKNOWN` in place of what isn't known yet."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(container: Any, key: Any) -> Plain:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def section(properties: Any, *path: str) -> Properties:
    """The mapping at ``path``, empty when there is none or it is unknown."""
    for key in path:
        properties = properties.get(key) if isinstance(properties, Mapping) else None
    return properties if isinstance(properties, dict) else {}


def items(properties: Any, key: str) -> list[Properties]:
    """The mappings in the list at ``key``; unknown ones are left out."""
    found = properties.get(key) if isinstance(properties, Mapping) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def texts(value: Plain, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in ``value`` with the path to it, keys of mappings included."""
    if isinstance(value, dict):
        for key, item in value.items():
            here = f"{path}.{key}" if path else str(key)
            yield here, str(key)
            yield from texts(item, here)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, f"{path}[{index}]")
    elif isinstance(value, str):
        yield path, value
