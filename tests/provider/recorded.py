"""One resource of our provider with its recorded state, changed as the engine changes it."""

from __future__ import annotations

from dataclasses import dataclass

from provider.plugin import Properties
from tests.plugins.rpc import Made, Plugin, Refused


@dataclass
class Recorded:
    """A resource of type ``token``; ``made`` is its state, None before it is made."""

    plugin: Plugin
    token: str
    made: Made | None = None

    def up(self, inputs: Properties, *, refresh: bool = False) -> str:
        """Updates; says ``create``, ``update``, ``replace`` or ``same``. Raises :class:`Refused`."""
        if self.made is not None and refresh:
            self.made = self.plugin.read(self.token, self.made)
        refused = self.check(inputs)
        if refused:
            raise Refused("; ".join(refused.values()))
        if self.made is None:
            self.made = self.plugin.make(self.token, inputs)
            return "create"
        difference = self.plugin.diff(self.token, self.made, inputs)
        if difference.replaced:
            self.destroy()
            self.made = self.plugin.make(self.token, inputs)
            return "replace"
        if difference.changed:
            self.made = self.plugin.change(self.token, self.made, inputs)
            return "update"
        return "same"

    def check(self, inputs: Properties) -> dict[str, str]:
        """What a preview refuses, by property."""
        return self.plugin.check(self.token, inputs, self.made.inputs if self.made else None).failures

    def failure(self, inputs: Properties) -> str:
        """What the user sees of an update that fails."""
        try:
            self.up(inputs)
        except Refused as refused:
            return str(refused)
        raise AssertionError("it succeeded")

    def destroy(self) -> None:
        if self.made is not None:
            self.plugin.delete(self.token, self.made)
        self.made = None
