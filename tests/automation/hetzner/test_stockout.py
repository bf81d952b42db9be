"""Sold-out server types: the update runs again, so that the next candidate is ordered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from automation.cost.difference import SERVER
from automation.errors import FoundationError
from automation.report import Diagnostic, Report
from automation.stockout import SOLD_OUT_SERVERS, candidates, sold_out, with_next_candidates
from models.hetzner import Hetzner
from tests.models.conftest import ENTERPRISE, SETTINGS, Folder

URN = f"urn:pulumi:prod::foundation::foundation:hetzner:NodePool${SERVER}::foundation-shared-01-g1"
UNAVAILABLE = "hcloud: server type unavailable (resource_unavailable, 1a2b)"


class Engine:
    """Fails with each of the messages, one a run; then succeeds."""

    def __init__(self, *messages: str, urn: str = URN) -> None:
        self.messages, self.urn = list(messages), urn
        self.runs = 0
        self.variables: dict[str, str] = {}
        self.refused: list[str | None] = []
        self.report = Report("up")

    def run(self) -> Report:
        self.runs += 1
        self.refused.append(self.variables.get(SOLD_OUT_SERVERS))
        self.report = Report("up")
        if self.messages:
            self.report.diagnostics.append(Diagnostic("error", self.messages.pop(0), self.urn))
            raise FoundationError("up failed")
        return self.report


def test_the_next_candidate_is_ordered_and_said() -> None:
    engine, told = Engine(UNAVAILABLE, 'unsupported location for server type "cax11"'), list[str]()
    assert with_next_candidates(engine.run, lambda: engine.report, 3, told.append, engine.variables) is engine.report
    assert engine.runs == 3
    # The provider is told which servers move on, by this update only.
    assert engine.refused == [None, "foundation-shared-01-g1", "foundation-shared-01-g1"]
    assert engine.variables == {}
    assert told == ["sold out at Hetzner: foundation-shared-01-g1; running again with the next candidate"] * 2


def test_it_ends_with_the_candidates() -> None:
    engine = Engine(*[UNAVAILABLE] * 9)
    with pytest.raises(FoundationError):
        with_next_candidates(engine.run, lambda: engine.report, 2, lambda line: None, engine.variables)
    assert engine.runs == 2


@pytest.mark.parametrize(
    ("message", "urn"), [("quota (resource_limit_exceeded)", URN), (UNAVAILABLE, URN.replace("server", "volume"))]
)
def test_other_failures_are_not_tried_again(message: str, urn: str) -> None:
    engine = Engine(message, urn=urn)
    assert sold_out(engine.report) == []
    with pytest.raises(FoundationError):
        with_next_candidates(engine.run, lambda: engine.report, 5, lambda line: None, engine.variables)
    assert engine.runs == 1


def test_the_longest_list_of_candidates_bounds_it(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.settings(SETTINGS)
    folder.tenant(ENTERPRISE)
    environment = folder.load()
    assert candidates(environment) == 1
    place = [{"server_type": kind, "location": "fsn1"} for kind in ("cpx22", "cpx32", "cpx42", "cpx52", "cpx62")]
    settings = Hetzner.model_validate(
        {
            "cluster": "foundation",
            "credentials_file": "hetzner.json",
            "admin_cidrs": ["203.0.113.0/24"],
            "control_plane": {"candidates": place[:1]},
            "pools": {name: {"candidates": place[:2]} for name in ("shared", "database", "infra")},
            "enterprise": {"candidates": place},
        }
    )
    changed = environment.settings.model_copy(update={"hetzner": settings})
    assert candidates(replace(environment, settings=changed)) == 5
