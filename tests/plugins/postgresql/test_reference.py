"""The stand-in beside the published plugin: the same requests on the same server, the same answers.

Runs where ``FOUNDATION_REFERENCE_PLUGINS`` names a folder with the published plugin.
"""

from __future__ import annotations

from typing import Any

import pytest

from provider.plugin import Properties, Secret, contains_unknown
from tests.plugins.postgresql.cases import Case, cases
from tests.plugins.postgresql.world import World
from tests.plugins.rpc import GENUINE, Made, Plugin, genuine

pytestmark = pytest.mark.skipif(not GENUINE, reason="no genuine plugins are named")


def plain(value: Any) -> Any:
    """Comparable: empty marks of the bridge left out, secrets as such."""
    if isinstance(value, Made):
        return (value.id, plain(value.inputs), plain(value.outputs))
    if isinstance(value, Secret):
        return ("secret", plain(value.value))
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if not (key == "__defaults" and not item)}
    return value


def test_it_answers_as_the_published_plugin(plugin: Plugin, world: World, settings: Properties) -> None:
    with genuine("postgresql") as published:
        published.configure(settings)
        for case in cases(world):
            _compare(case, plugin, published, world)


def _compare(case: Case, ours: Plugin, theirs: Plugin, world: World) -> None:
    kind = case.kind
    assert plain(ours.check(kind, case.inputs).inputs) == plain(theirs.check(kind, case.inputs).inputs)
    assert plain(ours.preview(kind, case.inputs)) == plain(theirs.preview(kind, case.inputs))
    # Each reads and removes what the other has made.
    made = theirs.make(kind, case.inputs)
    assert plain(ours.read(kind, made)) == plain(theirs.read(kind, made))
    ours.delete(kind, made)
    again = ours.make(kind, case.inputs)
    assert plain(again) == plain(made)
    for change in case.changes:
        difference = theirs.diff(kind, again, change)
        assert ours.diff(kind, again, change) == difference, (kind, change)
        if difference.changed and not difference.replaced and not contains_unknown(change):
            changed = theirs.change(kind, again, change)
            back = theirs.change(kind, changed, case.inputs)
            assert _without_password(ours.change(kind, again, change)) == _without_password(changed)
            assert plain(ours.change(kind, changed, case.inputs)) == plain(back)
    for statement in case.drift:
        world.run(statement)
        assert plain(ours.read(kind, again)) == plain(theirs.read(kind, again)), statement
    theirs.delete(kind, again)
    assert plain(ours.read(kind, again)) == plain(theirs.read(kind, again))


def _without_password(made: Made) -> Any:
    # A password taken away is recorded as '' by the one and as null by the other, which mean the same.
    return plain(Made(made.id, made.inputs, {key: item for key, item in made.outputs.items() if key != "password"}))
