"""A small load generator: requests that keep their pace, or as many as there is room for, over kept connections."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

import psutil
import uvloop

CONNECTIONS = 16


@dataclass(frozen=True)
class Load:
    """What a run measured: seconds of each request, and the server's CPU seconds for each."""

    latencies: Sequence[float]
    cpu_seconds: float

    def percentile(self, percent: float) -> float:
        """Seconds; 50 is the median."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]

    @property
    def per_core(self) -> float:
        """Requests in a second of one core."""
        return len(self.latencies) / self.cpu_seconds


def request(token: str, host: str, method: str = "GET") -> bytes:
    """What Traefik asks."""
    lines = [
        "GET /verify HTTP/1.1", "Host: auth-service:8080", "User-Agent: Go-http-client/1.1", "Accept: */*",
        f"Authorization: Bearer {token}", "X-Forwarded-For: 192.0.2.1", f"X-Forwarded-Host: {host}",
        f"X-Forwarded-Method: {method}", "X-Forwarded-Port: 443", "X-Forwarded-Proto: https",
        "X-Forwarded-Server: traefik", "X-Forwarded-Uri: /api/seldon/tasks", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def run(port: int, requests: Sequence[bytes], seconds: float, pace: float | None, pid: int) -> Load:
    """``pace`` requests a second, each timed from the moment it was due; None: as fast as they are answered."""
    server = psutil.Process(pid)
    before = sum(server.cpu_times()[:2])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        latencies = runner.run(_all(port, requests, seconds, pace))
    return Load(latencies, sum(server.cpu_times()[:2]) - before)


def run_once(port: int, requests: Sequence[bytes], pid: int) -> Load:
    """Each request once, one after the other."""
    server = psutil.Process(pid)
    before = sum(server.cpu_times()[:2])
    latencies: list[float] = []
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_connection(port, iter(requests), itertools.count(), time.perf_counter(), inf, None, latencies))
    return Load(latencies, sum(server.cpu_times()[:2]) - before)


async def _all(port: int, requests: Sequence[bytes], seconds: float, pace: float | None) -> list[float]:
    latencies: list[float] = []
    numbers = itertools.count()
    begin = time.perf_counter()
    source = itertools.cycle(requests)
    await asyncio.gather(
        *(_connection(port, source, numbers, begin, seconds, pace, latencies) for _ in range(CONNECTIONS))
    )
    return latencies


async def _connection(
    port: int,
    source: Iterator[bytes],
    numbers: Iterator[int],
    begin: float,
    seconds: float,
    pace: float | None,
    latencies: list[float],
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        due = time.perf_counter() if pace is None else begin + next(numbers) / pace
        if due - begin >= seconds:
            break
        if (ahead := due - time.perf_counter()) > 0:
            await asyncio.sleep(ahead)
        if (content := next(source, None)) is None:
            break
        writer.write(content)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode("latin-1"))
        latencies.append(time.perf_counter() - due)
    writer.close()
