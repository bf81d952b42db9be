"""The time in the emulator: the machine's, unless it was frozen or moved."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from local.hetzner.state import State

KEY = "clock"


class Clock:
    """``now`` is Unix time in s. ``speed`` divides the durations of actions that begin from now on; rates and dates
    are not touched by it. All of it outlives the process."""

    def __init__(self, state: State, speed: float = 1.0) -> None:
        self._state = state
        saved = state.read_setting(KEY, {})
        self.offset: float = saved.get("offset", 0.0)
        self.frozen: float | None = saved.get("frozen")
        self.speed: float = saved.get("speed", speed)

    def now(self) -> float:
        """Unix time in s."""
        return self.frozen if self.frozen is not None else time.time() + self.offset

    def freeze(self) -> None:
        """Stop: time passes by ``advance`` only."""
        self.frozen = self.now()
        self._save()

    def unfreeze(self) -> None:
        """Go on from where it stands."""
        self.offset = self.now() - time.time()
        self.frozen = None
        self._save()

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        if self.frozen is not None:
            self.frozen += seconds
        else:
            self.offset += seconds
        self._save()

    def set_speed(self, speed: float) -> None:
        """Actions that begin from now on take this many times less than in reality."""
        self.speed = speed
        self._save()

    def _save(self) -> None:
        self._state.write_setting(KEY, {"offset": self.offset, "frozen": self.frozen, "speed": self.speed})


def timestamp(moment: float) -> str:
    """As the API writes it: RFC 3339, whole seconds, UTC."""
    return datetime.fromtimestamp(moment, UTC).replace(microsecond=0).isoformat()
