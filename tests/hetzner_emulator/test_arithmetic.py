"""Rate limit and pages, as arithmetic."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from local.hetzner.listing import link_header, paginate, sort
from local.hetzner.ratelimit import HOUR, Budget

TIMES = st.lists(st.floats(0, 20), max_size=200)
LIMITS = st.integers(1, 7200)


@given(LIMITS, TIMES)
def test_never_more_than_the_limit_and_its_refill(limit: int, pauses: list[float]) -> None:
    budget, allowed, now = Budget.full(limit, 0), 0, 0.0
    for pause in pauses:
        now += pause
        budget = budget.later(now)
        if budget.allows():
            budget, allowed = budget.spend(), allowed + 1
        assert 0 <= budget.remaining <= limit
    assert allowed <= limit + now * limit / HOUR


@given(LIMITS, st.integers(0, 7200), st.floats(0, 10_000))
def test_the_headers_tell_when_it_is_full_again(limit: int, spent: int, at: float) -> None:
    budget = Budget.full(limit, at)
    for _ in range(min(spent, limit)):
        budget = budget.spend()
    headers = budget.headers()
    assert int(headers["RateLimit-Remaining"]) == limit - min(spent, limit)
    recovered = budget.later(int(headers["RateLimit-Reset"]))
    assert math.isclose(recovered.remaining, limit)


def test_one_request_comes_back_each_second() -> None:
    empty = Budget(3600, 0, 0)
    assert not empty.later(0.9).allows()
    assert empty.later(1).allows()
    assert not empty.later(1).spend().allows()


def test_a_clock_that_goes_back_refills_nothing() -> None:
    assert Budget(3600, 5, 100).later(50).remaining == 5


@given(st.integers(0, 300), st.integers(1, 120))
def test_pages_hold_everything_once(count: int, per_page: int) -> None:
    records = [{"id": number} for number in range(count)]
    seen, page = [], 1
    while True:
        part, pagination = paginate(records, {"page": [str(page)], "per_page": [str(per_page)]})
        assert len(part) <= min(per_page, 50)
        assert pagination["total_entries"] == count
        seen += part
        if pagination["next_page"] is None:
            break
        assert pagination["next_page"] == page + 1
        page += 1
    assert seen == records
    assert pagination["last_page"] == page


def test_links_keep_the_rest_of_the_query() -> None:
    query = {"page": ["2"], "per_page": ["5"], "sort": ["name", "id:desc"]}
    _, pagination = paginate([{"id": number} for number in range(20)], query)
    links = link_header("http://host/v1/servers", query, pagination)
    assert '<http://host/v1/servers?sort=name&sort=id%3Adesc&page=1&per_page=5>; rel="prev"' in links
    assert 'page=3&per_page=5>; rel="next"' in links
    assert 'page=4&per_page=5>; rel="last"' in links


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"))))
def test_the_first_order_counts_most(pairs: list[tuple[str, str]]) -> None:
    records = [{"id": number, "name": name, "created": created} for number, (name, created) in enumerate(pairs)]
    ordered = sort(records, ["name", "created:desc", "id"], ("id", "name", "created"))
    keys = [(record["name"], -ord(record["created"]), record["id"]) for record in ordered]
    assert keys == sorted(keys)
