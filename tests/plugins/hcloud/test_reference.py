"""The stand-in beside the published plugin: the same requests in projects alike, the same answers.

Runs where ``FOUNDATION_REFERENCE_PLUGINS`` names a folder with the published plugin.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_fixed

from local.toolchain.home import reference_plugins
from provider.plugin import Properties, Secret, contains_unknown
from tests.hetzner_emulator.conftest import Emulator, Project
from tests.plugins.hcloud.cases import CASES, Case, merged
from tests.plugins.hcloud.world import World, settings
from tests.plugins.rpc import GENUINE, Checked, Difference, Made, Plugin, Refused, genuine, standin

NAMED = {plugin.name for plugin in reference_plugins()} if GENUINE else set()
pytestmark = pytest.mark.skipif("hcloud" not in NAMED, reason="no genuine hcloud plugin is named")

STARTERS = {"ours": standin, "theirs": genuine}


@contextmanager
def plugin(whose: str, project: Project) -> Iterator[Plugin]:
    with STARTERS[whose]("hcloud") as running:
        running.configure(settings(project))
        yield running


def plain(value: Any) -> Any:
    """Comparable: what the engine itself adds, and what is drawn, left out."""
    if isinstance(value, Made):
        inputs = {name: item for name, item in value.inputs.items() if item is not None}
        return {"id": value.id, "inputs": plain(inputs), "outputs": plain(value.outputs)}
    if isinstance(value, Checked):
        return {"inputs": plain(value.inputs), "refused": bool(value.failures)}
    if isinstance(value, Difference):
        return (sorted(value.changed), sorted(value.replaced), value.deletes_first)
    if isinstance(value, Secret):
        # The engine marks the published plugin's outputs by its inputs; the stand-in does that itself.
        return plain(value.value)
    if isinstance(value, dict):
        return {
            # To the published plugin no text is an empty one, and no object an empty list of them.
            key: plain(item)
            for key, item in value.items()
            if key != "__meta" and item not in (None, "", {"plu": {"i": {}}})
        }
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def rest(use: Plugin, kind: str, made: Made) -> Made | None:
    """What is there after its removal. Load balancers are gone a moment later."""
    again = Retrying(
        retry=retry_if_result(bool),
        stop=stop_after_attempt(20 if kind == "LoadBalancer" else 1),
        wait=wait_fixed(0.05),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    found: Made | None = again(use.read, kind, made)
    return found


class Rehearsal:
    """All cases by one plugin, and what it answered."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.answers: dict[str, Any] = {}
        self.left: list[tuple[Case, Properties, Made]] = []

    def run(self) -> dict[str, Any]:
        for case in CASES:
            self._case(case)
        for case, _, made in reversed(self.left):
            self._note(case, "delete", lambda case=case, made=made: self.world.plugin.delete(case.kind, made))
            self._note(case, "gone", lambda case=case, made=made: rest(self.world.plugin, case.kind, made))
        return self.answers

    def _note(self, case: Case, what: str, request: Any) -> Any:
        label = f"{case.kind} {case.name}: {what}"
        try:
            answer = request()
        except (Refused, AssertionError):
            self.answers[label] = "refused"
            return None
        self.answers[label] = plain(answer)
        return answer

    def _case(self, case: Case) -> None:
        use, kind = self.world.plugin, case.kind
        inputs = case.inputs(self.world)
        for wrong in case.wrong:
            checked = self._note(case, f"check {wrong}", lambda wrong=wrong: use.check(kind, merged(inputs, wrong)))
            self.answers[f"{kind} {case.name}: check {wrong}"] = checked is None or bool(checked.failures)
        self._note(case, "check", lambda: use.check(kind, inputs))
        self._note(case, "preview", lambda: use.preview(kind, inputs))
        made = self._note(case, "make", lambda: use.make(kind, inputs))
        assert made is not None, (kind, case.name)
        self.world.keep(kind, case.name, made)
        self.left.append((case, inputs, made))
        self._note(case, "read", lambda: use.read(kind, made))
        identity = case.imported(self.world) if case.imported else made.id
        self._note(case, "import", lambda: use.adopt(kind, identity))
        self._note(case, "same", lambda: use.diff(kind, made, inputs))
        for change in (*case.plans, *case.changes):
            self._note(case, f"diff {change}", lambda change=change: use.diff(kind, made, merged(inputs, change)))
        back = merged(inputs, case.back)
        for change in case.changes:
            assert not contains_unknown(change)
            wanted = merged(inputs, change)
            changed = self._note(case, f"change {change}", lambda wanted=wanted: use.change(kind, made, wanted))
            if changed is not None:
                self._note(case, f"after {change}", lambda c=changed, w=wanted: use.diff(kind, c, w))
                self._note(case, f"back from {change}", lambda c=changed: use.change(kind, c, back))
        for method, path, body in case.drift:
            if method == "PUT":
                assert self.world.project.request(method, path.format(made.id), body).ok
            else:
                self.world.project.post(path.format(made.id), body)
            drifted = self._note(case, f"drift {path} {body}", lambda: use.read(kind, made))
            assert drifted is not None
            self._note(case, f"drifted {path} {body}", lambda drifted=drifted: use.diff(kind, drifted, inputs))


def test_it_answers_as_the_published_plugin(emulators: Callable[..., Emulator]) -> None:
    answers = {}
    for whose in STARTERS:
        # IDs and addresses are drawn in the same order in either emulator.
        project = emulators().project()
        with plugin(whose, project) as running:
            answers[whose] = Rehearsal(World(running, project)).run()
        assert not project.leftovers()
    ours, theirs = answers["ours"], answers["theirs"]
    other = [label for label in theirs if ours[label] != theirs[label]]
    shown = [
        f"{label}\n  {whose} {json.dumps(said[label], sort_keys=True)}"
        for label in other
        for whose, said in answers.items()
    ]
    assert not other, "\n".join([f"{len(other)} of {len(theirs)} answers differ:", *shown])


@pytest.mark.parametrize(("first", "second"), [("ours", "theirs"), ("theirs", "ours")])
def test_each_goes_on_where_the_other_left(emulator: Emulator, first: str, second: str) -> None:
    project = emulator.project()
    with ExitStack() as running:
        one, other = (running.enter_context(plugin(whose, project)) for whose in (first, second))
        world = World(one, project)
        for case in CASES:
            made = world.keep(case.kind, case.name, one.make(case.kind, case.inputs(world)))
            assert not other.diff(case.kind, made, case.inputs(world)).changed, (case.kind, case.name)
            assert plain(other.read(case.kind, made)) == plain(one.read(case.kind, made)), (case.kind, case.name)
        for kind, made in reversed(world.made.values()):
            other.delete(kind, made)
            # An attachment's id is the firewall's.
            assert kind == "FirewallAttachment" or rest(one, kind, made) is None, kind
    assert not project.leftovers()
