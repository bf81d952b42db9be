"""When each API key was last used, written in batches."""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

from services.auth.database import Database

FLUSH_SECONDS: Final = 10.0
"""Gitea writes every 30 s at most; ours is one statement for all keys."""

UPDATE = """
    UPDATE api_keys k SET last_used_at = to_timestamp(u.used)
      FROM unnest(%s::uuid[], %s::float8[]) AS u (id, used)
     WHERE k.id = u.id AND (k.last_used_at IS NULL OR k.last_used_at < to_timestamp(u.used))
"""


class Usage:
    """Remembers uses until they are written."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._used: dict[UUID, float] = {}

    def used(self, key: UUID) -> None:
        """Now."""
        self._used[key] = time.time()

    async def flush(self) -> None:
        """Write what there is. Raises Refused without the database; what couldn't be written is kept."""
        if not self._used:
            return
        used, self._used = self._used, {}
        try:
            # In order of the keys: two replicas then never wait for each other's rows in a circle.
            keys = sorted(used)
            await self._database.rows(UPDATE, (keys, [used[key] for key in keys]))
        except BaseException:
            self._used = used | self._used
            raise
