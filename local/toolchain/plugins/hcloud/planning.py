"""What is asked for, in full, and how it differs from what is recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from local.toolchain.plugins.hcloud.attributes import DEFAULTS, ZEROS, Attribute, Attributes
from provider.plugin import UNKNOWN, Kind, Properties, Value, contains_unknown

NOTHING: Mapping[str, Value] = {}


def plan(attributes: Attributes, inputs: Mapping[str, Value], before: Mapping[str, Value] | None) -> Properties:
    """Every attribute's value as asked for: given, else its default, else, of computed ones, the one ``before``
    (unknown when nothing is recorded), else None. There are no secrets in it."""
    return {name: _planned(attribute, inputs.get(name), name, before) for name, attribute in attributes.items()}


def _planned(attribute: Attribute, given: Value, name: str, before: Mapping[str, Value] | None) -> Value:
    if given is UNKNOWN:
        return UNKNOWN
    if given is None:
        if attribute.default is not None:
            return attribute.default
        if attribute.computed:
            return UNKNOWN if before is None else before.get(name)
        return [] if attribute.block else None
    if attribute.fields:
        # Inside objects nothing is kept from before: what the API fills in is left open.
        inside = None if before is None else NOTHING
        if attribute.kind == "object":
            return plan(attribute.fields, given, inside)
        given = [UNKNOWN if item is UNKNOWN else plan(attribute.fields, item, inside) for item in given]
    if attribute.kind == "set":
        return unique(attribute, given)
    return given


def unique(attribute: Attribute, items: Sequence[Value]) -> list[Value]:
    """A set's items, each once, in the order that Terraform has them in: objects by their attributes in the order of
    their names."""

    def order(item: Value) -> tuple[float, str]:
        if attribute.fields and item is not UNKNOWN:
            return (0, _text([item.get(name) for name in sorted(attribute.fields)]))
        return (item, "") if isinstance(item, int) else (0, _text(item))

    ordered = {order(item): item for item in items}
    return [ordered[key] for key in sorted(ordered)]


def _text(value: Value) -> str:
    """What Terraform orders by: nothing comes last."""
    if value is None:
        return "~"
    if value is UNKNOWN:
        return "?"
    if isinstance(value, list):
        return "".join(f"{_text(item)};" for item in value)
    return json.dumps(value) if isinstance(value, str) else str(value)


def keep(attribute: Attribute, value: Value) -> Value:
    """``value`` as the state has it."""
    if value is None or value is UNKNOWN:
        return value
    match attribute.kind:
        case "string":
            return attribute.kept(value) if attribute.kept else value
        case "object":
            return {name: keep(attribute.fields[name], item) for name, item in value.items() if name != DEFAULTS}
        case "list" | "set":
            return [keep(attribute.element, item) for item in value]
    return value


def fill(attribute: Attribute, value: Value, *, framework: bool) -> Value:
    """``value`` as recorded: sets in order; inside objects the published plugin has no null. In its newer framework it
    leaves nulls out, and sets as the API has them."""
    if value is UNKNOWN:
        return value
    if value is None:
        return [] if attribute.block else None
    if attribute.kind in ("list", "set"):
        items = [fill(attribute.element, item, framework=framework) for item in value]
        return unique(attribute, items) if attribute.kind == "set" and not framework else items
    if attribute.kind != "object":
        return value
    filled = {}
    for name, part in attribute.fields.items():
        item = fill(part, value.get(name), framework=framework)
        if item is None and not framework:
            item = ZEROS[part.kind]
        if item is not None or not framework:
            filled[name] = item
    return filled


def same(attribute: Attribute, old: Value, new: Value) -> bool:
    """Whether the published plugin sees no difference. Nothing, zero, false and empty are the same."""
    if new is UNKNOWN:
        return False
    if not old and not new:
        return True
    match attribute.kind:
        case "map":
            return dict(old or {}) == dict(new or {}) and not contains_unknown(new)
        case "object":
            if old is None or new is None:
                return False
            return all(_same_field(part, old.get(name), new.get(name)) for name, part in attribute.fields.items())
        case "list":
            return len(old or ()) == len(new or ()) and all(map(same, [attribute.element] * len(new), old, new))
        case "set":
            return _same_set(attribute.element, old or (), new or ())
    return bool(keep(attribute, new) == old)


def _same_field(attribute: Attribute, old: Value, new: Value) -> bool:
    # What the API fills in is right, whatever it is.
    return (attribute.computed and new is None) or same(attribute, old, new)


def _same_set(element: Attribute, old: Sequence[Value], new: Sequence[Value]) -> bool:
    left = list(old)
    for item in new:
        match = next((other for other in left if same(element, other, item)), None)
        if match is None:
            return False
        left.remove(match)
    return not left


def difference(attributes: Attributes, before: Mapping[str, Value], inputs: Mapping[str, Value]) -> dict[str, Kind]:
    """What changes from the recorded outputs ``before``."""
    detailed: dict[str, Kind] = {}
    planned = plan(attributes, inputs, before)
    for name, attribute in attributes.items():
        old, new = before.get(name), planned[name]
        if (attribute.computed and inputs.get(name) is None and attribute.default is None) or same(attribute, old, new):
            continue
        for path, kind in _paths(name, attribute, old, new).items():
            detailed[path] = Kind[f"{kind.name}_REPLACE"] if attribute.replaces else kind
    return detailed


def unsettled(attributes: Attributes, inputs: Mapping[str, Value]) -> list[str]:
    """The computed attributes that Terraform's newer framework knows nothing of in a plan in which others change."""
    return [
        name
        for name, attribute in attributes.items()
        if attribute.computed and not attribute.stable and inputs.get(name) is None
    ]


def _paths(name: str, attribute: Attribute, old: Value, new: Value) -> dict[str, Kind]:
    if new is UNKNOWN:
        return {name: Kind.UPDATE if old else Kind.ADD}
    if not old:
        return {name: Kind.ADD}
    if not new:
        return {name: Kind.DELETE}
    if attribute.kind != "map":
        return {name: Kind.UPDATE}
    gone = {f"{name}.{key}": Kind.DELETE for key in old if key not in new}
    come = {f"{name}.{key}": Kind.ADD for key in new if key not in old}
    other = {f"{name}.{key}": Kind.UPDATE for key in new if key in old and new[key] != old[key]}
    return gone | come | other
