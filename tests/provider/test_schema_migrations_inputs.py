"""What Check says of a migration list, without a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.postgres.history import Version, contradictions, numbering_errors
from provider.postgres.schema_migrations_inputs import check_inputs

INPUTS = {
    "schema": "tenant_acme",
    "database": "app",
    "owner": "acme_owner",
    "migrations": [{"version": 1, "name": "1.sql", "sql": "SELECT 1"}],
}


@pytest.mark.parametrize(
    ("numbers", "complaint"),
    [
        ([1, 3], "version 2 is missing"),
        ([2], "version 1 is missing"),
        ([1, 2, 2], "version 2 is there twice"),
        ([2, 1], "out of order"),
        ([0, 1], "versions count from 1"),
    ],
)
def test_versions_count_from_one(numbers: list[int], complaint: str) -> None:
    assert complaint in numbering_errors(numbers)[0]


@given(st.lists(st.integers(-3, 12), max_size=8))
def test_only_counting_is_accepted(numbers: list[int]) -> None:
    assert (numbering_errors(numbers) == []) == (numbers == list(range(1, len(numbers) + 1)))


@given(st.lists(st.sampled_from("abc"), max_size=6), st.integers(0, 6))
def test_adding_at_the_end_contradicts_nothing(texts: list[str], cut: int) -> None:
    history = [Version(n, f"{n}.sql", text) for n, text in enumerate(texts, start=1)]
    assert contradictions(history[:cut], history) == []
    assert bool(contradictions(history, history[:cut])) == (cut < len(history))


def test_every_mistake_is_named_at_once() -> None:
    wrong = {
        "schema": "",
        "owner": 7,
        "colour": "red",
        "migrations": [{"version": "1", "name": "1.sql", "sql": "SELECT 1"}, {"version": 2, "name": "2", "sql": " "}],
        "rowLevelSecurity": {"column": "tenant_id", "setting": "tenant", "tenantId": "acme", "roles": []},
    }
    failures = check_inputs(None, wrong, {}).failures
    assert sorted(failure.property for failure in failures) == [
        "colour",
        "database",
        "migrations[0]",
        "migrations[1]",
        "owner",
        "rowLevelSecurity.roles",
        "rowLevelSecurity.setting",
        "rowLevelSecurity.tenantId",
        "schema",
    ]


def test_sql_is_kept_by_its_checksum_alone() -> None:
    texts: dict[str, str] = {}
    inputs = check_inputs(None, INPUTS, texts).inputs
    (migration,) = inputs["migrations"]
    assert texts == {migration["checksum"]: "SELECT 1"}
    assert "sql" not in migration


def test_line_ends_are_no_edit() -> None:
    unix = check_inputs(None, INPUTS, {}).inputs
    steps = [{"version": 1, "name": "1.sql", "sql": "SELECT 1\n"}]
    unix = check_inputs(None, INPUTS | {"migrations": steps}, {}).inputs
    windows = [{"version": 1, "name": "1.sql", "sql": "SELECT 1\r\n"}]
    assert check_inputs(unix, INPUTS | {"migrations": windows}, {}).failures == []
