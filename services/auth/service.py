"""The parts of one replica, and what runs beside its requests."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Final

import psycopg

from services.auth import signing_keys
from services.auth.authenticator import Authenticator
from services.auth.changes import Changes
from services.auth.database import Database
from services.auth.passwords import Passwords
from services.auth.refusal import Refused
from services.auth.sessions import Sessions
from services.auth.settings import Settings
from services.auth.usage import FLUSH_SECONDS

HOUSEKEEPING_SECONDS: Final = 60
RETRY_SECONDS: Final = 1

# Used refresh tokens are kept as long as their session: a second use has to be recognised.
# A part each time, since a statement has two seconds.
CLEAN_UP = (
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < now() - interval '1 day' LIMIT 1000)",
    "DELETE FROM throttles WHERE key IN (SELECT key FROM throttles WHERE resets_at < now() LIMIT 1000)",
)

log = logging.getLogger(__name__)


class Service:
    """Everything that a replica holds."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database.get_secret_value(), settings.database_connections)
        self.authenticator = Authenticator(settings, self.database)
        self.passwords = Passwords()
        self.sessions = Sessions(self.authenticator, self.passwords)
        self._changes = Changes(
            settings.database.get_secret_value(), self.authenticator.cache, self.authenticator.reload
        )

    @property
    def ready(self) -> bool:
        """Whether it hears changes and can sign: without that it would refuse everybody."""
        return self.authenticator.cache.fresh and self.authenticator.ring.signer is not None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Connections and background work, ended in order. Doesn't wait for the database."""
        await self.database.open()
        await self.passwords.prepare()
        tasks = [asyncio.create_task(work) for work in (self._changes.run(), self._housekeeping(), self._write_usage())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            with contextlib.suppress(Refused):
                await self.authenticator.usage.flush()
            await self.database.close()

    async def _housekeeping(self) -> None:
        while True:
            try:
                if await signing_keys.ensure(self.database, self.settings):
                    log.info("signing key made")
                for statement in CLEAN_UP:
                    await self.database.rows(statement)
                pause = HOUSEKEEPING_SECONDS
            except (Refused, psycopg.Error) as error:
                log.warning("housekeeping failed", extra={"reason": type(error).__name__})
                pause = RETRY_SECONDS
            await asyncio.sleep(pause)

    async def _write_usage(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self.authenticator.usage.flush()
            except (Refused, psycopg.Error) as error:
                log.warning("last use of keys not written", extra={"reason": type(error).__name__})
