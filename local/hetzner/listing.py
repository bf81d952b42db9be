"""Lists: sorted, and cut into pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from local.hetzner.errors import invalid

Record = dict[str, Any]
Query = Mapping[str, Sequence[str]]

# Vendor documentation, "Pagination". More than the maximum is answered with the maximum.
PER_PAGE = 25
MAX_PER_PAGE = 50


def number(query: Query, name: str, default: int) -> int:
    """A whole number of at least one. Raises ``ApiError``."""
    given = query.get(name, [])
    if not given:
        return default
    text = given[-1]
    if not text.isdecimal() or int(text) < 1:
        raise invalid(name, "must be a whole number of at least 1")
    return int(text)


def sort(records: list[Record], orders: Sequence[str], allowed: Sequence[str]) -> list[Record]:
    """Sorted by ``orders``, each a field or ``field:asc`` or ``field:desc``, the first counting most; by ID without.

    Raises ``ApiError`` for a field that is not ``allowed`` here.
    """
    result = sorted(records, key=lambda record: str(record["id"])) if _has_names(records) else list(records)
    for order in reversed(orders):
        field, _, direction = order.partition(":")
        if field not in allowed or direction not in ("", "asc", "desc"):
            raise invalid("sort", f"{order!r} is not one of {', '.join(allowed)} with :asc or :desc")
        result.sort(key=partial(_sort_key, field), reverse=direction == "desc")
    return result


def _sort_key(field: str, record: Record) -> tuple[bool, Any]:
    # Snapshots have no name: they come first.
    return record[field] is not None, record[field]


def _has_names(records: list[Record]) -> bool:
    return any(isinstance(record["id"], str) for record in records)


def paginate(
    records: list[Record], query: Query, max_per_page: int = MAX_PER_PAGE
) -> tuple[list[Record], dict[str, Any]]:
    """The records of the page that ``query`` asks for, and what ``meta.pagination`` says. Raises ``ApiError``."""
    page = number(query, "page", 1)
    per_page = min(number(query, "per_page", PER_PAGE), max_per_page)
    last = max(1, math.ceil(len(records) / per_page))
    pagination = {
        "page": page,
        "per_page": per_page,
        "previous_page": page - 1 if page > 1 else None,
        "next_page": page + 1 if page < last else None,
        "last_page": last,
        "total_entries": len(records),
    }
    return records[(page - 1) * per_page : page * per_page], pagination


def link_header(url: str, query: Query, pagination: Mapping[str, Any]) -> str:
    """``Link`` with the neighbouring pages and the last one."""
    others = [(name, value) for name, values in query.items() if name not in ("page", "per_page") for value in values]
    pages = (("prev", "previous_page"), ("next", "next_page"), ("last", "last_page"))
    links = []
    for rel, field in pages:
        if pagination[field] is not None:
            query_string = urlencode([*others, ("page", pagination[field]), ("per_page", pagination["per_page"])])
            links.append(f'<{url}?{query_string}>; rel="{rel}"')
    return ", ".join(links)
