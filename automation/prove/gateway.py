"""Proof ``gateway``: the front door, attacked, flooded, cut off and measured."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from automation.prove.clone import clean_clone
from automation.prove.frame import Figure, at_most, equal, not_run, proof
from automation.prove.suites import of_groups
from benchmarks import gateway as speed
from benchmarks.paced import percentile
from local.directory import FoundationDirectory
from local.kubernetes.nodes import DEFAULT_NODES
from local.ports import LOOPBACK
from local.sandbox import Sandbox
from tests.gateway.attacks import Scene, attacks
from tests.gateway.world import Door, Front
from tests.services.auth.world import AuthDatabase, Replica, Tenant, eventually, replica

KNOWN = "KNOWN_FORWARD_AUTH"
"""Environment variable: thomseddon/traefik-forward-auth, built (docs/how-to/gateway.md)."""
RATES = {"sixty": 60, "hundreds": 300, "custom": 1200}
RATE_SECONDS = 90
"""Of each rate's run, counted from the moment that the burst is used up."""
ACCURACY = 0.02
OVERLOAD = 1.5
"""So many times its rate a tenant asks for meanwhile."""
FLOOD_SECONDS = 10
CALM_PER_SECOND = 50
RECOVERY_SECONDS = 15
TEST_GROUPS = {
    "tests/gateway": "the front door: routes, limits, outages, attacks",
    "tests/services/auth": "the auth service: tokens, keys, sessions, OpenAPI, outages",
}


@dataclass(frozen=True)
class World:
    """Everything that is running."""

    front: Front
    database: AuthDatabase
    auth: Replica
    doors: list[Door]
    alice: Tenant
    token: str


@proof("gateway")
def gateway() -> Iterator[Figure]:
    """The real Traefik (two replicas), Redis and auth service, routed from the objects that the components make, refuse
    a table of attacks, hold every tenant to its rate, keep one tenant's flood from the others, let nothing pass while
    a part is away, and cost little; a clean clone's `make up` ends with a curl command for each tenant that works."""
    yield from _clone()
    with ExitStack() as stack:
        world = _world(stack)
        yield from _attacks(world)
        yield from _rates(world)
        yield from _flood(world)
        yield from _outages(world)
    yield from _speed()
    yield from of_groups(TEST_GROUPS)


def _clone() -> Iterator[Figure]:
    with clean_clone(cold=False) as clone:
        clone.run("make", "up")
        ways = {way["part"]: way["command"] for way in clone.json("up")["access"]}
        own = clone.run("bash", "-c", f"{ways['alice']} -o /dev/null -w '%{{http_code}}'", secret=True)
        yield equal("alice's host with her key", "the curl command that `make up` printed", own.strip(), "200")
        crossed = ways["bob"].replace("bob.localhost", "alice.localhost")
        other = clone.run("bash", "-c", f"{crossed} -o /dev/null -w '%{{http_code}}'", secret=True)
        yield equal("alice's host with bob's key", "the same with bob's", other.strip(), "403")
        clone.run("make", "down")


def _world(stack: ExitStack) -> World:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="prove-gateway-")))
    sandbox = Sandbox(FoundationDirectory(folder / "foundation").create())
    stack.callback(sandbox.destroy)
    sandbox.start(nodes=DEFAULT_NODES)
    database = AuthDatabase.make(folder / "auth")
    stack.callback(database.server.destroy)
    auth = stack.enter_context(replica(database, folder))
    place = folder / "front"
    place.mkdir()
    front = Front(place, sandbox.directory.kubeconfig)
    front.start()
    stack.callback(front.stop)
    front.use_auth(auth.port)
    limited = [{"name": name, "requests_per_minute": rate} for name, rate in RATES.items()]
    front.serve({"name": "alice"}, {"name": "bob"}, *limited)
    doors = [stack.enter_context(front.traefik(name)) for name in ("traefik", "traefik-2")]
    alice = database.tenant(front.slug("alice"))
    return World(front, database, auth, doors, alice, auth.token(alice))


