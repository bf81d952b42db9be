"""Plans and differences of any inputs, without plugin or API."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from local.toolchain.plugins.hcloud.attributes import Attribute, Attributes
from local.toolchain.plugins.hcloud.planning import difference, fill, keep, plan
from local.toolchain.plugins.hcloud.plugin import TYPES
from provider.plugin import UNKNOWN

TEXTS = st.text("abc", min_size=1, max_size=3)
NUMBERS = st.integers(1, 3)


def values(attribute: Attribute) -> st.SearchStrategy[Any]:
    """Values of the attribute's type, which are something."""
    match attribute.kind:
        case "string":
            return TEXTS
        case "int":
            return NUMBERS
        case "bool":
            return st.booleans()
        case "map":
            return st.dictionaries(TEXTS, TEXTS, max_size=2)
        case "object":
            return inputs(attribute.fields)
    return st.lists(values(attribute.element), max_size=3)


def inputs(attributes: Attributes) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the attributes."""
    optional = {name: values(attribute) for name, attribute in attributes.items() if not attribute.required}
    required = {name: values(attribute) for name, attribute in attributes.items() if attribute.required}
    return st.fixed_dictionaries(required, optional=optional)


CASES = st.sampled_from(sorted(TYPES)).flatmap(
    lambda kind: st.tuples(st.just(TYPES[kind]), inputs(TYPES[kind].attributes))
)


def record(kind: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """What is recorded once what was asked for is there, and the API has filled in nothing."""
    planned = plan(kind.attributes, asked, {})
    return {
        name: fill(attribute, keep(attribute, planned[name]), framework=kind.framework)
        for name, attribute in kind.attributes.items()
    }


@given(CASES)
def test_what_was_asked_for_and_is_there_needs_no_change(case: tuple[Any, dict[str, Any]]) -> None:
    kind, asked = case
    assert difference(kind.attributes, record(kind, asked), asked) == {}


@given(CASES, st.randoms(use_true_random=False))
def test_the_order_of_a_set_is_no_difference(case: tuple[Any, dict[str, Any]], chance: random.Random) -> None:
    kind, asked = case
    shuffled = dict(asked)
    for name, attribute in kind.attributes.items():
        if attribute.kind == "set" and name in asked:
            shuffled[name] = chance.sample(asked[name], len(asked[name]))
    assert difference(kind.attributes, record(kind, asked), shuffled) == {}
    if not kind.framework:
        assert record(kind, shuffled) == record(kind, asked)


@given(CASES, st.data())
def test_what_is_unknown_may_be_a_change_of_its_own_attribute_alone(
    case: tuple[Any, dict[str, Any]], data: st.DataObject
) -> None:
    kind, asked = case
    name = data.draw(st.sampled_from(sorted(kind.attributes)))
    found = difference(kind.attributes, record(kind, asked), {**asked, name: UNKNOWN})
    assert set(found) == {name}
    assert found[name].name.endswith("_REPLACE") == kind.attributes[name].replaces
