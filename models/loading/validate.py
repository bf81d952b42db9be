"""From a document to a model: pydantic's errors become problems with lines, in the words of the JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from models.loading.document import Document, Keys
from models.loading.problems import nearest

ModelType = TypeVar("ModelType", bound=BaseModel)
Schema = Mapping[str, Any]

_TYPES = {
    "string": "must be text",
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "tuple": "must be a list",
    "list": "must be a list",
    "dict": "must hold fields such as `name: value`",
    "model": "must hold fields such as `name: value`",
    "model_attributes": "must hold fields such as `name: value`",
    "uuid": "must be a UUID such as 123e4567-e89b-42d3-a456-426614174000",
    "datetime": "must be a time such as 2026-11-21T12:00:00Z",
}


def validate(model: type[ModelType], document: Document, keys: Keys = ()) -> ModelType | None:
    """The model that the data at ``keys`` describe; None, and problems in the document, when they don't.

    Types are strict, as in the JSON Schema: "5" is no number, and 5 no text.
    """
    try:
        return model.model_validate_json(json.dumps(document.value(keys), default=_plain), strict=True)
    except ValidationError as error:
        for details in error.errors(include_url=False, include_input=False):
            _report(model, document, keys, details)
        return None


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


def _report(model: type[BaseModel], document: Document, prefix: Keys, details: ErrorDetails) -> None:
    path: Keys = tuple(details["loc"])
    keys = (*prefix, *path)
    kind = details["type"]
    if keys in document.in_clear and kind != "extra_forbidden":
        return  # That it's a secret in clear has been said.
    context: dict[str, Any] = details.get("ctx", {})
    if kind == "missing":
        document.report(keys, f"is missing: {_description(model, path)}", prefix=prefix)
    elif kind == "extra_forbidden":
        name = str(path[-1])
        choices = sorted(_at(model, path[:-1]).get("properties", {}))
        document.report(keys, "is no field here", hint=nearest(name, choices), show=False, prefix=prefix)
    elif document.value(keys) is None and kind.endswith("_type"):
        document.report(keys, f"is empty; it {_expected(kind)}", hint="remove the line or give a value", prefix=prefix)
    elif kind in ("enum", "literal_error"):
        value = document.value(keys)
        choices = [str(choice) for choice in _choices(_at(model, path))]
        hint = nearest(value if isinstance(value, str) else "", choices)
        document.report(keys, "is none of the possible values", hint=hint, prefix=prefix)
    elif kind == "string_pattern_mismatch":
        message = _at(model, path).get("patternErrorMessage") or f"must match {context['pattern']}"
        document.report(keys, message, prefix=prefix)
    elif kind in ("value_error", "assertion_error"):
        document.report(keys, str(context["error"]), prefix=prefix)
    else:
        quoted = kind == "string_type" and not isinstance(document.value(keys), dict | list)
        message = _expected(kind) or _reworded(details["msg"])
        document.report(keys, message, hint="put it in quotes" if quoted else "", prefix=prefix)


def _reworded(message: str) -> str:
    """``String should have at most 100 characters`` as ``must have at most 100 characters``."""
    return re.sub(r"^\w+ should", "must", message).partition(" after validation")[0]


def _expected(kind: str) -> str:
    for ending in ("_type", "_parsing", "_from_float", "_from_date_parsing"):
        if kind.endswith(ending) and (name := kind.removesuffix(ending)) in _TYPES:
            return _TYPES[name]
    return ""


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()


def _at(model: type[BaseModel], path: Keys) -> Schema:
    """The JSON Schema of the value at ``path``; empty where there is none."""
    root = _schema(model)
    at: Schema = _resolved(root, root)
    for key in path:
        if isinstance(key, int):
            down = at.get("items", {})
        else:
            down = at.get("properties", {}).get(key) or at.get("additionalProperties") or {}
        at = _resolved(root, down) if isinstance(down, dict) else {}
    return at


def _resolved(root: Schema, schema: Schema) -> Schema:
    """``schema`` with its reference followed and its "or null" taken away."""
    parts = [part for part in schema.get("anyOf", ()) if part.get("type") != "null"]
    if len(parts) == 1:
        return _resolved(root, {**{key: value for key, value in schema.items() if key != "anyOf"}, **parts[0]})
    if "$ref" in schema:
        target = root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
        return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def _choices(schema: Schema) -> list[Any]:
    return list(schema.get("enum", ())) or ([schema["const"]] if "const" in schema else [])


def _description(model: type[BaseModel], path: Keys) -> str:
    """What the field means, in one sentence."""
    text = str(_at(model, path).get("description", ""))
    sentence = text.split("\n\n")[0].split(". ")[0].replace("\n", " ").rstrip(".")
    return sentence[:1].lower() + sentence[1:]
