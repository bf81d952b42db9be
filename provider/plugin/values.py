"""Pulumi's wire values as plain Python.

A protobuf ``Struct`` becomes ``dict``/``list``/``str``/``int``/``float``/``bool``/``None``; an unknown becomes
:data:`UNKNOWN`, a secret becomes :class:`Secret`. The signatures are the engine's (sdk/go/common/resource/sig).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf import struct_pb2

Value = Any
Properties = dict[str, Value]

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"
OUTPUT_SIGNATURE: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
UNKNOWN_WIRE: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class _Unknown:
    """A value that is known only after the update."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __deepcopy__(self, memo: object) -> _Unknown:
        return self  # a copied value is as unknown

    def __bool__(self) -> bool:
        raise TypeError("an unknown value has no truth: test it with `is UNKNOWN` first")


UNKNOWN: Final = _Unknown()


@dataclass(frozen=True)
class Secret:
    """A secret value. Its text form never shows what it holds."""

    value: Value = field(repr=False)

    def __str__(self) -> str:
        return "[secret]"


def unmarshal(struct: struct_pb2.Struct) -> Properties:
    """The properties held by a request's ``Struct``."""
    return {key: _from_wire(value) for key, value in struct.fields.items()}


def _from_wire(value: struct_pb2.Value) -> Value:
    match value.WhichOneof("kind"):
        case "string_value":
            return UNKNOWN if value.string_value == UNKNOWN_WIRE else value.string_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "bool_value":
            return value.bool_value
        case "list_value":
            return [_from_wire(item) for item in value.list_value.values]
        case "struct_value":
            return _from_struct(value.struct_value)
        case _:
            return None


def _from_struct(struct: struct_pb2.Struct) -> Value:
    fields = struct.fields
    signature = fields[SIGNATURE].string_value if SIGNATURE in fields else None
    if signature == SECRET_SIGNATURE:
        return Secret(_from_wire(fields["value"]))
    if signature == OUTPUT_SIGNATURE:
        inner = _from_wire(fields["value"]) if "value" in fields else UNKNOWN
        return Secret(inner) if "secret" in fields and fields["secret"].bool_value else inner
    if signature == RESOURCE_SIGNATURE:
        return _from_wire(fields["id"]) if "id" in fields else fields["urn"].string_value
    return unmarshal(struct)


def marshal(properties: Mapping[str, Value]) -> struct_pb2.Struct:
    """The wire form of ``properties``."""
    struct = struct_pb2.Struct()
    for key, value in properties.items():
        struct.fields[key].CopyFrom(_to_wire(value))
    return struct


def _to_wire(value: Value) -> struct_pb2.Value:
    if value is UNKNOWN:
        return struct_pb2.Value(string_value=UNKNOWN_WIRE)
    match value:
        case Secret():
            return struct_pb2.Value(struct_value=marshal({SIGNATURE: SECRET_SIGNATURE, "value": value.value}))
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=float(value))
        case str():
            return struct_pb2.Value(string_value=value)
        case Mapping():
            return struct_pb2.Value(struct_value=marshal(value))
        case list() | tuple():
            items = struct_pb2.ListValue(values=[_to_wire(item) for item in value])
            return struct_pb2.Value(list_value=items)
    raise TypeError(f"{type(value).__name__} has no wire form")


def reveal(value: Value) -> Value:
    """``value`` with every :class:`Secret` replaced by what it holds."""
    match value:
        case Secret():
            return reveal(value.value)
        case Mapping():
            return {key: reveal(item) for key, item in value.items()}
        case list() | tuple():
            return [reveal(item) for item in value]
    return value


def contains_unknown(value: Value) -> bool:
    """Whether anything inside ``value`` is unknown."""
    match value:
        case Secret():
            return contains_unknown(value.value)
        case Mapping():
            return any(contains_unknown(item) for item in value.values())
        case list() | tuple():
            return any(contains_unknown(item) for item in value)
    return value is UNKNOWN


def keep_secrets(outputs: Value, inputs: Value) -> Value:
    """``outputs`` with the same paths secret that are secret in ``inputs``."""
    if isinstance(outputs, Secret):
        return outputs
    if isinstance(inputs, Secret):
        return Secret(reveal(outputs))
    if isinstance(outputs, Mapping) and isinstance(inputs, Mapping):
        return {key: keep_secrets(item, inputs.get(key)) for key, item in outputs.items()}
    if isinstance(outputs, list) and isinstance(inputs, list) and len(outputs) == len(inputs):
        return [keep_secrets(item, other) for item, other in zip(outputs, inputs, strict=True)]
    return outputs
