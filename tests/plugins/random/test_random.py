"""The stand-in for pulumi-random, and its agreement with the published plugin."""

from __future__ import annotations

import base64
import string
from collections.abc import Iterator
from uuid import UUID

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.toolchain.plugins.random.strings import MINIMA, SETS, RandomString
from provider.plugin import UNKNOWN, Properties, Secret, reveal
from tests.plugins.rpc import GENUINE, Plugin, Refused, genuine, standin

PASSWORD = "RandomPassword"
CASES: list[tuple[str, Properties]] = [
    (PASSWORD, {"length": 20}),
    (PASSWORD, {"length": 12, "special": False, "keepers": {"a": "b"}, "overrideSpecial": "!", "minLower": 2}),
    (PASSWORD, {"length": "12", "numeric": False}),
    ("RandomString", {"length": 5}),
    ("RandomId", {"byteLength": 4}),
    ("RandomId", {"byteLength": 4, "prefix": "p-", "keepers": {"x": "1"}}),
    ("RandomUuid", {}),
    ("RandomUuid", {"keepers": {"x": 1}}),
    ("RandomBytes", {"length": 4}),
]
IMPORTS = [
    (PASSWORD, "a-password"),
    ("RandomString", "abc"),
    ("RandomId", "p-,TMIrIw"),
    ("RandomId", "TMIrIw"),
    ("RandomUuid", "b56e88c4-1861-208e-5e4b-2759b66f9db1"),
    ("RandomBytes", "43WgPw=="),
]
# Changes put upon any of the cases.
CHANGES: list[Properties] = [
    {},
    {"length": 21},
    {"byteLength": 7},
    {"keepers": {"q": "2"}},
    {"keepers": {"a": UNKNOWN}},
    {"special": False},
    {"special": True},
    {"number": False},
    {"prefix": "zz"},
    {"overrideSpecial": "?"},
]
DRAWN = ("result", "bcryptHash", "base64", "hex", "dec", "b64Url", "b64Std", "id")


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    with standin("random") as running:
        running.configure({})
        yield running


def test_a_password_is_a_secret_of_the_wanted_characters(plugin: Plugin) -> None:
    made = plugin.make(PASSWORD, {"length": 16, "minSpecial": 3, "minNumeric": 4, "overrideSpecial": "!?"})
    result, digest = made.outputs["result"], made.outputs["bcryptHash"]
    assert isinstance(result, Secret)
    assert isinstance(digest, Secret)
    assert made.id == "none"
    assert len(result.value) == 16
    assert sum(character in "!?" for character in result.value) >= 3
    assert sum(character.isdigit() for character in result.value) >= 4
    assert set(result.value) <= set(string.ascii_letters + string.digits + "!?")
    assert bcrypt.checkpw(result.value.encode(), digest.value.encode())


def test_values_are_kept_until_an_input_changes(plugin: Plugin) -> None:
    for kind, inputs in CASES:
        made = plugin.make(kind, inputs)
        assert plugin.diff(kind, made, inputs).changed == frozenset()
        assert plugin.read(kind, made) == made
        difference = plugin.diff(kind, made, {**inputs, "keepers": {"new": "1"}})
        assert difference.replaced == {"keepers"}
        plugin.delete(kind, made)


def test_spellings_agree(plugin: Plugin) -> None:
    made = plugin.make("RandomId", {"byteLength": 5, "prefix": "p-"})
    value = bytes.fromhex(made.outputs["hex"].removeprefix("p-"))
    assert len(value) == 5
    assert made.outputs["dec"] == f"p-{int.from_bytes(value)}"
    assert base64.b64decode(made.outputs["b64Std"].removeprefix("p-")) == value
    assert made.outputs["b64Url"] == f"p-{made.id}"
    assert UUID(plugin.make("RandomUuid", {}).id)


def test_no_two_are_alike(plugin: Plugin) -> None:
    drawn = {reveal(plugin.make(PASSWORD, {"length": 20}).outputs["result"]) for _ in range(20)}
    assert len(drawn) == 20


