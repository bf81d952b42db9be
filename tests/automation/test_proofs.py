"""The frame of proofs: every figure is told, a figure that falls short ends it with 1, what isn't run is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from automation.prove import frame
from automation.prove.frame import Figure, at_most, equal, not_run, proof, run


@pytest.fixture
def evidence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(frame, "EVIDENCE", tmp_path)
    monkeypatch.setattr(frame, "_PROOFS", {})
    return tmp_path


def test_all_figures_reach_their_goals(evidence: Path, capsys: pytest.CaptureFixture[str]) -> None:
    @proof("good")
    def good() -> Iterator[Figure]:
        """What it shows."""
        yield at_most("a time", "by clock", 2.0, 3)
        yield equal("a count", "counted", 3, 3)
        yield not_run("elsewhere", "there", "same", "not on this machine")

    assert run("good") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["ok", "ok", "not run"]
    page = (evidence / "good.md").read_text()
    for expected in ("What it shows.", "| ok | a time | 2.0 s | at most 3 s | by clock |", "## Not run", "cores"):
        assert expected in page


def test_a_figure_that_falls_short_fails_the_proof(evidence: Path) -> None:
    @proof("slow")
    def slow() -> Iterator[Figure]:
        yield at_most("a time", "by clock", 4.0, 3)

    assert run("slow") == 1
    assert "**1 fall short.**" in (evidence / "slow.md").read_text()


def test_what_was_measured_before_an_error_is_kept(evidence: Path, capsys: pytest.CaptureFixture[str]) -> None:
    @proof("broken")
    def broken() -> Iterator[Figure]:
        yield equal("a count", "counted", 3, 3)
        raise RuntimeError("the disk is full\nand more")

    assert run("broken") == 1
    page = (evidence / "broken.md").read_text()
    assert "| ok | a count |" in page
    assert "the disk is full" in page
    assert "and more" in capsys.readouterr().err


def test_an_unknown_proof_is_bad_input(evidence: Path) -> None:
    assert run("nothing") == 2
    assert not list(evidence.iterdir())
