"""Label selectors against what their documentation says, for any labels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.hetzner.errors import ApiError
from local.hetzner.labels import check_labels, selector

KEYS = st.sampled_from(["env", "in", "notin", "example.com/role", "a-b.c_d"])
VALUES = st.sampled_from(["production", "in", "1", "a.b-c", "notin"])
LABELS = st.dictionaries(KEYS, st.one_of(VALUES, st.just("")))
SPACES = st.sampled_from(["", " ", "  "])


@given(LABELS, KEYS, VALUES, st.sampled_from(["=", "=="]), SPACES)
def test_equality(labels: dict[str, str], key: str, value: str, sign: str, space: str) -> None:
    text = f"{key}{space}{sign}{space}{value}"
    assert selector(text)(labels) == (labels.get(key) == value)
    assert selector(text.replace(sign, "!="))(labels) == (labels.get(key) != value)
    assert selector(f"{key}{sign}")(labels) == (labels.get(key) == "")


@given(LABELS, KEYS, st.lists(VALUES, min_size=1), SPACES)
def test_sets(labels: dict[str, str], key: str, values: list[str], space: str) -> None:
    words = f"({space}{f'{space},{space}'.join(values)}{space})"
    assert selector(f"{key} in {words}")(labels) == (labels.get(key) in values)
    assert selector(f"{key} notin{space}{words}")(labels) == (labels.get(key) not in values)


@given(LABELS, KEYS)
def test_presence(labels: dict[str, str], key: str) -> None:
    assert selector(key)(labels) == (key in labels)
    assert selector(f"!{key}")(labels) == (key not in labels)


@given(LABELS, st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=4))
def test_all_requirements_hold(labels: dict[str, str], pairs: list[tuple[str, str]]) -> None:
    text = ",".join(f"{key}={value}" for key, value in pairs)
    assert selector(text)(labels) == all(labels.get(key) == value for key, value in pairs)


@pytest.mark.parametrize("text", ["=x", "a=b=c", "a in", "a in ()", "a in (b", "a,,b", "!", "a b", "a=-x", "(a)"])
def test_malformed_selectors_are_refused(text: str) -> None:
    with pytest.raises(ApiError) as refused:
        selector(text)
    assert refused.value.code == "invalid_input"


@pytest.mark.parametrize(
    ("key", "value"),
    [("a" * 63, "b" * 63), ("example.com/a", ""), ("a", ""), (f"{'a' * 60}.{'b' * 60}/x", "1"), ("A_b.C-1", "x")],
)
def test_labels_at_their_limits(key: str, value: str) -> None:
    assert check_labels({key: value}) == {key: value}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("a" * 64, ""), ("a", "b" * 64), ("hetzner.cloud/a", ""), ("", "x"), ("-a", ""), ("a-", ""), ("a", "-b"),
        ("Example.com/a", ""), ("a/b/c", ""), ("/a", ""), ("a b", ""),
    ],
)  # fmt: skip
def test_malformed_labels_are_refused(key: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"label"):
        check_labels({key: value})
