"""Hears from PostgreSQL what was changed, and knows when it can't hear.

Every HEARTBEAT a statement goes over the listening connection. Its answer shows that the connection lived when it was
sent, so the cache counts for LEASE seconds from then: a revocation is in effect everywhere less than a second after
its commit, whatever happens to the network.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import psycopg

from services.auth.cache import Cache
from services.auth.database import connection_options

CHANNEL: Final = "auth_changes"
HEARTBEAT: Final = 0.25
LEASE: Final = 0.8
RECONNECT_SECONDS: Final = 0.5

log = logging.getLogger(__name__)


class Changes:
    """Keeps ``cache`` right. ``reload`` reads keys and domains anew: at each connection and when they changed."""

    def __init__(self, conninfo: str, cache: Cache, reload: Callable[[], Awaitable[None]]) -> None:
        self._conninfo = conninfo
        self._cache = cache
        self._reload = reload

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._listen()
            except Exception as error:  # whatever it was: a replica that stopped listening would stay shut for ever
                log.warning("changes are not heard", extra={"reason": type(error).__name__})
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        async with asyncio.timeout(5):
            connection = await psycopg.AsyncConnection.connect(self._conninfo, **connection_options())
        try:
            await connection.execute(f"LISTEN {CHANNEL}".encode())
            # What changed while nobody listened is unknown.
            self._cache.clear()
            await self._reload()
            log.info("changes are heard")
            while True:
                async with asyncio.timeout(LEASE):
                    sent = time.monotonic()
                    await connection.execute("SELECT 1")
                    # Heard before the answer: taken in before the lease is longer.
                    await self._take(connection, 0)
                    self._cache.keep_fresh(sent + LEASE)
                    await self._take(connection, HEARTBEAT)
        finally:
            self._cache.keep_fresh(0)
            with contextlib.suppress(psycopg.Error, TimeoutError):
                async with asyncio.timeout(1):
                    await connection.close()

    async def _take(self, connection: psycopg.AsyncConnection, seconds: float) -> None:
        async for notice in connection.notifies(timeout=seconds):
            table, _, subject = notice.payload.partition(":")
            log.info("change", extra={"table": table})
            if table in ("signing_keys", "tenant_domains"):
                self._cache.clear()
                self._cache.keep_fresh(0)  # until the new ones are read
                await self._reload()
            elif subject:
                self._cache.drop(UUID(subject))
            else:
                self._cache.clear()
