"""What Hetzner's API refuses ends in a message."""

from __future__ import annotations

from pathlib import Path

import pytest
from hcloud import APIException
from typer.testing import CliRunner

from automation.cli import app

PROJECT = Path(__file__).parents[3]


def test_a_refusal_is_told_with_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(project: object) -> None:
        raise APIException(code="rate_limit_exceeded", message="limit of 3600 requests per hour reached", details=None)

    monkeypatch.setattr("automation.orphans.find", refuse)
    monkeypatch.chdir(PROJECT)
    done = CliRunner().invoke(app, ["orphans"])
    assert done.exit_code == 1
    assert "limit of 3600 requests per hour reached (rate_limit_exceeded)" in done.stderr
    assert "Traceback" not in done.stderr
