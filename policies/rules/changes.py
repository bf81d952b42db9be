"""What an update may do at once to servers that others depend on, and to the bill.

The engine tells its policy packs what will be, not what was. So these rules judge the plan that every ``up`` and
``preview`` of the CLI makes first; under plain ``pulumi up``, the protection of control plane and database servers
stands in for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from policies.plain import Violation

# Members of a quorum: one at a time, or the data's majority is gone.
TOGETHER = ("control-plane", "database")

ONE_AT_A_TIME = "one-server-at-a-time"
WITHIN_BUDGET = "within-budget"
PRICES_ARE_KEPT = "old-prices-are-kept"


@dataclass(frozen=True)
class ServerChange:
    """A server that an update takes away, or stops for a time."""

    urn: str
    pool: str
    what: str
    """Replaced, deleted, or powered off to change its type."""


def one_at_a_time(changes: Iterable[ServerChange]) -> Iterator[Violation]:
    """No two servers of the control plane, or of the database, in one update."""
    judged = sorted((change for change in changes if change.pool in TOGETHER), key=lambda change: change.pool)
    for pool, group in groupby(judged, key=lambda change: change.pool):
        found = list(group)
        if len(found) > 1:
            told = "; ".join(f"{change.urn.rpartition('::')[2]} is {change.what}" for change in found)
            yield Violation(
                found[0].urn,
                f"one update takes {len(found)} servers of pool {pool} away ({told}): change one at a time, "
                f"as `foundation nodes roll {pool}` does",
            )


def within_budget(after: Decimal, budget: int | None) -> Iterator[Violation]:
    """The month's bill keeps within the budget."""
    if budget is not None and after > budget:
        yield Violation(
            "", f"the cluster would cost {after:.2f} EUR a month, past `hetzner.budget: {budget}`: raise it to approve"
        )


def prices_are_kept(doubled: Sequence[str], after: Decimal, budget: int | None) -> Iterator[Violation]:
    """No server loses an old price for one twice as high, or higher, unless a budget allows for it."""
    if budget is None or after > budget:
        least = int(after) + 1
        for told in doubled:
            yield Violation("", f"{told}: to approve, set `hetzner.budget: {least}`")
