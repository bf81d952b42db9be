"""``foundation:hetzner:FoundingServer``: which server a cluster began with, remembered in the state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from provider.plugin import CheckFailure, CheckResult, Context, Diff, Properties, ResourceType, State


class FoundingServer(ResourceType[Any]):
    """Input ``server``; output ``founder``, known in previews too: what ``server`` was when it was made."""

    def check(self, context: Context[Any], old: Properties | None, new: Properties, seed: bytes) -> CheckResult:
        server = new.get("server")
        if not isinstance(server, str) or not server:
            return CheckResult(new, [CheckFailure("server", "must be the server's name, known beforehand")])
        return CheckResult({"server": server})

    def diff(self, context: Context[Any], old: State, new: Properties, ignore: Sequence[str]) -> Diff:
        # Whoever stands in its place later has founded nothing.
        return Diff({})

    def create(self, context: Context[Any], inputs: Properties) -> State:
        return State(context.resource.name, inputs, self.preview_create(context, inputs))

    def preview_create(self, context: Context[Any], inputs: Properties) -> Properties:
        return {**inputs, "founder": inputs["server"]}

    def read(self, context: Context[Any], state: State) -> State | None:
        return state

    def delete(self, context: Context[Any], state: State) -> None:
        """With the state it is forgotten, and the next cluster begins with whoever is first then."""
