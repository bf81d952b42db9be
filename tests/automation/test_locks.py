"""Who holds a stack's lock, and whether that process certainly runs no more."""

from __future__ import annotations

import os
import socket
import subprocess
from datetime import UTC, datetime, timedelta

from automation.locks import Holder, holders

HERE = socket.gethostname()
NOW = datetime.now(UTC)


def test_the_engines_message_names_the_holders() -> None:
    message = (
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete "
        f"the lock file with `pulumi cancel`.\n  file:///state/locks/a.json: created by ann@{HERE} "
        f"(pid {os.getpid()}) at 2026-11-21T12:00:00Z"
    )
    (holder,) = holders(message)
    assert holder == Holder("ann", HERE, os.getpid(), datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert "ann" in str(holder)
    assert str(os.getpid()) in str(holder)
    assert holders("something else went wrong") == []


def test_a_living_process_is_not_dead() -> None:
    assert not Holder("ann", HERE, os.getpid(), NOW).is_dead()


def test_a_process_that_ended_is_dead() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    assert Holder("ann", HERE, ended.pid, NOW).is_dead()


def test_a_number_that_another_process_has_now_is_dead() -> None:
    assert Holder("ann", HERE, os.getpid(), NOW - timedelta(days=400)).is_dead()


def test_nothing_is_known_of_another_machine() -> None:
    assert not Holder("ann", f"not-{HERE}", 1, NOW - timedelta(days=400)).is_dead()
