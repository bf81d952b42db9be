"""What a request costs at the front door: Traefik alone, with our check, with a tenant's whole chain, and with a known
forward-auth server.

`python -m benchmarks.gateway [--known PROGRAM]`; raw figures go to `benchmarks/results/gateway.json`. Every variant is
one router of one Traefik that answers by itself (``ping@internal``), so that the differences are the middlewares'.
The variants take turns, in rounds, so that a busy machine hurts all of them alike. Load: benchmarks/paced.py for
latency, rakyll/hey for throughput. PROGRAM is
thomseddon/traefik-forward-auth, built by `go build ./cmd` in its own checkout (docs/how-to/gateway.md).
"""

from __future__ import annotations

import base64
import csv
import hmac
import io
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import httpx
import psutil
import typer
import yaml

from benchmarks.paced import paced, percentile
from benchmarks.tenants import machine
from components.gateway import rules
from components.gateway.configuration import Listeners, static_configuration
from local.files import write_private
from local.ports import LOOPBACK, choose_port
from local.redis.server import RedisServer
from local.toolchain.cache import cached
from local.toolchain.golang import GO_ENVIRONMENT, find_go
from models import names
from tests.services.auth.world import AuthDatabase, Replica, Tenant, eventually, replica

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "gateway.json"
HEY = "github.com/rakyll/hey@v0.1.4"
GO = (1, 22)
KNOWN_SECRET = "a-secret-of-the-benchmark"
KNOWN_EMAIL = "somebody@example.com"
RATE = 500
"""Requests a second of the latency run, each timed from the moment it was due."""
CLIENTS = 32
"""At once in the throughput run."""
ROUNDS = 3


@dataclass(frozen=True)
class Variant:
    """A router, what is sent to it, and the process whose CPU time is the check's own (None: Traefik's alone)."""

    name: str
    path: str
    middlewares: list[str]
    headers: dict[str, str]
    checker: int | None


@dataclass(frozen=True)
class Door:
    """Traefik's port, the host that it serves and its process."""

    port: int
    host: str
    pid: int

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}/"


@dataclass(frozen=True)
class Row:
    """One variant in one round. ``p50``, ``p99`` in ms at RATE requests a second; ``checker_us`` and ``traefik_us``:
    CPU time of a request in microseconds, in the throughput run."""

    variant: str
    round: int
    p50: float
    p99: float
    requests_per_second: float
    checker_us: float | None
    traefik_us: float


def hey() -> Path:
    """The load generator, built once on this machine."""

    def build(folder: Path) -> None:
        environment = {**os.environ, **GO_ENVIRONMENT, "GOBIN": str(folder)}
        subprocess.run([str(find_go(GO)), "install", HEY], env=environment, check=True)

    return cached("hey", HEY.rpartition("@")[2].replace(".", "-"), build) / "hey"


