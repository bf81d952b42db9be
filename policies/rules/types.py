"""What a rule is: a name, a sentence, and a function over plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from policies.plain import Resource, Violation


@dataclass(frozen=True)
class ResourceRule:
    """Judges one resource before it is touched."""

    name: str
    description: str
    judge: Callable[[Resource], Iterable[str]]
    """Yields one message for each offence."""


@dataclass(frozen=True)
class StackRule:
    """Judges all resources together; runs at the end of a preview."""

    name: str
    description: str
    judge: Callable[[Sequence[Resource]], Iterable[Violation]]
