"""Rate limits hold over two replicas and aren't got around."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.gateway.world import Door, Front
from tests.services.auth.world import Tenant, eventually

pytestmark = pytest.mark.xdist_group("gateway")

# "slow" has 60 requests a minute: two at once, then one a second.
BURST = 2


def fire(doors: list[Door], host: str, count: int, path: str = "/health", **headers: str) -> Counter[int]:
    """So many requests at once, over all replicas; answers by status."""
    with ThreadPoolExecutor(count) as pool:
        done = [pool.submit(doors[index % len(doors)].get, host, path, **headers) for index in range(count)]
        return Counter(answer.result().status_code for answer in done)


@pytest.fixture
def rested(front: Front, door: Door) -> str:
    """The host of the tenant with 60 requests a minute, its bucket full."""
    host = front.host("slow")
    # Redis keeps nothing over a restart.
    front.redis.stop()
    front.redis.start(front.ports["redis"])
    eventually(lambda: door.get(front.host("alice"), "/health").status_code == 200)
    return host


def test_one_bucket_for_two_replicas(rested: str, door: Door, second: Door) -> None:
    before = time.monotonic()
    answers = fire([door, second], rested, 20)
    elapsed = time.monotonic() - before
    assert set(answers) == {200, 429}
    # The burst, what comes back meanwhile, and the one that Traefik lets wait half a second for its token.
    assert BURST <= answers[200] <= BURST + elapsed + 1


def test_ports_capitals_and_headers_give_no_second_bucket(rested: str, front: Front, door: Door) -> None:
    before = time.monotonic()
    passed = 0
    for attempt in range(20):
        name = rested if attempt % 2 else rested.upper()
        request = (
            f"GET /health HTTP/1.1\r\nHost: {name}:{attempt + 1}\r\nX-Tenant-Slug: {attempt}\r\n"
            f"X-Forwarded-For: 10.0.0.{attempt}\r\nConnection: close\r\n\r\n"
        )
        passed += b" 200 " in door.raw(rested, request.encode()).partition(b"\r\n")[0]
    assert passed <= BURST + (time.monotonic() - before) + 1


def test_refusals_say_when_to_come_again(rested: str, door: Door) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = [done.result() for done in [pool.submit(door.get, rested, "/health") for _ in range(10)]]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["retry-after"]) >= 1


def test_pages_have_a_budget_of_their_own(rested: str, door: Door) -> None:
    assert set(fire([door], rested, 20, "/dashboard/assets/app.js")) == {200}


def test_a_flood_leaves_the_others_alone(rested: str, front: Front, door: Door, alice: Tenant, token: str) -> None:
    with ThreadPoolExecutor(1) as pool:
        flood = pool.submit(fire, [door], rested, 40)
        calm = [door.get(alice.host, "/api/x", token).status_code for _ in range(20)]
        assert flood.result()[429] > 20
    assert set(calm) == {200}