def _attacks(world: World) -> Iterator[Figure]:
    bob = world.database.tenant(world.front.slug("bob"))
    scene = Scene(world.doors[0], world.auth, world.alice, bob, world.token)
    for attack in attacks():
        try:
            came, ok = attack.run(scene), True
        except Exception as error:  # what got through is what the proof is for
            came, ok = str(error).splitlines()[0], False
        yield Figure(f"attack: {attack.group}: {attack.name}", "against the real Traefik", "refused", came, ok)


def _rates(world: World) -> Iterator[Figure]:
    """All rates at the same time, each asked for more than it has, turn by turn at both replicas."""
    with ThreadPoolExecutor(len(RATES)) as pool:
        running = {name: pool.submit(_passed, world, name, rate) for name, rate in RATES.items()}
    for name, rate in RATES.items():
        measured = running[name].result()
        yield Figure(
            f"rate limit: {rate} requests a minute",
            f"{OVERLOAD:g} times as many for {RATE_SECONDS} s over two replicas, after the burst",
            f"{rate} to within {ACCURACY:.0%}",
            f"{measured:.1f} a minute ({measured / rate - 1:+.2%})",
            abs(measured / rate - 1) <= ACCURACY,
        )


def _passed(world: World, name: str, rate: int) -> float:
    """Requests a minute that came through."""
    host = world.front.host(name)
    clients = [httpx.Client(verify=door.context, timeout=20) for door in world.doors]
    ask = [_asker(client, door, host) for client, door in zip(clients, world.doors, strict=True)]
    with ThreadPoolExecutor(16) as pool:
        # Until a request is refused the burst lasts.
        while any(done.result() == 200 for done in [pool.submit(ask[index % 2]) for index in range(16)]):
            pass
        begin, number = time.monotonic(), 0
        pending: list[Future[int]] = []
        while (elapsed := time.monotonic() - begin) < RATE_SECONDS:
            pending.append(pool.submit(ask[number % 2]))
            number += 1
            time.sleep(max(0.0, number * 60 / (rate * OVERLOAD) - elapsed))
        passed = sum(done.result() == 200 for done in pending)
    for client in clients:
        client.close()
    return passed * 60 / RATE_SECONDS


def _asker(client: httpx.Client, door: Door, host: str) -> Callable[[], int]:
    url = f"https://{LOOPBACK}:{door.port}/health"
    return lambda: client.get(url, headers={"host": host}, extensions={"sni_hostname": host}).status_code


def _flood(world: World) -> Iterator[Figure]:
    calm = _latencies(world)
    door, host = world.doors[0], world.front.host("sixty")
    until = time.monotonic() + FLOOD_SECONDS + 1

    def flood() -> int:
        refused = 0
        with httpx.Client(verify=door.context, timeout=20) as client:
            ask = _asker(client, door, host)
            while time.monotonic() < until:
                refused += ask() == 429
        return refused

    with ThreadPoolExecutor(2) as pool:
        floods = [pool.submit(flood) for _ in range(2)]
        under = _latencies(world)
    refused = sum(done.result() for done in floods)
    told = ", ".join(
        f"{name} p50 {percentile(found, 50) * 1000:.1f} ms, p99 {percentile(found, 99) * 1000:.1f} ms"
        for name, found in (("calm", calm), ("flooded", under))
    )
    added = (percentile(under, 50) - percentile(calm, 50)) * 1000
    yield Figure(
        "a flood at one tenant leaves another's latency alone",
        f"{CALM_PER_SECOND} requests a second of alice's, {refused / FLOOD_SECONDS:.0f} a second of another's refused "
        "by the same replica; the machine is shared with the flood's own clients",
        "at most 10 ms at the median, none refused",
        f"{told}: {added:+.1f} ms",
        added <= 10,
    )


