"""What the auth service's check costs: `python -m benchmarks.auth [FILE]` prints it as Markdown, or writes it.

Two replicas on a real PostgreSQL, on one machine with the load generator, and no Traefik between.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks import auth_load
from services.auth import api_keys
from services.auth.derived import Pepper
from tests.services.auth.world import SECRET, AuthDatabase, Replica, Tenant, eventually, replica

SECONDS = 10.0
PACE = 500.0
KEYS = (300, 1000, 3000, 10_000)
LOOK_UPS = 300
ROUNDS = 20
GUESSES = 100

WRONG = "not the password"

Row = tuple[str, ...]


def main() -> None:
    """Measure everything, in an order that leaves the outage for the end."""
    with tempfile.TemporaryDirectory() as folder, _world(Path(folder)) as (database, one, two):
        tables = [
            _table(
                "The check at 500 requests a second", ("credential", "p50", "p99", "of one core"), _paced(database, one)
            ),
            _table(
                "As many as one replica answers",
                ("credential", "requests in a second of CPU", "p50"),
                _flat_out(database, one),
            ),
            _table(
                "Keys that aren't cached, by their number",
                ("keys", "p50", "p99", "of it PostgreSQL's plan"),
                _many_keys(database, one),
            ),
            _table("Guesses", ("answers", "p50 of each", "slower"), _guesses(database, one)),
            _table(
                "Revoked, until the other replica refuses",
                ("what", "p50", f"longest of {ROUNDS}"),
                _revocation(database, one, two),
            ),
            _table("Database stopped and started again", ("what", "seconds"), _outage(database, one)),
        ]
    page = "\n".join([_machine(), *tables])
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(page)
    else:
        print(page)


@contextmanager
def _world(folder: Path) -> Iterator[tuple[AuthDatabase, Replica, Replica]]:
    database = AuthDatabase.make(folder)
    many = "1000000"
    try:
        with (
            replica(database, folder, unknown_keys_per_minute=many, login_attempts_account=many) as one,
            replica(database, folder, unknown_keys_per_minute=many, login_attempts_account=many) as two,
        ):
            yield database, one, two
    finally:
        database.server.destroy()


def _paced(database: AuthDatabase, one: Replica) -> Iterator[Row]:
    tenant = database.tenant()
    for name, credential in (("access token", one.token(tenant)), ("API key", one.key(tenant)["key"])):
        load = auth_load.run(one.port, [auth_load.request(credential, tenant.host)], SECONDS, PACE, one.process.pid)
        share = load.cpu_seconds / SECONDS
        yield name, _ms(load.percentile(50)), _ms(load.percentile(99)), f"{share:.0%}"


def _flat_out(database: AuthDatabase, one: Replica) -> Iterator[Row]:
    tenant = database.tenant()
    for name, credential in (("access token", one.token(tenant)), ("API key", one.key(tenant)["key"])):
        load = auth_load.run(one.port, [auth_load.request(credential, tenant.host)], SECONDS / 2, None, one.process.pid)
        yield name, f"{load.per_core:,.0f}", _ms(load.percentile(50))


def _many_keys(database: AuthDatabase, one: Replica) -> Iterator[Row]:
    """Each key is asked for once, so that each is looked up."""
    tenant, pepper = database.tenant(), Pepper.of(SECRET.encode())
    there: list[str] = []
    for number in KEYS:
        more = [api_keys.make("test", tenant.slug) for _ in range(number - len(there))]
        database.run(
            "INSERT INTO api_keys (tenant_id, key_hash, hint, name, scopes) "
            "SELECT %s, hash, 'none', 'many', '{tasks:read}' FROM unnest(%s::text[]) hash",
            tenant.id,
            [pepper.hash(key) for key in more],
        )
        there += more
        database.run("ANALYZE api_keys")
        # Empties the cache, so that each of them is looked up; one after the other.
        database.run("UPDATE tenants SET tier = tier WHERE id = %s", tenant.id)
        requests = [auth_load.request(key, tenant.host) for key in there[-LOOK_UPS:]]
        if number == KEYS[0]:
            auth_load.run_once(one.port, requests, one.process.pid)  # finds everything cold
            database.run("UPDATE tenants SET tier = tier WHERE id = %s", tenant.id)
        load = auth_load.run_once(one.port, requests, one.process.pid)
        plan = database.run(
            "EXPLAIN (ANALYZE, FORMAT JSON) SELECT FROM api_keys WHERE key_hash = ANY(%s)", [pepper.hash(there[-1])]
        )[0]["QUERY PLAN"][0]["Execution Time"]
        yield f"{number:,}", _ms(load.percentile(50)), _ms(load.percentile(99)), f"{plan:.2f} ms"


def _guesses(database: AuthDatabase, one: Replica) -> Iterator[Row]:
    """Two kinds of wrong ones, in turn: a guesser learns something where one of them is slower most of the time."""
    tenant = database.tenant()
    revoked = [one.key(tenant) for _ in range(GUESSES)]
    for key in revoked:
        database.run("UPDATE api_keys SET revoked_at = now() WHERE id = %s", key["id"])
    pairs: list[tuple[str, Callable[[int], object], Callable[[int], object], int]] = [
        (
            "wrong password / unknown account",
            lambda n: one.login(tenant, password=WRONG),
            lambda n: one.login(tenant, password=WRONG, email=f"nobody{n}@example.com"),
            401,
        ),
        (
            "revoked key / unknown key",
            lambda n: one.verify(revoked[n]["key"], tenant.host),
            lambda n: one.verify(api_keys.make("test", tenant.slug), tenant.host),
            401,
        ),
    ]
    for name, first, second, status in pairs:
        times = []
        for n in range(GUESSES):
            # In turn, since the second of two may find things warm.
            order = (first, second) if n % 2 else (second, first)
            taken = {ask: _timed(ask, n, status) for ask in order}
            times.append((taken[first], taken[second]))
        slower = sum(a > b for a, b in times) / len(times)
        medians = " / ".join(_ms(statistics.median(column)) for column in zip(*times, strict=True))
        yield name, medians, f"the first in {slower:.0%} of {GUESSES} pairs"


def _revocation(database: AuthDatabase, one: Replica, two: Replica) -> Iterator[Row]:
    tenant = database.tenant()
    owner = one.token(tenant, "owner")

    def key() -> tuple[str, Callable[[], object]]:
        made = one.key(tenant)
        return made["key"], lambda: one.call("DELETE", f"/api/keys/{made['id']}", tenant, owner)

    def session() -> tuple[str, Callable[[], object]]:
        token = one.token(tenant)
        return token, lambda: one.call("POST", "/auth/logout", tenant, token)

    for name, make in (("API key", key), ("session", session)):
        times = []
        for _ in range(ROUNDS):
            credential, revoke = make()
            two.verify(credential, tenant.host)
            revoke()
            begin = time.perf_counter()
            eventually(lambda credential=credential: two.verify(credential, tenant.host).status_code == 401)
            times.append(time.perf_counter() - begin)
        yield name, _ms(statistics.median(times)), _ms(max(times))


def _outage(database: AuthDatabase, one: Replica) -> Iterator[Row]:
    tenant: Tenant = database.tenant()
    token = one.token(tenant)

    def until(status: int) -> str:
        begin = time.perf_counter()
        eventually(lambda: one.verify(token, tenant.host).status_code == status)
        return f"{time.perf_counter() - begin:.1f}"

    until(200)
    database.server.stop()
    yield "stopped, until what was cached is refused too", until(503)
    database.server.start(database.port)
    yield "started, until requests pass again", until(200)
    server = database.server.process.find()
    assert server is not None
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        process.suspend()
    yield "frozen (connections stay, nothing answers), until what was cached is refused too", until(503)
    for process in processes:
        process.resume()
    yield "thawed, until requests pass again", until(200)


def _timed(ask: Callable[[int], object], number: int, status: int) -> float:
    begin = time.perf_counter()
    answer = ask(number)
    taken = time.perf_counter() - begin
    assert getattr(answer, "status_code", None) == status, answer
    return taken


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def _machine() -> str:
    load = ", ".join(f"{value:.1f}" for value in psutil.getloadavg())
    return f"{psutil.cpu_count()} cores, load average {load} at the end; {time.strftime('%Y-%m-%d', time.gmtime())}\n"


def _table(title: str, head: Row, rows: Iterator[Row]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join([f"### {title}", "", *("| " + " | ".join(line) + " |" for line in lines), ""])


if __name__ == "__main__":
    main()
