"""The inputs of a bridged resource: types, defaults, what replaces, and how values compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from provider.plugin import UNKNOWN, Kind, Properties, Secret, Value, contains_unknown, reveal

NAMES = {
    "string": "a string",
    "int": "a whole number",
    "bool": "true or false",
    "set": "a list of strings",
    "list": "a list of strings",
}


@dataclass(frozen=True)
class Attribute:
    """One attribute as the published plugin's schema has it.

    ``default`` of None is none; ``computed`` ones are filled in by the server when not given; changing one that
    ``replaces`` makes the resource anew; ``least`` bounds a number, ``one_of`` a string.
    """

    kind: Literal["string", "int", "bool", "set", "list"] = "string"
    required: bool = False
    default: Value = None
    computed: bool = False
    replaces: bool = False
    secret: bool = False
    write_only: bool = False
    least: int | None = None
    one_of: tuple[str, ...] = ()

    def convert(self, value: Value) -> Value:
        """``value`` in the attribute's type, as the published plugin takes it. Raises ``ValueError``."""
        if isinstance(value, Secret):
            return Secret(self.convert(value.value))
        if value is UNKNOWN or value is None:
            return value
        match self.kind:
            case "bool" if str(value).lower() in ("true", "false"):
                return str(value).lower() == "true"
            case "int" if not isinstance(value, bool | float) and str(value).removeprefix("-").isdecimal():
                return int(value)
            case "string" if isinstance(value, str | int | float):
                return str(value).lower() if isinstance(value, bool) else str(value)
            case "set" | "list" if isinstance(value, str):
                return [value]
            case "set" | "list" if isinstance(value, list) and all(_is_text(item) for item in value):
                return value
        raise ValueError(f"must be {NAMES[self.kind]}, got {type(value).__name__}")

    def fault(self, value: Value) -> str | None:
        """What is wrong with a value of the right type."""
        value = reveal(value)
        if contains_unknown(value) or value is None:
            return None
        if self.least is not None and value < self.least:
            return f"must be at least {self.least}, got {value}"
        if self.one_of and value not in self.one_of:
            return f"must be one of {', '.join(self.one_of)}, got {value}"
        return None


Attributes = Mapping[str, Attribute]


def plan(attributes: Attributes, inputs: Properties) -> Properties:
    """Every attribute's value as asked for: given, else its default, else None. Sets are in order."""
    planned = {}
    for name, attribute in attributes.items():
        value = reveal(attribute.convert(inputs.get(name)))
        if value is None:
            value = attribute.default
        elif attribute.kind == "set" and not contains_unknown(value):
            value = sorted(set(value)) or None
        planned[name] = value
    return planned


def difference(attributes: Attributes, before: Properties, planned: Properties) -> dict[str, Kind]:
    """What changes from the recorded outputs ``before``. Nothing, zero, false and empty are the same."""
    detailed: dict[str, Kind] = {}
    for name, attribute in attributes.items():
        old, new = before.get(name), planned[name]
        if attribute.write_only or (attribute.computed and new is None) or same(old, new):
            continue
        for path, kind in _paths(name, attribute, old, new).items():
            detailed[path] = Kind[f"{kind.name}_REPLACE"] if attribute.replaces else kind
    return detailed


def same(old: Value, new: Value) -> bool:
    """Whether the published plugin sees no difference between the two."""
    if contains_unknown(new):
        return False
    return old == new or (not old and not new)


def _paths(name: str, attribute: Attribute, old: Value, new: Value) -> dict[str, Kind]:
    collection = attribute.kind in ("set", "list")
    if old is None or (collection and not old):
        return {name: Kind.ADD}
    if contains_unknown(new):
        return {name: Kind.UPDATE}
    if new is None or (collection and not new):
        return {name: Kind.DELETE}
    if collection and not attribute.replaces:
        return {f"{name}[{index}]": kind for index, kind in _elements(attribute, old, new).items()}
    return {name: Kind.UPDATE}


def _elements(attribute: Attribute, old: Sequence[str], new: Sequence[str]) -> dict[int, Kind]:
    if attribute.kind == "list":
        gone = {index for index, item in enumerate(old) if index >= len(new) or item != new[index]}
        come = {index for index, item in enumerate(new) if index >= len(old) or item != old[index]}
    else:
        gone = {index for index, item in enumerate(old) if item not in new}
        come = {index for index, item in enumerate(new) if item not in old}
    both = dict.fromkeys(gone & come, Kind.UPDATE)
    return dict.fromkeys(gone - come, Kind.DELETE) | dict.fromkeys(come - gone, Kind.ADD) | both


def _is_text(item: Value) -> bool:
    return item is UNKNOWN or isinstance(item, str | Secret)
