"""Inputs, configuration and differences: what the stand-in says before it does anything."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.toolchain.plugins.postgresql.attributes import Attribute, difference, plan
from local.toolchain.plugins.postgresql.grant import Grant
from provider.plugin import UNKNOWN, Kind, Properties
from tests.plugins.rpc import Made, Plugin, Refused

GRANT = {"role": "app", "database": "shop", "schema": "acme", "objectType": "table", "privileges": ["SELECT"]}


@pytest.mark.parametrize(
    ("kind", "inputs", "places"),
    [
        ("Role", {"connectionLimit": -5}, ["connectionLimit"]),
        ("Role", {"connectionLimit": "many"}, ["connectionLimit"]),
        ("Role", {"login": "perhaps", "statementTimeout": -1}, ["login", "statementTimeout"]),
        ("Role", {"colour": "red"}, ["colour"]),
        ("Role", {"password": "a", "passwordWo": "b", "passwordWoVersion": "1"}, ["password"]),
        ("Role", {"passwordWo": "b"}, ["passwordWo"]),
        ("Grant", {"role": "app"}, ["database", "objectType", "privileges"]),
        ("Grant", {**GRANT, "objectType": "planet"}, ["objectType"]),
        ("Grant", {**GRANT, "objectType": "foreign_server"}, ["objectType"]),
        ("Grant", {**GRANT, "privileges": ["DROP DATABASE shop"]}, ["privileges"]),
        ("Grant", {**GRANT, "objectType": "schema", "objects": ["t1"], "privileges": ["USAGE"]}, ["objects"]),
        ("Grant", {**GRANT, "schema": None}, ["schema"]),
        ("Grant", {**GRANT, "columns": ["a"]}, ["columns"]),
        ("Grant", {**GRANT, "objectType": "column", "columns": ["a"]}, ["objects"]),
        ("Grant", {**GRANT, "objectType": "function", "privileges": ["EXECUTE"], "objects": ["f(;)"]}, ["objects"]),
        ("GrantRole", {"role": "app"}, ["grantRole"]),
        ("DefaultPrivileges", {**GRANT, "owner": "o", "objectType": "schema", "privileges": ["USAGE"]}, ["schema"]),
        ("DefaultPrivileges", {**GRANT, "owner": "o", "role": "public", "withGrantOption": True}, ["withGrantOption"]),
        ("Schema", {"policies": [{"role": "app"}]}, ["policies"]),
    ],
)  # fmt: skip
def test_wrong_inputs_are_named(plugin: Plugin, kind: str, inputs: Properties, places: list[str]) -> None:
    assert sorted(plugin.check(kind, inputs).failures) == places


def test_unknown_inputs_are_no_mistake(plugin: Plugin) -> None:
    unknown = dict.fromkeys(GRANT, UNKNOWN)
    assert plugin.check("Grant", unknown).failures == {}
    assert plugin.check("Schema", {"name": UNKNOWN, "database": UNKNOWN, "owner": UNKNOWN}).failures == {}
    assert plugin.check("Database", {"name": UNKNOWN, "owner": UNKNOWN, "allowConnections": UNKNOWN}).failures == {}
    assert plugin.check("Role", {"name": UNKNOWN, "roles": [UNKNOWN], "connectionLimit": UNKNOWN}).failures == {}


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("port", "high", "whole number"),
        ("superuser", "maybe", "true or false"),
        ("connectTimeout", "-5", "at least -1"),
        ("colour", "red", "unknown"),
        ("scheme", "awspostgres", "scheme postgres alone"),
        ("awsRdsIamAuth", "true", "the published plugin"),
    ],
)
def test_wrong_configuration_is_named(plugin: Plugin, key: str, value: str, reason: str) -> None:
    assert reason in plugin.check_config({key: value}).failures[key]


def test_a_name_is_made_once_and_kept(plugin: Plugin) -> None:
    first = plugin.check("Role", {})
    assert first.inputs["name"].startswith("it-")
    assert "name" in first.inputs["__defaults"]
    again = plugin.check("Role", {"login": True}, first.inputs)
    assert again.inputs["name"] == first.inputs["name"]


# What the published plugin replaces, type by type; all else changes in place.
REPLACING = {
    "Database": {"encoding", "lcCollate", "lcCtype", "template"},
    "Schema": {"database"},
    "Role": set[str](),
    "Grant": {"columns", "database", "objectType", "objects", "role", "schema", "withGrantOption"},
    "DefaultPrivileges": {"role", "database", "owner", "schema", "objectType", "withGrantOption"},
    "GrantRole": {"role", "grantRole", "withAdminOption"},
    "Extension": {"name", "database"},
}


@pytest.mark.parametrize("kind", REPLACING)
def test_what_replaces(kind: str) -> None:
    from local.toolchain.plugins.postgresql.plugin import TYPES

    attributes = TYPES[kind].attributes
    assert {name for name, attribute in attributes.items() if attribute.replaces} == REPLACING[kind]


def test_a_replaced_grant_is_revoked_first_and_a_named_schema_dropped_first(plugin: Plugin) -> None:
    checked = plugin.check("Grant", GRANT).inputs
    made = Made("id", checked, {**GRANT, "withGrantOption": False})
    difference = plugin.diff("Grant", made, {**GRANT, "withGrantOption": True})
    assert (difference.replaced, difference.deletes_first) == ({"withGrantOption"}, True)
    schema = {"name": "acme", "database": "shop", "ifNotExists": True, "dropCascade": False}
    for named, first in (({"name": "acme"}, True), ({}, False)):
        made = Made("shop.acme", plugin.check("Schema", {"database": "shop", **named}).inputs, schema)
        inputs = {"database": "other", **named}
        assert plugin.diff("Schema", Made(made.id, made.inputs, schema | {"name": made.inputs["name"]}), inputs) == (
            type(difference)(frozenset({"database"}), frozenset({"database"}), first)
        )


def test_local_environments_only(plugin: Plugin) -> None:
    assert plugin.info().endswith("+standin")
    with pytest.raises(Refused, match=r"stand-in .* local environments only"):
        plugin.on("staging").check("Role", {"name": "app"})


def test_other_types_are_refused_by_name(plugin: Plugin) -> None:
    with pytest.raises(Refused, match=r"Publication.*it has: .*GrantRole"):
        plugin.check("Publication", {})


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=4, unique=True)


@given(WORDS, WORDS, st.sampled_from(["set", "list"]))
def test_elements_that_come_and_go(old: Sequence[str], new: Sequence[str], kind: str) -> None:
    attributes = {"items": Attribute(kind)}  # type: ignore[arg-type]
    recorded = plan(attributes, {"items": list(old)})
    wanted = plan(attributes, {"items": list(new)})
    detailed = difference(attributes, recorded, wanted)
    assert bool(detailed) == (sorted(old) != sorted(new) if kind == "set" else list(old) != list(new))
    if kind == "set" and old and new:
        come = sum(change in (Kind.ADD, Kind.UPDATE) for change in detailed.values())
        assert come == len(set(new) - set(old)) or come == len(set(old) - set(new)) or len(detailed) > 0


@given(st.permutations(["t1", "t2", "t3"]))
def test_an_id_depends_on_no_order(objects: list[str]) -> None:
    grant = Grant()
    assert grant.identity(plan(grant.attributes, {**GRANT, "objects": objects})) == grant.identity(
        plan(grant.attributes, {**GRANT, "objects": ["t1", "t2", "t3"]})
    )
