"""JSON Schemas of the YAML files, for editors; generated from the models, whose docstrings become descriptions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

import products
from models.environment import EnvironmentSettings
from models.loading.settings import SETTINGS
from models.product import Product
from models.tenant import Tenant

Schema = dict[str, Any]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> Mapping[str, Schema]:
    """The schemas by file name."""
    return {
        "tenant.schema.json": _tenant(),
        "environment.schema.json": _environment(),
        "plans.schema.json": _plans(),
    }


def write(directory: Path) -> None:
    """Write all schemas into ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, schema in schemas().items():
        (directory / name).write_text(_text(schema), encoding="utf-8")


def stale(directory: Path) -> list[str]:
    """Names of the schemas in ``directory`` that are missing or no longer what the models say."""
    return [
        name
        for name, schema in schemas().items()
        if not (directory / name).is_file() or (directory / name).read_text(encoding="utf-8") != _text(schema)
    ]


def _text(schema: Schema) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _of(model: type[BaseModel], title: str) -> Schema:
    return {"$schema": _DIALECT, **model.model_json_schema(), "title": title}


def _tenant() -> Schema:
    """A tenant's file; its plan is one of the product's."""
    schema = _of(Tenant, "A tenant")
    plans = {name: list(products.load(name).product.plans) for name in products.names()}
    default = Tenant.model_fields["product"].default
    schema["properties"]["product"]["enum"] = list(plans)
    schema["allOf"] = [
        {
            # Without the field, the product is the default one.
            "if": {
                "properties": {"product": {"const": name}},
                **({} if name == default else {"required": ["product"]}),
            },
            "then": {"properties": {"plan": {"enum": names}}},
        }
        for name, names in plans.items()
    ]
    return schema


def _environment() -> Schema:
    """A stack's file: our settings, and what else Pulumi keeps there."""
    settings = EnvironmentSettings.model_json_schema()
    config, environment = SETTINGS
    settings["properties"]["products"]["items"]["enum"] = list(products.names())
    return {
        "$schema": _DIALECT,
        "title": "A stack of an environment",
        "type": "object",
        "properties": {
            config: {
                "type": "object",
                "properties": {environment: {"$ref": "#/$defs/EnvironmentSettings"}},
                "required": [environment],
            }
        },
        "required": [config],
        "$defs": {**settings.pop("$defs"), "EnvironmentSettings": settings},
    }


def _plans() -> Schema:
    """A product's ``plans.yaml``; a plan's name is its key."""
    schema = _of(Product, "A product and its plans")
    del schema["$defs"]["Plan"]["properties"]["name"]
    return schema