def test_a_preview_knows_inputs_and_not_results(plugin: Plugin) -> None:
    shown = plugin.preview(PASSWORD, {"length": 20})
    assert (shown["length"], shown["special"], shown["result"]) == (20, True, UNKNOWN)


@pytest.mark.parametrize(
    ("kind", "inputs", "place"),
    [
        (PASSWORD, {}, "length"),
        (PASSWORD, {"length": 0}, "length"),
        (PASSWORD, {"length": "abc"}, "length"),
        (PASSWORD, {"length": 12.5}, "length"),
        (PASSWORD, {"length": 5, "minUpper": 6}, "length"),
        (PASSWORD, {"length": 5, "minUpper": -1}, "minUpper"),
        (PASSWORD, {"length": 5, "special": "true"}, "special"),
        (PASSWORD, {"length": 5, **dict.fromkeys(SETS, False)}, ""),
        ("RandomId", {}, "byteLength"),
    ],
)
def test_wrong_inputs_are_named(plugin: Plugin, kind: str, inputs: Properties, place: str) -> None:
    assert list(plugin.check(kind, inputs).failures) == [place]


def test_a_wrong_id_cannot_be_imported(plugin: Plugin) -> None:
    with pytest.raises(Refused, match="can't be imported"):
        plugin.adopt("RandomUuid", "not-a-uuid")


def test_local_environments_only(plugin: Plugin) -> None:
    assert plugin.info().endswith("+standin")
    for stack in ("local", "local-7"):
        plugin.on(stack).check(PASSWORD, {"length": 8})
    for stack in ("prod", "localhost"):
        with pytest.raises(Refused, match=r"stand-in .* local environments only"):
            plugin.on(stack).check(PASSWORD, {"length": 8})


def test_other_types_are_refused_by_name(plugin: Plugin) -> None:
    with pytest.raises(Refused, match=r"RandomPet.*it has: .*RandomPassword"):
        plugin.check("RandomPet", {})


@given(
    st.fixed_dictionaries({least: st.integers(0, 5) for least in MINIMA.values()}),
    st.integers(0, 30),
    st.sets(st.sampled_from(sorted(SETS)), min_size=1),
)
def test_minima_and_sets_hold(minima: dict[str, int], more: int, allowed: set[str]) -> None:
    length = max(sum(minima.values()) + more, 1)
    inputs = {"length": length, **minima, **{name: name in allowed for name in SETS}}
    resource = RandomString()
    text, _ = resource.draw(resource.plan(inputs))
    assert len(text) == length
    for name, least in MINIMA.items():
        count = sum(character in SETS[name] for character in text)
        assert count >= minima[least]
        assert name in allowed or count == minima[least]


@pytest.mark.skipif(not GENUINE, reason="no genuine plugins are named")
def test_it_agrees_with_the_published_plugin(plugin: Plugin) -> None:
    def shape(outputs: Properties) -> Properties:
        return {key: type(value) if key in DRAWN else reveal(value) for key, value in outputs.items()}

    with genuine("random") as published:
        published.configure({})
        for kind, inputs in CASES:
            assert plugin.preview(kind, inputs) == published.preview(kind, inputs)
            ours, theirs = plugin.make(kind, inputs), published.make(kind, inputs)
            assert ours.inputs == theirs.inputs
            assert shape(ours.outputs) == shape(theirs.outputs)
            for change in CHANGES:
                for made in (ours, theirs):
                    wanted = {**inputs, **change}
                    assert plugin.diff(kind, made, wanted) == published.diff(kind, made, wanted), (kind, wanted)
        for kind, resource_id in IMPORTS:
            mine, other = plugin.adopt(kind, resource_id), published.adopt(kind, resource_id)
            assert mine is not None
            assert other is not None
            assert (mine.id, mine.inputs) == (other.id, other.inputs)
            assert shape(mine.outputs) == shape(other.outputs)
