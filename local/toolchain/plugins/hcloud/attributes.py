"""The inputs and outputs of a bridged resource: types, defaults, what replaces."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from provider.plugin import UNKNOWN, Properties, Secret, Value

NAMES = {
    "string": "a string",
    "int": "a whole number",
    "bool": "true or false",
    "map": "a map of strings",
    "list": "a list",
    "set": "a list",
    "object": "an object",
}
ZEROS: dict[str, Value] = {"string": "", "int": 0, "bool": False, "list": [], "set": [], "object": None, "map": None}
DEFAULTS = "__defaults"
Check = Callable[[Any], str | None]


class Invalid(ValueError):
    """A value is wrong: where, and what would be right."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True)
class Attribute:
    """One attribute as the published plugin's schema has it.

    Items of a list or set are ``item`` s, or objects when there are ``fields``. ``computed`` ones are filled in by the
    API when not given; ``stable`` ones of these keep their value when others change (of Terraform's newer framework).
    A ``block`` that is not given is an empty list. Changing one that ``replaces`` makes the resource anew.
    ``singular`` is Terraform's name where that isn't this one in snake case, ``kept`` is what is kept of a text in the
    state, ``check`` says what is wrong with a value.
    """

    kind: Literal["string", "int", "bool", "map", "list", "set", "object"] = "string"
    fields: Mapping[str, Attribute] = field(default_factory=dict)
    item: Literal["string", "int"] = "string"
    required: bool = False
    default: Value = None
    computed: bool = False
    stable: bool = True
    block: bool = False
    replaces: bool = False
    secret: bool = False
    singular: str = ""
    kept: Callable[[str], str] | None = None
    check: Check | None = None

    @property
    def collection(self) -> bool:
        return self.kind in ("list", "set", "map")

    @property
    def element(self) -> Attribute:
        """What a list or set is of."""
        if self.fields:
            return Attribute("object", fields=self.fields)
        return Attribute(self.item, kept=self.kept)


Attributes = Mapping[str, Attribute]


def convert(attribute: Attribute, value: Value, path: str, *, tagged: bool) -> Value:
    """``value`` in the attribute's type, as the published plugin takes it (``tagged``: with its marks in objects).
    Secrets and unknowns stay. Raises :class:`Invalid`."""
    if isinstance(value, Secret):
        return Secret(convert(attribute, value.value, path, tagged=tagged))
    if value is UNKNOWN or value is None:
        return value
    match attribute.kind:
        case "bool" if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        case "int" if not isinstance(value, bool | float) and str(value).removeprefix("-").isdecimal():
            return int(value)
        case "string" if isinstance(value, str | int | float):
            return _text(value)
        case "map" if isinstance(value, Mapping):
            text = Attribute()
            items = {key: convert(text, item, f"{path}.{key}", tagged=tagged) for key, item in value.items()}
            return {key: item for key, item in items.items() if key != DEFAULTS}
        case "list" | "set" if isinstance(value, list):
            element = attribute.element
            return [convert(element, item, f"{path}[{index}]", tagged=tagged) for index, item in enumerate(value)]
        case "object" if isinstance(value, Mapping):
            return _object(attribute.fields, value, path, tagged=tagged)
    raise Invalid(path, f"must be {NAMES[attribute.kind]}, got {type(value).__name__}")


def fault(attribute: Attribute, value: Value, path: str) -> Invalid | None:
    """What is wrong with a value of the right type, in which there are no secrets."""
    if value is UNKNOWN or value is None:
        return None
    if attribute.fields:
        items = value if attribute.kind != "object" else [value]
        for index, item in enumerate(items):
            here = path if attribute.kind == "object" else f"{path}[{index}]"
            for name, part in attribute.fields.items():
                found = None if item is UNKNOWN else fault(part, item.get(name), f"{here}.{name}")
                if found:
                    return found
    reason = None
    if attribute.check is not None:
        values = value if attribute.kind in ("list", "set") and not attribute.fields else [value]
        reasons = (attribute.check(item) for item in values if item is not UNKNOWN)
        reason = next((reason for reason in reasons if reason), None)
    return Invalid(path, reason) if reason else None


def _object(fields: Attributes, value: Mapping[str, Value], path: str, *, tagged: bool) -> Properties:
    known = {name: item for name, item in value.items() if name != DEFAULTS}
    for name in known:
        if name not in fields:
            raise Invalid(f"{path}.{name}", f"unknown; there are: {', '.join(sorted(fields))}")
    for name, attribute in fields.items():
        if attribute.required and known.get(name) is None:
            raise Invalid(f"{path}.{name}", "missing: it is required")
    converted = {name: convert(fields[name], item, f"{path}.{name}", tagged=tagged) for name, item in known.items()}
    return {**converted, DEFAULTS: []} if tagged else converted


def _text(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