def request(door: Door, variant: Variant) -> bytes:
    """One request of the latency run."""
    lines = [f"GET /{variant.path} HTTP/1.1", f"Host: {door.host}", "User-Agent: benchmark"]
    lines += [f"{name}: {value}" for name, value in variant.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def load(door: Door, variant: Variant, seconds: float) -> tuple[int, float]:
    """Requests of the throughput run, and how many a second. Raises AssertionError when one was refused."""
    command = [str(hey()), "-z", f"{seconds}s", "-c", str(CLIENTS), "-host", door.host, "-o", "csv"]
    for name, value in variant.headers.items():
        command += ["-H", f"{name}: {value}"]
    started = time.monotonic()
    done = subprocess.run([*command, door.url + variant.path], capture_output=True, text=True, check=True)
    elapsed = time.monotonic() - started
    statuses = Counter(row["status-code"] for row in csv.DictReader(io.StringIO(done.stdout)))
    assert set(statuses) == {"200"}, f"{variant.name}: answered {statuses}"
    return statuses["200"], statuses["200"] / elapsed


def cpu(pid: int) -> float:
    """CPU seconds of a process so far."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def run(variants: list[Variant], door: Door, seconds: float) -> Iterator[Row]:
    """Every variant in turn, ROUNDS times."""
    for number in range(1, ROUNDS + 1):
        for variant in variants:
            load(door, variant, 0.5)  # connections and caches are warm then
            latencies = paced(door.port, request(door, variant), RATE, seconds)
            before = cpu(door.pid), cpu(variant.checker) if variant.checker else 0.0
            many, rate = load(door, variant, seconds)
            after = cpu(door.pid), cpu(variant.checker) if variant.checker else 0.0
            row = Row(
                variant.name,
                number,
                round(percentile(latencies, 50) * 1000, 3),
                round(percentile(latencies, 99) * 1000, 3),
                round(rate, 1),
                round((after[1] - before[1]) / many * 1e6, 1) if variant.checker else None,
                round((after[0] - before[0]) / many * 1e6, 1),
            )
            print(row, file=sys.stderr)
            yield row


@contextmanager
def known_server(program: Path) -> Iterator[tuple[int, int]]:
    """thomseddon/traefik-forward-auth: (port, pid). It checks a signed cookie, without any look-up."""
    port = choose_port(None)
    process = subprocess.Popen(
        [program, f"--port={port}", "--log-level=error"],
        env={
            "SECRET": KNOWN_SECRET,
            "PROVIDERS_GOOGLE_CLIENT_ID": "unused",
            "PROVIDERS_GOOGLE_CLIENT_SECRET": "unused",
        },
        stdout=subprocess.DEVNULL,
    )
    try:
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def known_cookie(host: str) -> str:
    """As the server makes it after a login (its ``internal/auth.go``)."""
    expires = str(int(time.time()) + 3600)
    mac = hmac.digest(KNOWN_SECRET.encode(), (host + KNOWN_EMAIL + expires).encode(), "sha256")
    return f"_forward_auth={base64.urlsafe_b64encode(mac).decode()}|{expires}|{KNOWN_EMAIL}"


def dynamic(
    variants: list[Variant], host: str, auth_port: int, known_port: int | None, redis: tuple[str, str]
) -> dict[str, Any]:
    """Traefik's file provider: the middlewares are those that ``components/gateway/rules.py`` makes."""
    endpoint, password = redis
    specs = rules.middlewares("bench", f"http://{LOOPBACK}:{auth_port}/verify", 10**9, endpoint)
    for name in (names.rate_limit("bench"), names.pages_limit("bench")):
        limit = specs[name]["rateLimit"]["redis"]
        del limit["secret"]
        limit |= {"username": "traefik", "password": password}
    specs["known"] = {
        "forwardAuth": {
            "address": f"http://{LOOPBACK}:{known_port or 1}",
            "trustForwardHeader": False,
            "authResponseHeaders": ["X-Forwarded-User"],
        }
    }
    routers = {
        variant.path: {
            "rule": f"Host(`{host}`) && Path(`/{variant.path}`)",
            "entryPoints": ["web"],
            "service": "ping@internal",
            "middlewares": variant.middlewares,
        }
        for variant in variants
    }
    return {"http": {"routers": routers, "middlewares": specs}}


@contextmanager
def traefik(folder: Path, configuration: dict[str, Any]) -> Iterator[tuple[int, int]]:
    """(port, pid) of a Traefik with our static configuration, but plain HTTP: TLS costs all variants the same."""
    port, metrics = choose_port(None), choose_port(None)
    static = static_configuration(Listeners(plain=f"{LOOPBACK}:{port}", metrics=f"{LOOPBACK}:{metrics}"))
    static["entryPoints"]["web"]["http"].pop("redirections")
    del static["entryPoints"]["websecure"], static["providers"]["kubernetesCRD"]
    static["providers"]["file"] = {"filename": str(folder / "dynamic.yaml")}
    static["accessLog"]["filePath"] = os.devnull
    write_private(folder / "dynamic.yaml", yaml.safe_dump(configuration))
    write_private(folder / "traefik.yaml", yaml.safe_dump(static))
    program = Path(sys.executable).with_name("traefik")
    with (folder / "traefik.log").open("w") as log:
        process = subprocess.Popen([program, f"--configFile={folder / 'traefik.yaml'}"], stdout=log, stderr=log)
    try:
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)


