"""The JSON Schemas for editors are current, and agree with the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from models import schemas
from tests.models.conftest import ENTERPRISE, tenant

ROOT = Path(__file__).parents[2]
FILES = {
    "tenant.schema.json": "tenants/*/*.yaml",
    "environment.schema.json": "Pulumi.*.yaml",
    "plans.schema.json": "products/*/plans.yaml",
}
PAIRS = [(name, file.relative_to(ROOT)) for name, pattern in FILES.items() for file in sorted(ROOT.glob(pattern))]


def validator(name: str) -> Draft202012Validator:
    schema = json.loads((ROOT / "schemas" / name).read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def parsed(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_schemas_are_current() -> None:
    assert schemas.stale(ROOT / "schemas") == [], "run: foundation schema"


def test_stale_schemas_are_noticed(tmp_path: Path) -> None:
    assert schemas.stale(tmp_path) == list(FILES)
    schemas.write(tmp_path)
    assert schemas.stale(tmp_path) == []
    (tmp_path / "plans.schema.json").write_text("{}\n")
    assert schemas.stale(tmp_path) == ["plans.schema.json"]


@pytest.mark.parametrize(("name", "file"), PAIRS, ids=lambda value: str(value))
def test_file_agrees_with_its_schema_and_names_it(name: str, file: Path) -> None:
    text = (ROOT / file).read_text()
    assert [error.message for error in validator(name).iter_errors(parsed(text))] == []
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    assert (ROOT / file.parent / first.partition("=")[2]).resolve() == ROOT / "schemas" / name


def test_every_kind_of_file_was_found() -> None:
    assert {name for name, _ in PAIRS} == set(FILES)


@pytest.mark.parametrize("text", [tenant(), tenant(plan="starter"), ENTERPRISE])
def test_good_tenant_passes(text: str) -> None:
    assert validator("tenant.schema.json").is_valid(parsed(text))


@pytest.mark.parametrize(
    "text",
    [
        tenant(plan="prro"),
        tenant(slug="Bob"),
        tenant(slug="admin"),
        tenant() + "unknown: 1\n",
        tenant() + "status: gone\n",
        tenant() + "overrides: {max_replicas: '5'}\n",
        tenant() + "secrets: {anthropic_key: text}\n",
        tenant() + "secrets: {anthropic_key: {config: a, generate: 20}}\n",
        tenant().replace("plan: pro\n", ""),
    ],
)
def test_bad_tenant_fails(text: str) -> None:
    assert not validator("tenant.schema.json").is_valid(parsed(text))


def test_fields_are_explained() -> None:
    properties = schemas.schemas()["tenant.schema.json"]["properties"]
    assert properties["status"]["description"].startswith("What is wanted")
    assert properties["plan"]["description"] == "A plan of the product."
