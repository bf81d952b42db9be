"""How the published plugin gets from recorded outputs to Terraform's state."""

from __future__ import annotations

from collections.abc import Mapping

from local.toolchain.plugins.hcloud.attributes import Attribute, Attributes
from provider.plugin import UNKNOWN, Properties, Secret, Value

NULL = {"replace": {"raw": None}}


def state_delta(
    attributes: Attributes, values: Mapping[str, Value], *, framework: bool, numeric_id: bool
) -> Properties:
    """The mark in the outputs that says so: which are maps, lists and single objects, which are null, what has another
    name there."""
    delta = _object(attributes, values, framework=framework)
    if numeric_id:
        delta["obj"].setdefault("ps", {})["id"] = {"num": {}}
    return delta


def _object(attributes: Attributes, values: Mapping[str, Value], *, framework: bool) -> Properties:
    parts: Properties = {}
    renamed = {}
    for name, attribute in attributes.items():
        value = values.get(name)
        if attribute.singular:
            renamed[name] = attribute.singular
        if value is None:
            if framework:
                parts[name] = Secret(NULL)
            elif attribute.kind == "object":
                parts[name] = {"plu": {"i": {}}}
        else:
            part = _value(attribute, value, framework=framework)
            if part is not None:
                parts[name] = part
    return {"obj": ({"renamed": renamed} if renamed else {}) | ({"ps": parts} if parts else {})}


def _value(attribute: Attribute, value: Value, *, framework: bool) -> Properties | None:
    if value is UNKNOWN:
        return None
    match attribute.kind:
        case "map":
            return {"map": {}}
        case "object":
            inner = _object(attribute.fields, value, framework=framework)
            return inner if framework else {"plu": {"i": inner}}
        case "list" | "set":
            if not attribute.fields or not value:
                return {"arr": {}}
            items = enumerate(value)
            return {"arr": {"el": {str(i): _object(attribute.fields, item, framework=framework) for i, item in items}}}
    return None