def variants_of(auth: Replica, tenant: Tenant, known: tuple[int, int] | None) -> list[Variant]:
    """What is compared."""
    token = {"Authorization": f"Bearer {auth.token(tenant)}"}
    key = {"Authorization": f"Bearer {auth.key(tenant)['key']}"}
    chain = rules.chain("bench", authenticated=True)
    checks, ours = [rules.HEADERS, rules.AUTH], auth.process.pid
    found = [
        Variant("Traefik alone", "alone", [], {}, None),
        Variant("with our check: token", "token", checks, token, ours),
        Variant("with our check: API key", "key", checks, key, ours),
        Variant("a tenant's whole chain: token", "chain", chain, token, ours),
    ]
    if known is not None:
        cookie = {"Cookie": known_cookie(tenant.host)}
        found.append(Variant("with traefik-forward-auth: cookie", "known", ["known"], cookie, known[1]))
    return found


def measure(known: Path | None, seconds: float) -> list[Row]:
    """Start everything, measure, stop everything."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-gateway-")))
        database = AuthDatabase.make(folder / "database")
        stack.callback(database.server.destroy)
        auth = stack.enter_context(replica(database, folder))
        tenant = database.tenant()
        redis = RedisServer(folder, folder / "redis_url")
        redis_port = choose_port(None)
        redis.start(redis_port)
        stack.callback(redis.destroy)
        server = stack.enter_context(known_server(known)) if known else None
        variants = variants_of(auth, tenant, server)
        password = urlsplit(redis.url_file.read_text().strip()).password or ""
        counter = (redis.endpoint(redis_port), password)
        configuration = dynamic(variants, tenant.host, auth.port, server[0] if server else None, counter)
        port, pid = stack.enter_context(traefik(folder, configuration))
        door = Door(port, tenant.host, pid)
        for variant in variants:
            headers = {**variant.headers, "host": tenant.host}
            eventually(lambda path=variant.path, headers=headers: _answers(door.url + path, headers))
        return list(run(variants, door, seconds))


def _answers(url: str, headers: dict[str, str]) -> bool:
    try:
        return httpx.get(url, headers=headers).status_code == 200
    except httpx.TransportError:
        return False


def summary(rows: list[Row]) -> list[dict[str, Any]]:
    """The median of the rounds, by variant, with what the check adds to Traefik alone."""
    found: list[dict[str, Any]] = []
    for name in dict.fromkeys(row.variant for row in rows):
        mine = [row for row in rows if row.variant == name]

        def middle(field: str, mine: list[Row] = mine) -> float | None:
            values = [getattr(row, field) for row in mine]
            return None if None in values else float(statistics.median(values))

        figures = ("p50", "p99", "requests_per_second", "checker_us", "traefik_us")
        found.append({"variant": name, **{figure: middle(figure) for figure in figures}})
    for entry in found:
        entry["adds_p50"] = round(entry["p50"] - found[0]["p50"], 3)
        entry["adds_p99"] = round(entry["p99"] - found[0]["p99"], 3)
    return found


def main(
    known: Annotated[Path | None, typer.Option(help="thomseddon/traefik-forward-auth, built.")] = None,
    seconds: Annotated[float, typer.Option(help="Of each load.")] = 10.0,
) -> None:
    """Measure and write the figures."""
    rows = measure(known, seconds)
    RESULTS.write_text(
        json.dumps({"machine": machine(), "summary": summary(rows), "rows": [asdict(row) for row in rows]}, indent=2)
        + "\n"
    )
    for entry in summary(rows):
        print(entry)


if __name__ == "__main__":
    typer.run(main)
