"""Checked credentials, so that the same one isn't looked up with every request.

What is in here counts only while the channel of changes is alive (``fresh``): a revocation takes an entry away when it
commits, and when nothing is heard from the database any more, everything is looked up, and refused without it.
"""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

from services.auth.identity import Identity

MAX_ENTRIES: Final = 50_000
"""About 100 MB with the longest tokens."""
MAX_AGE: Final = 60.0
"""Seconds; then an entry is looked up again, whatever was heard."""
MAX_UNKNOWN: Final = 10_000
UNKNOWN_AGE: Final = 10.0
"""Seconds that a key counts as unknown without being looked up again."""


class Cache:
    """Identities by credential, for one replica."""

    def __init__(self) -> None:
        self._entries: dict[bytes, tuple[float, Identity]] = {}
        self._unknown: dict[bytes, float] = {}
        self._fresh_until = 0.0
        self.generation = 0
        """Counts what was taken away. A look-up that began before a change must not be kept after it."""

    @property
    def fresh(self) -> bool:
        """Whether every change so far is known here."""
        return time.monotonic() < self._fresh_until

    def get(self, credential: bytes) -> Identity | None:
        """The identity, None when it has to be looked up."""
        found = self._entries.get(credential)
        if found is None:
            return None
        now = time.monotonic()
        if now >= self._fresh_until:
            return None
        if now >= found[0]:
            del self._entries[credential]
            return None
        return found[1]

    def put(self, credential: bytes, identity: Identity, generation: int) -> None:
        """Keep it, unless something changed since ``generation``."""
        if generation != self.generation or not self.fresh:
            return
        if len(self._entries) >= MAX_ENTRIES:
            # The oldest; insertion order is as good as any here, since nobody is refused for it.
            del self._entries[next(iter(self._entries))]
        age = MAX_AGE
        if identity.expires_at is not None:
            age = min(age, identity.expires_at - time.time())
        self._entries[credential] = (time.monotonic() + age, identity)

    def is_unknown(self, credential: bytes) -> bool:
        """Whether it was looked up a moment ago and wasn't there: a client that repeats an old key is no guesser."""
        return self.fresh and time.monotonic() < self._unknown.get(credential, 0)

    def put_unknown(self, credential: bytes, generation: int) -> None:
        """Remember that there is no such credential, unless something changed since ``generation``."""
        if generation != self.generation:
            return
        if len(self._unknown) >= MAX_UNKNOWN:
            del self._unknown[next(iter(self._unknown))]
        self._unknown[credential] = time.monotonic() + UNKNOWN_AGE

    def drop(self, tenant: UUID) -> None:
        """Forget a tenant's credentials."""
        self.generation += 1
        self._unknown.clear()
        self._entries = {
            credential: entry for credential, entry in self._entries.items() if entry[1].tenant.id != tenant
        }

    def clear(self) -> None:
        """Forget everything."""
        self.generation += 1
        self._unknown.clear()
        self._entries.clear()

    def keep_fresh(self, until: float) -> None:
        """Changes are heard; the cache counts until then (``time.monotonic``)."""
        self._fresh_until = until
