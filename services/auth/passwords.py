"""Passwords: Argon2id; bcrypt hashes that came with older accounts are replaced at the next login."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Final, TypeVar, TypeVarTuple

import bcrypt
from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerifyMismatchError

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 256
"""Characters. NIST SP 800-63B asks for at least 8 and for room to 64."""

# OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1, type=Type.ID)
AT_ONCE: Final = 2
"""Hashes that one replica computes side by side; bounds memory and leaves the event loop its core."""


class Passwords:
    """Hashing on threads of its own: a login never holds up /verify."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "passwords")

    async def hash(self, password: str) -> str:
        """A new hash."""
        return await self._run(HASHER.hash, password)

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether it is the password. Without a stored hash it takes as long, and isn't."""
        right = await self._run(_matches, stored or self._dummy, password)
        return right and stored is not None

    @staticmethod
    def is_old(stored: str) -> bool:
        """Whether the hash should be made anew, now that the password is known."""
        return not stored.startswith("$argon2id$") or HASHER.check_needs_rehash(stored)

    async def prepare(self) -> None:
        """Make the dummy, so that the first unknown account doesn't take longer."""
        await self._run(lambda: self._dummy)

    @cached_property
    def _dummy(self) -> str:
        return HASHER.hash("nobody's password")

    async def _run(self, function: Callable[[*Arguments], T], *arguments: *Arguments) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def _matches(stored: str, password: str) -> bool:
    if stored.startswith("$2"):
        # bcrypt reads 72 bytes; so did those who made the hash.
        return bcrypt.checkpw(password.encode()[:72], stored.encode())
    try:
        return HASHER.verify(stored, password)
    except (VerifyMismatchError, InvalidHashError):
        return False
