"""What happens around the emulator when a server boots or is deleted."""

from __future__ import annotations

from typing import Protocol

from local.hetzner.listing import Record


class Observer(Protocol):
    """Is told of servers, at least once each time and in order; so it must take being told twice. A method that
    raises is called again later. ``server`` is the API's record with ``user_data``."""

    def on_boot(self, server: Record) -> None:
        """The server runs."""

    def on_delete(self, server: Record) -> None:
        """The server is no more."""