def _latencies(world: World) -> list[float]:
    """Of alice's requests at a steady pace, in order; every one must pass."""
    found = []
    begin = time.monotonic()
    for number in range(CALM_PER_SECOND * FLOOD_SECONDS):
        time.sleep(max(0.0, begin + number / CALM_PER_SECOND - time.monotonic()))
        asked = time.monotonic()
        answer = world.doors[0].get(world.alice.host, "/api/x", world.token)
        found.append(time.monotonic() - asked)
        assert answer.status_code == 200, answer.text
    return sorted(found)


def _outages(world: World) -> Iterator[Figure]:
    def status() -> int:
        return world.doors[1].get(world.alice.host, "/api/x", world.token).status_code

    def recovery(name: str, start: Callable[[], None]) -> Figure:
        start()
        began = time.monotonic()
        eventually(lambda: status() == 200, RECOVERY_SECONDS * 2)
        return at_most(
            f"{name} back: requests pass again", "nothing restarted", time.monotonic() - began, RECOVERY_SECONDS
        )

    redis = world.front.redis
    redis.stop()
    yield equal("Redis gone: a good request", "status", status(), 500)
    yield recovery("Redis", lambda: redis.start(world.front.ports["redis"]))
    key = world.auth.key(world.alice)["key"]
    world.database.server.stop()
    refused = world.doors[1].get(world.alice.host, "/api/x", key).status_code
    yield equal("database gone: a key that nobody asked for yet", "status", refused, 503)
    yield recovery("database", lambda: world.database.server.start(world.database.port))


def _speed() -> Iterator[Figure]:
    known = os.environ.get(KNOWN)
    rows = speed.summary(speed.measure(Path(known) if known else None, 10.0))
    print(*rows, sep="\n", file=sys.stderr)
    by_name = {row["variant"]: row for row in rows}
    for name in ("with our check: token", "with our check: API key"):
        row = by_name[name]
        told = (
            f"p50 {row['p50']:.2f} ms ({row['adds_p50']:+.2f}), p99 {row['p99']:.2f} ms ({row['adds_p99']:+.2f}), "
            f"{row['requests_per_second']:.0f} requests/s at most, {row['checker_us']:.0f} us of CPU each"
        )
        how = f"beside Traefik alone at {speed.RATE} requests/s; median of {speed.ROUNDS} rounds of 10 s"
        ok = row["adds_p50"] < 1 and row["adds_p99"] < 5
        yield Figure(f"speed {name}", how, "adds under 1 ms at p50, 5 ms at p99", told, ok)
    alone, chain = by_name["Traefik alone"], by_name["a tenant's whole chain: token"]
    told = f"p50 {chain['p50']:.2f} ms, p99 {chain['p99']:.2f} ms, {chain['requests_per_second']:.0f} requests/s"
    yield Figure(
        "speed of a tenant's whole chain", "headers, limit in Redis, check, body, breaker, retry", "-", told, True
    )
    told = f"p50 {alone['p50']:.2f} ms, p99 {alone['p99']:.2f} ms, {alone['requests_per_second']:.0f} requests/s"
    yield Figure("speed of Traefik alone", "no middleware", "-", told, True)
    goal = "our CPU time a request is no more than its own"
    if known is None:
        yield not_run(
            "speed beside traefik-forward-auth", "", goal, f"set {KNOWN} to the program (docs/how-to/gateway.md)"
        )
        return
    other, ours = by_name["with traefik-forward-auth: cookie"], by_name["with our check: token"]
    told = (
        f"{ours['checker_us']:.0f} us and {other['checker_us']:.0f} us; {other['requests_per_second']:.0f} requests/s"
    )
    yield Figure(
        "speed beside thomseddon/traefik-forward-auth (Go)", "CPU of the checker a request", goal, told,
        ours["checker_us"] <= other["checker_us"],
    )  # fmt: skip
