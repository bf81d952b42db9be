"""Counts wrong guesses of each address, in memory: what costs a look-up is limited before it does."""

from __future__ import annotations

import time
from ipaddress import ip_address, ip_network
from typing import Final

MAX_ADDRESSES: Final = 100_000


def client(address: str) -> str:
    """Whom an address stands for: with IPv6 everybody has a whole /64 of them."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:64]
    return str(ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


class Guesses:
    """At most ``limit`` wrong ones in ``seconds`` from each address."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit, self._seconds = limit, seconds
        self._counted: dict[str, tuple[int, float]] = {}

    def wait(self, address: str) -> float:
        """Seconds until the address may try again; 0 when it may now."""
        count, resets_at = self._counted.get(client(address), (0, 0.0))
        return max(0.0, resets_at - time.monotonic()) if count >= self._limit else 0.0

    def count(self, address: str) -> None:
        """One wrong guess."""
        address = client(address)
        now = time.monotonic()
        count, resets_at = self._counted.get(address, (0, 0.0))
        if resets_at <= now:
            count, resets_at = 0, now + self._seconds
        self._counted[address] = (count + 1, resets_at)
        if len(self._counted) > MAX_ADDRESSES:
            self._counted = {key: value for key, value in self._counted.items() if value[1] > now}
            while len(self._counted) > MAX_ADDRESSES:
                del self._counted[next(iter(self._counted))]
