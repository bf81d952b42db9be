"""Requests that keep their pace, each timed from the moment it was due, so that waiting in a queue counts."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
from collections.abc import Iterator

import uvloop

from local.ports import LOOPBACK

CONNECTIONS = 16
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


def paced(port: int, request: bytes, per_second: float, seconds: float) -> list[float]:
    """Seconds that each request took, in order of size. Raises RuntimeError when one isn't answered with 200."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return sorted(runner.run(_all(port, request, per_second, seconds)))


def percentile(ordered: list[float], percent: float) -> float:
    """Of latencies in order."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


async def _all(port: int, request: bytes, per_second: float, seconds: float) -> list[float]:
    latencies: list[float] = []
    begin = time.perf_counter()
    due = (begin + number / per_second for number in itertools.count())
    until = begin + seconds
    await asyncio.gather(*(_connection(port, request, due, until, latencies) for _ in range(CONNECTIONS)))
    return latencies


async def _connection(port: int, request: bytes, times: Iterator[float], until: float, latencies: list[float]) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    for due in times:
        if due >= until:
            break
        if (ahead := due - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode("latin-1"))
        if (length := _LENGTH.search(head)) is not None:
            await reader.readexactly(int(length[1]))
        latencies.append(time.perf_counter() - due)
    writer.close()
