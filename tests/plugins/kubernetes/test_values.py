"""Values compared as Kubernetes compares them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from local.toolchain.plugins.kubernetes.diff import changes, covers, path_text
from local.toolchain.plugins.kubernetes.empties import without_empties
from local.toolchain.plugins.kubernetes.objects import parse_id, prune
from local.toolchain.plugins.kubernetes.quantities import canonical
from provider.plugin import UNKNOWN, Kind

SUFFIXES = ["", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), JSON, max_size=4)


@pytest.mark.parametrize(
    ("given_as", "kept_as"),
    [
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000Mi", "1000Mi"),
        ("2000", "2k"),
        ("64", "64"),
        (2, "2"),
        (0.25, "250m"),
        ("1e3", "1e3"),
        ("0", "0"),
        ("lots", "lots"),
    ],
)
def test_quantities_as_the_api_server_writes_them(given_as: Any, kept_as: str) -> None:
    assert canonical(given_as) == kept_as


@given(st.integers(0, 10**6), st.sampled_from(SUFFIXES))
def test_a_canonical_quantity_is_the_same_amount(amount: int, suffix: str) -> None:
    written = canonical(f"{amount}{suffix}")
    assert parse_quantity(written) == parse_quantity(f"{amount}{suffix}")
    assert canonical(written) == written
    # No other suffix of the same kind writes it shorter.
    assert Decimal(len(written)) <= len(f"{amount}{suffix}") + 3


@given(OBJECTS)
def test_an_object_never_differs_from_itself(obj: dict[str, Any]) -> None:
    assert changes(obj, obj, obj, ["a", "b.c"]) == {}
    assert prune(obj, obj) == obj


@given(OBJECTS, OBJECTS)
def test_differences_are_found_both_ways(one: dict[str, Any], other: dict[str, Any]) -> None:
    there, back = changes(one, other, {}, []), changes(other, one, {}, [])
    assert bool(there) == bool(back) == (repr(sorted(one.items())) != repr(sorted(other.items())) and bool(there))
    assert set(there.values()) <= {Kind.ADD, Kind.DELETE, Kind.UPDATE}


@given(OBJECTS, OBJECTS)
def test_pruning_keeps_no_field_that_the_shape_lacks(source: dict[str, Any], shape: dict[str, Any]) -> None:
    assert prune(source, shape).keys() == source.keys() & shape.keys()
    assert prune(prune(source, shape), shape) == prune(source, shape)


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ({"selector": {"a": "1"}}, {"selector": {"a": "2"}}, Kind.UPDATE_REPLACE),
        ({"selector": {"a": "1"}}, {}, Kind.DELETE_REPLACE),
        ({}, {"selector": {"a": "1"}}, Kind.ADD_REPLACE),
        ({"selector": {"a": "1"}}, {"selector": {"a": UNKNOWN}}, Kind.UPDATE_REPLACE),
        ({"containers": [{"image": "a"}]}, {"containers": [{"image": "b"}]}, Kind.UPDATE_REPLACE),
        ({"containers": [{"name": "a"}]}, {"containers": [{"name": "b"}]}, Kind.UPDATE),
        ({"containers": []}, {"containers": [{"image": "b"}]}, Kind.ADD_REPLACE),
        ({"replicas": 1}, {"replicas": 2}, Kind.UPDATE),
    ],
)
def test_replacement_is_decided_by_path(old: Any, new: Any, kind: Kind) -> None:
    found = changes({"spec": old}, {"spec": new}, {"spec": old}, ["spec.selector", "spec.containers[*].image"])
    assert list(found.values()) == [kind]


def test_empty_values_that_vanish_are_no_difference() -> None:
    sent = {"spec": {"flag": False, "list": []}}
    assert changes({"spec": {}}, sent, sent, []) == {}
    # A new one is a change, since it may mean something.
    assert changes({"spec": {}}, sent, {"spec": {}}, []) == {"spec.flag": Kind.ADD, "spec.list": Kind.ADD}


def test_only_what_kubernetes_drops_is_dropped() -> None:
    given_as = {
        "metadata": {"labels": {}, "annotations": {"empty": ""}},
        "spec": {
            "replicas": 0,
            "hostNetwork": False,
            "automountServiceAccountToken": False,
            "podSelector": {},
            "ingress": [],
            "containers": [{"env": [{"name": "A", "value": ""}], "stdin": None}],
        },
        "rules": [],
    }
    assert without_empties(given_as) == {
        "metadata": {"annotations": {"empty": ""}},
        "spec": {
            "replicas": 0,
            "automountServiceAccountToken": False,
            "podSelector": {},
            "containers": [{"env": [{"name": "A"}]}],
        },
        "rules": [],
    }


def test_paths_as_pulumi_writes_them() -> None:
    assert path_text(("spec", "ports", 0, "name")) == "spec.ports[0].name"
    assert path_text(("metadata", "labels", "app.kubernetes.io/name")) == 'metadata.labels["app.kubernetes.io/name"]'
    assert covers("metadata.labels", 'metadata.labels["a.b"]')
    assert covers("spec.replicas", "spec.replicas")
    assert not covers("spec.replica", "spec.replicas")


def test_ids() -> None:
    assert parse_id("space/name") == ("space", "name")
    assert parse_id("name") == ("", "name")
