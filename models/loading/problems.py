"""What is wrong in a file, said so that its author can mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST_VALUE = 60
_FEW = 8


@dataclass(frozen=True)
class Problem:
    """One problem: where it is, which field and value it concerns, what is wrong and what would be right.

    ``value`` is the value as people may see it (None: nothing is shown, as with every secret); ``message`` reads on
    from it. ``str()`` gives ``FILE:LINE: FIELD: VALUE MESSAGE; HINT``.
    """

    file: str
    line: int
    field: str
    value: str | None
    message: str
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}: " + (f"{self.field}: " if self.field else "")
        said = self.message if self.value is None else f"{self.value} {self.message}"
        return where + said + (f"; {self.hint}" if self.hint else "")


class InvalidInput(ValueError):
    """The files can't be used; ``problems`` holds everything that is wrong in all of them, in the files' order."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems), key=lambda problem: (problem.file, problem.line, str(problem))))
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__("\n".join((f"{count}:", *map(str, self.problems))))


def shown(value: object) -> str | None:
    """A value as it stands in a message: shortened, and None where it has no short form."""
    if isinstance(value, str):
        return repr(value if len(value) <= _LONGEST_VALUE else value[: _LONGEST_VALUE - 3] + "...")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return None


def nearest(value: str, right: Iterable[str]) -> str:
    """A hint: the nearest right value when one is near, and all of them when they are few or none is near."""
    choices = list(right)
    if not choices:
        return "there is none yet"
    close = difflib.get_close_matches(value, choices, n=1)
    every = ", ".join(choices)
    if not close:
        return f"use one of: {every}"
    return f"did you mean {close[0]!r}?" + (f" ({every})" if len(choices) <= _FEW else "")
