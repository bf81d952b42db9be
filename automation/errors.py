"""Errors that a person can act on. Each kind has its own exit code, documented in ``docs/how-to/exit-codes.md``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar


class FoundationError(Exception):
    """Something failed; ``next_step`` says what to do about it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, problems: Sequence[str] = (), next_step: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.problems = tuple(problems)
        self.next_step = next_step


class BadInput(FoundationError):
    """A file or an argument is wrong. Nothing was touched; ``problems`` holds every offence."""

    exit_code = 2


class Busy(FoundationError):
    """Another update of the same stack is under way."""

    exit_code = 3


class Refused(FoundationError):
    """A policy or the protection of data forbids the change. Nothing was touched."""

    exit_code = 4
