"""Values on their way between the engine, the state and the API."""

from __future__ import annotations

from collections.abc import Mapping

from provider.plugin import UNKNOWN, Properties, Secret, Value


def contains_secret(value: Value) -> bool:
    """Whether anything inside ``value`` is secret."""
    match value:
        case Secret():
            return True
        case Mapping():
            return any(contains_secret(item) for item in value.values())
        case list():
            return any(contains_secret(item) for item in value)
    return False


def settled(value: Value) -> Value:
    """What to ask the API for: what it computes is left to it."""
    if value is UNKNOWN:
        return None
    if isinstance(value, Mapping):
        return {name: settled(item) for name, item in value.items()}
    return [settled(item) for item in value] if isinstance(value, list) else value


def without_nothing(value: Value) -> Value:
    """What an input has of an output: nothing that is nothing."""
    if isinstance(value, Mapping):
        return {name: without_nothing(item) for name, item in value.items() if item}
    return [without_nothing(item) for item in value] if isinstance(value, list) else value


def without_marks(outputs: Properties) -> Properties:
    """Outputs without what the plugin keeps for itself in them."""
    return {name: value for name, value in outputs.items() if not name.startswith("__") and name != "id"}
