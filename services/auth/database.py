"""The pool of connections to auth_db. Whatever keeps it from answering is one refusal: UNAVAILABLE."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from services.auth.refusal import UNAVAILABLE, Refused

Connection = psycopg.AsyncConnection[DictRow]
Row = dict[str, Any]
T = TypeVar("T")

CONNECT_SECONDS = 2
# A request waits so long for a connection, then for its statement (milliseconds).
POOL_SECONDS = 1.0
STATEMENT_MILLISECONDS = 2000
# The pool doubles its pause after each failed try; giving up early makes it begin again with the next request, so that
# it is back soon after the database is.
RECONNECT_SECONDS = 1.0
# Requests that wait for a connection at once; the others are refused right away.
WAITING = 200
# An unanswered packet ends the connection after so many milliseconds, instead of the kernel's quarter of an hour.
TCP_USER_TIMEOUT = 3000

# PoolTimeout, PoolClosed and TooManyRequests are OperationalErrors too.
UNREACHABLE = (psycopg.OperationalError, psycopg.InterfaceError)

log = logging.getLogger(__name__)


class Database:
    """auth_db."""

    def __init__(self, conninfo: str, connections: int) -> None:
        self.conninfo = conninfo
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            conninfo,
            connection_class=psycopg.AsyncConnection[DictRow],
            min_size=1,
            max_size=connections,
            open=False,
            timeout=POOL_SECONDS,
            max_waiting=WAITING,
            reconnect_timeout=RECONNECT_SECONDS,
            kwargs=connection_options() | {"row_factory": dict_row},
        )

    async def open(self) -> None:
        """Begin to connect; whether the database is there shows later."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        await self._pool.close(timeout=5)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction. Raises UNAVAILABLE when the database can't be reached or doesn't answer."""
        try:
            async with self._pool.connection() as connection, connection.transaction():
                yield connection
        except UNREACHABLE as error:
            log.warning("database doesn't answer", extra={"reason": type(error).__name__})
            raise Refused(UNAVAILABLE) from None

    async def rows(self, query: LiteralString, parameters: Sequence[object] = ()) -> list[Row]:
        """What one query returns. Connections that died since their last use are replaced and it runs once more, so
        it must be one that may run twice."""
        return await bounded(self._twice(query, parameters), POOL_SECONDS + STATEMENT_MILLISECONDS / 1000)

    async def _twice(self, query: LiteralString, parameters: Sequence[object]) -> list[Row]:
        try:
            try:
                return await self._once(query, parameters)
            except UNREACHABLE:
                await self._pool.check()
                return await self._once(query, parameters)
        except UNREACHABLE as error:
            log.warning("database doesn't answer", extra={"reason": type(error).__name__})
            raise Refused(UNAVAILABLE) from None

    async def _once(self, query: LiteralString, parameters: Sequence[object]) -> list[Row]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query, parameters)
            return await cursor.fetchall() if cursor.description else []


async def bounded(work: Coroutine[Any, Any, T], seconds: float) -> T:
    """What ``work`` returns. Raises UNAVAILABLE after ``seconds`` and lets it end by itself: psycopg answers a
    cancellation by asking the server to cancel the statement, which takes its time when the server is what hangs."""
    task = asyncio.create_task(work)
    _ending.add(task)
    task.add_done_callback(_ended)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if done:
        return task.result()
    task.cancel()
    log.warning("database doesn't answer", extra={"reason": "time is up"})
    raise Refused(UNAVAILABLE)


_ending: set[asyncio.Task[Any]] = set()


def _ended(task: asyncio.Task[Any]) -> None:
    _ending.discard(task)
    if not task.cancelled():
        task.exception()  # was told already, or came too late to matter


def connection_options() -> dict[str, Any]:
    """What every connection of the service has."""
    return {
        "autocommit": True,
        "connect_timeout": CONNECT_SECONDS,
        "application_name": "auth-service",
        "tcp_user_timeout": TCP_USER_TIMEOUT,
        "options": f"-c statement_timeout={STATEMENT_MILLISECONDS} -c lock_timeout={STATEMENT_MILLISECONDS}",
    }
