"""Names derived from slugs fit their systems and never collide."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import names

SLUGS = st.from_regex(re.compile(names.SLUG_PATTERN.pattern.replace("$", r"\Z"))).filter(
    lambda slug: slug not in names.RESERVED_SLUGS and not slug.startswith("pg-")
)
DNS_LABEL = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
SQL_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,62}")

KUBERNETES = {
    "namespace": names.namespace,
    "secret": names.secret,
    "workload": lambda slug: names.workload("seldon", slug),
    "autoscaler": lambda slug: names.autoscaler("seldon", slug),
    "config map": lambda slug: names.config_map("agents-config", slug),
    "route": names.ingress_route,
    "rate limit": names.rate_limit,
}
SQL = {"schema": names.database_schema, "role": names.database_role}


@given(SLUGS)
def test_slugs_are_accepted(slug: str) -> None:
    assert names.check_slug(slug) == slug


@given(SLUGS)
def test_kubernetes_names_are_dns_labels(slug: str) -> None:
    for derive in KUBERNETES.values():
        assert DNS_LABEL.fullmatch(derive(slug))


@given(SLUGS)
def test_sql_names_need_no_quotes_and_fit(slug: str) -> None:
    for derive in SQL.values():
        name = derive(slug)
        assert SQL_IDENTIFIER.fullmatch(name)
        assert len(name.encode()) <= 63
        assert not name.startswith("pg_")


@given(SLUGS, SLUGS)
def test_two_slugs_share_no_name(one: str, other: str) -> None:
    for derive in (*KUBERNETES.values(), *SQL.values(), lambda slug: names.host(slug, "example.com")):
        assert (derive(one) == derive(other)) == (one == other)


@given(SLUGS)
def test_hosts_fit_under_the_longest_domain_that_leaves_room(slug: str) -> None:
    domain = ".".join(["d" * 55] * 4)[:220]
    assert len(names.host(slug, domain)) <= 253


@pytest.mark.parametrize(
    "slug",
    ["", "a", "ab", "a" * 33, "1ab", "-ab", "ab-", "a_b", "A-b", "a.b", "äbc", "abc\n", "a b", "pg-x", "app", "auth"],
)
def test_other_slugs_are_refused(slug: str) -> None:
    with pytest.raises(ValueError, match=r"must have|is reserved|can't start"):
        names.check_slug(slug)


@pytest.mark.parametrize("slug", ["abc", "a" * 32, "a-b", "a--b", "acme", "pgx", "apps"])
def test_slugs_at_the_edge(slug: str) -> None:
    assert names.check_slug(slug) == slug
