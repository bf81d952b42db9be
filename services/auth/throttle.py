"""Counters of attempts that all replicas share, in auth_db: an attempt counts before its password is looked at, so that
many at once don't pass for one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from services.auth.database import Connection
from services.auth.guesses import client

WINDOW_SECONDS: Final = 15 * 60

COUNT = """
    INSERT INTO throttles AS t (key, attempts, resets_at) VALUES (%(key)s, 1, now() + make_interval(secs => %(window)s))
    ON CONFLICT (key) DO UPDATE SET
        attempts = CASE WHEN t.resets_at <= now() THEN 1 ELSE t.attempts + 1 END,
        resets_at = CASE WHEN t.resets_at <= now() THEN excluded.resets_at ELSE t.resets_at END
    RETURNING attempts, extract(epoch FROM resets_at - now())::float8 AS seconds
"""


def account_key(email: str) -> str:
    """Accounts that don't exist are counted like those that do."""
    return f"account:{hashlib.sha256(email.encode()).hexdigest()}"


def address_key(address: str) -> str:
    """A client's address, as the gateway sees it."""
    return f"address:{client(address)}"


@dataclass(frozen=True)
class Excess:
    """Too many attempts: when the next one counts again, and whether this is the first too many."""

    seconds: float
    first: bool


async def count(connection: Connection, key: str, limit: int) -> Excess | None:
    """One more attempt; the excess when there were ``limit`` in the window already."""
    cursor = await connection.execute(COUNT, {"key": key, "window": WINDOW_SECONDS})
    row = await cursor.fetchone()
    assert row is not None, "the statement returns its row"
    return Excess(row["seconds"], row["attempts"] == limit + 1) if row["attempts"] > limit else None


async def forget(connection: Connection, key: str) -> None:
    """The attempts led to success."""
    await connection.execute("DELETE FROM throttles WHERE key = %s", (key,))


async def take_back(connection: Connection, key: str) -> None:
    """The last attempt was none."""
    await connection.execute("UPDATE throttles SET attempts = attempts - 1 WHERE key = %s AND attempts > 0", (key,))
