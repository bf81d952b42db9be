"""What a failed run of the engine is told as."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.automation import CommandError, CommandResult

from automation.errors import FoundationError
from automation.report import Diagnostic, Report
from automation.running import run_engine, silent

STACK = "urn:pulumi:local::foundation::pulumi:pulumi:Stack::foundation-local"
THING = "urn:pulumi:local::foundation::kubernetes:core/v1:ConfigMap::agents"


@pytest.mark.parametrize(
    ("urn", "message", "told"),
    [
        (THING, "failed to run policy: error reading from server: EOF", "policies' process ended"),
        (STACK, "failed to run remediation: connection error", "policies' process ended"),
        (STACK, "error reading from server: EOF", "policies' process ended"),
        (THING, "error reading from server: EOF", "up failed"),
        (STACK, "failed to run remediation: context canceled", "up failed"),
    ],
)
def test_policies_that_did_not_judge_fail_the_update(urn: str, message: str, told: str) -> None:
    report = Report("up", diagnostics=[Diagnostic("error", message, urn)])

    def run() -> None:
        raise CommandError(CommandResult(stdout="", stderr="", code=255))

    stack: Any = None  # not asked for anything when the engine fails
    with pytest.raises(FoundationError, match=told) as failed:
        run_engine(stack, report, silent, run)
    assert failed.value.exit_code == 1
    assert failed.value.problems == (message,)
