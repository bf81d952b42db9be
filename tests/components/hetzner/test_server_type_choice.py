"""Server types by what can be had: on an emulator that sells out, lies and goes away."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import pytest
from hcloud import APIException, Client
from hcloud.images import Image
from hcloud.locations import Location
from hcloud.server_types import ServerType

from local.ports import choose_port
from provider.hetzner.offers import Choice, Market, Markets, Offer, choose
from provider.hetzner.server_type_choice import ServerTypeChoice
from provider.plugin import UNKNOWN, Context, PluginError, Properties, Resource, Secret, State
from tests.hetzner_emulator.conftest import Emulator, Project
from tests.plugins.rpc import Plugin

TOKEN = "foundation:hetzner:ServerTypeChoice"
NAME = "prod-shared-01-g1"
SHARED = (("cpx62", "fsn1"), ("cpx62", "nbg1"), ("ccx43", "fsn1"))


@pytest.fixture
def project(unstable: Emulator) -> Project:
    return unstable.project()


@dataclass
class Node:
    """One server's choice over several updates, each of which asks anew."""

    project: Project
    candidates: tuple[tuple[str, str], ...] = SHARED
    state: State | None = None
    warnings: list[str] = field(default_factory=list)

    def inputs(self, **changes: Any) -> Properties:
        return {
            "server": NAME,
            "candidates": [{"serverType": kind, "location": place} for kind, place in self.candidates],
            "token": Secret(self.project.token),
            "endpoint": self.project.emulator.endpoint,
        } | changes

    @property
    def _context(self) -> Context[Any]:
        resource = Resource(f"urn:pulumi:local::p::{TOKEN}::it", TOKEN, "it", "local", "p")
        return Context(resource, None, threading.Event(), log=lambda text: None, warn=self.warnings.append)

    def preview(self, **changes: Any) -> str:
        """What a preview shows."""
        given, kind = self.inputs(**changes), ServerTypeChoice()
        self.warnings.clear()
        if self.state is None:
            return _text(kind.preview_create(self._context, given))
        if kind.diff(self._context, self.state, given, ()).detailed:
            return _text(kind.preview_update(self._context, self.state, given))
        return _text(self.state.outputs)

    def update(self, **changes: Any) -> str:
        """What an update comes to. Raises PluginError."""
        given, kind = self.inputs(**changes), ServerTypeChoice()
        self.warnings.clear()
        if self.state is None:
            self.state = kind.create(self._context, given)
        elif kind.diff(self._context, self.state, given, ()).detailed:
            self.state = State(self.state.id, given, kind.update(self._context, self.state, given))
        return _text(self.state.outputs)

    def order(self) -> None:
        """The server, as chosen. Raises APIException."""
        assert self.state is not None
        order(self.project, self.state.outputs["serverType"], self.state.outputs["location"])


def order(project: Project, server_type: str, location: str) -> None:
    """A server of that type. Raises APIException."""
    client = Client(token=project.token, api_endpoint=project.emulator.endpoint, poll_interval=0.02)
    made = client.servers.create(NAME, ServerType(server_type), Image(name="ubuntu-24.04"), location=Location(location))
    made.action.wait_until_finished()


def _text(outputs: Properties) -> str:
    return f"{outputs['serverType']} {outputs['location']}"


def test_the_first_that_can_be_had_is_kept_while_the_server_lives(project: Project) -> None:
    node = Node(project)
    project.emulator.fault("sold_out", server_type="cpx62", location="fsn1")
    assert node.preview() == node.update() == "cpx62 nbg1"
    assert node.warnings == []
    node.order()
    # Neither the return of the first, nor the end of its own, nor other wishes move a server that runs.
    project.emulator.control("DELETE", "/faults")
    project.emulator.fault("sold_out", server_type="cpx62", location="nbg1")
    node.candidates = (("ccx33", "fsn1"), ("cpx52", "fsn1"))
    assert node.preview() == node.update() == "cpx62 nbg1"


def test_an_order_that_came_to_nothing_twice_makes_way(project: Project) -> None:
    node = Node(project)
    # The list says it can be had; who orders it learns otherwise (seen at Hetzner, 2026-09).
    project.emulator.fault("sold_out", server_type="cpx62", listed=True)
    for expected in ("cpx62 fsn1", "cpx62 fsn1", "cpx62 nbg1", "cpx62 nbg1"):
        assert node.update() == expected
        with pytest.raises(APIException, match="not available"):
            node.order()
    assert node.preview() == node.update() == "ccx43 fsn1"
    assert node.warnings == [f"{NAME}: an earlier order for cpx62 in nbg1 came to nothing; now ccx43 in fsn1"]
    node.order()
    assert node.update() == "ccx43 fsn1"


def test_a_server_that_was_refused_as_sold_out_moves_on_at_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = Node(project)
    assert node.update() == "cpx62 fsn1"
    monkeypatch.setenv("FOUNDATION_SOLD_OUT", "prod-shared-02-g1")
    assert node.update() == "cpx62 fsn1"
    monkeypatch.setenv("FOUNDATION_SOLD_OUT", f"prod-shared-02-g1,{NAME}")
    assert [node.update() for _ in range(3)] == ["cpx62 nbg1", "ccx43 fsn1", "cpx62 fsn1"]


