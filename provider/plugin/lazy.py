"""Resource types that are imported when they are first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from provider.plugin.types import ResourceType


class LazyTypes(Mapping[str, ResourceType[Any]]):
    """Resource types by token, each named as ``module:Class``.

    The engine starts a process for every provider of a program and twice in an ``up``; each needs few of the types, and
    what all of them import takes longer than most updates.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places
        self._made: dict[str, ResourceType[Any]] = {}

    def __getitem__(self, token: str) -> ResourceType[Any]:
        made = self._made.get(token)
        if made is None:
            module, _, name = self._places[token].partition(":")
            # Two threads may make two; one of them stays.
            made = self._made.setdefault(token, getattr(import_module(module), name)())
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