def test_an_update_that_was_killed_moves_no_server_that_can_be_had(project: Project) -> None:
    node = Node(project)
    project.emulator.fault("sold_out", server_type="cpx62", location="fsn1")
    assert node.update() == node.update() == "cpx62 nbg1"
    # What became unavailable meanwhile is chosen afresh: by the order of wishes.
    project.emulator.control("DELETE", "/faults")
    project.emulator.fault("sold_out", server_type="cpx62", location="nbg1")
    assert node.update() == "cpx62 fsn1"


def test_when_nothing_is_said_to_be_there_the_first_is_tried_with_a_warning(project: Project) -> None:
    node = Node(project, (("cx23", "fsn1"), ("cax11", "nbg1"), ("cpx99", "fsn1")))
    assert node.update() == "cx23 fsn1"
    assert node.warnings == [
        f"{NAME}: no candidate is called available; cx23 in fsn1 is ordered all the same",
    ]
    assert node.update() == "cax11 nbg1"
    assert node.update() == "cpx99 fsn1"
    assert f"{NAME}: Hetzner doesn't know cpx99 in fsn1" in node.warnings[-1]
    assert node.update() == "cx23 fsn1"


def test_less_memory_than_asked_for_and_an_end_in_sight_are_said_beforehand(project: Project) -> None:
    node = Node(project, (("cpx51", "fsn1"), ("cpx22", "fsn1")))
    node.preview(memory=8)
    assert node.warnings == [
        f"{NAME}: cpx22 in fsn1 has 4 GB of memory, less than the 8 GB that are asked for (FC-285)"
    ]
    node.preview(memory=4)
    assert node.warnings == []
    node.candidates = (("cpx51", "fsn1"),)
    node.preview()
    assert f"{NAME}: cpx51 in fsn1 can't be ordered any more after 2025-12-31: add a candidate" in node.warnings


def test_a_server_that_was_ordered_by_an_update_that_was_killed_is_recognized(project: Project) -> None:
    order(project, "cpx22", "hel1")
    assert Node(project).update() == "cpx22 hel1"


def test_previews_work_where_nobody_answers_and_updates_say_so(project: Project) -> None:
    node = Node(project)
    away = {"endpoint": f"http://127.0.0.1:{choose_port(None)}/v1"}
    for changes in (away, {"token": UNKNOWN}, {"endpoint": UNKNOWN}):
        assert node.preview(**changes) == "cpx62 fsn1"
    with pytest.raises(PluginError, match=rf"which server type {NAME} can have isn't known: .*can't be reached"):
        node.update(**away)
    with pytest.raises(PluginError, match="Hetzner answers unauthorized") as refused:
        node.update(token=Secret("x" * 64))
    assert "x" * 64 not in str(refused.value)
    # Who has a choice keeps it.
    project.emulator.fault("sold_out", server_type="cpx62", location="fsn1")
    assert node.update() == "cpx62 nbg1"
    assert node.preview(**away) == node.update(**away) == "cpx62 nbg1"
    assert node.update(token=UNKNOWN) == "cpx62 nbg1"


def test_all_nodes_of_an_update_share_two_questions(project: Project) -> None:
    kind, node = ServerTypeChoice(), Node(project)
    project.emulator.control("PUT", f"/projects/{project.name}", {"remaining": 1000})
    for number in range(30):
        kind.create(node._context, node.inputs(server=f"prod-shared-{number:02d}-g1"))
    assert project.emulator.control("GET", f"/projects/{project.name}")["remaining"] >= 998


def test_an_api_that_says_nothing_holds_up_no_preview(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("provider.hetzner.server_type_choice.PREVIEW_SECONDS", 0.05)
    released = threading.Event()

    def silent(token: str, endpoint: str) -> Market:
        released.wait()
        return Market({}, {Choice("cpx62", "nbg1"): Offer(available=True, memory=32)})

    kind, node = ServerTypeChoice(Markets(silent)), Node(project)
    assert _text(kind.preview_create(node._context, node.inputs())) == "cpx62 fsn1"
    released.set()
    assert _text(kind.create(node._context, node.inputs()).outputs) == "cpx62 nbg1"


CHOICES = [Choice("a", "fsn1"), Choice("b", "fsn1"), Choice("c", "fsn1")]


@pytest.mark.parametrize(
    ("available", "after", "expected"),
    [
        ("abc", None, "a"),
        ("bc", None, "b"),
        ("abc", "a", "b"),
        ("ac", "a", "c"),
        ("abc", "c", "a"),
        ("a", "a", "a"),
        ("", None, "a"),
        ("", "a", "b"),
        ("abc", "gone", "a"),
    ],
)
def test_turns(available: str, after: str | None, expected: str) -> None:
    offers = {choice: Offer(choice.server_type in available, 4.0) for choice in CHOICES}
    found = choose(CHOICES, Market({}, offers), after=Choice(after, "fsn1") if after else None)
    assert found == Choice(expected, "fsn1")


def test_wrong_inputs_are_refused(plugin: Plugin) -> None:
    refused = plugin.check(TOKEN, {"server": "", "candidates": []}).failures
    assert sorted(refused) == ["candidates", "server"]
    refused = plugin.check(TOKEN, {"server": NAME, "candidates": [{"serverType": "cpx22"}]}).failures
    assert refused == {"candidates[0]": "must have serverType and location, such as cpx22 and fsn1"}


def test_the_token_is_in_no_output(plugin: Plugin, project: Project) -> None:
    node = Node(project)
    made = plugin.make(TOKEN, node.inputs())
    assert project.token not in repr(made.outputs)
    assert _text(made.outputs) == "cpx62 fsn1"
