"""Judging a plan before it is carried out: the bill, old prices, and servers that must not go together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pulumi.automation import Stack

from automation.cost.difference import SERVER, Bill, Priced
from automation.engine import created
from automation.errors import Refused
from automation.report import Report
from automation.report import Violation as Broken
from automation.running import Tell
from models.loading import Environment
from policies.plain import Violation
from policies.rules.changes import (
    ONE_AT_A_TIME,
    PRICES_ARE_KEPT,
    WITHIN_BUDGET,
    ServerChange,
    one_at_a_time,
    prices_are_kept,
    within_budget,
)


def judge(environment: Environment, stack: Stack, report: Report, tell: Tell) -> None:
    """Say what the plan changes in the bill, and refuse what breaks a rule about changes.

    Prices and state are read only when something that costs money changes. Raises ``Refused``.
    """
    if report.bill.differs:
        from components.hetzner.prices import load_prices

        report.cost = report.bill.difference(load_prices(), lambda: created(stack))
    if report.cost is not None:
        tell(str(report.cost))
        for loss in report.cost.losses:
            tell(f"warning: {loss}")
    broken = list(_broken(environment, report))
    report.violations += broken
    if broken:
        raise Refused(
            f"{len(broken)} broken policies",
            problems=[f"{found.policy}: {found.message}" for found in broken],
            next_step="change what breaks them, or approve the change as the policy says",
        )


def _broken(environment: Environment, report: Report) -> Iterator[Broken]:
    yield from _violations(ONE_AT_A_TIME, one_at_a_time(server_changes(report.bill)))
    settings, cost = environment.settings.hetzner, report.cost
    if settings is not None and cost is not None:
        # What costs less than before is no reason to refuse, budget or not.
        if cost.after > cost.before:
            yield from _violations(WITHIN_BUDGET, within_budget(cost.after, settings.budget))
        yield from _violations(PRICES_ARE_KEPT, prices_are_kept(cost.doubled, cost.after, settings.budget))


def _violations(policy: str, found: Iterator[Violation]) -> Iterator[Broken]:
    return (Broken(policy, "mandatory", violation.message, violation.urn or None) for violation in found)


def server_changes(bill: Bill) -> Iterator[ServerChange]:
    """The servers that the plan takes away, or powers off to give them another type."""
    for urn, old in bill.before.items():
        if old.type != SERVER:
            continue
        what = _what(old, bill.after.get(urn), urn in bill.replaced)
        if what is not None:
            labels = old.values.get("labels")
            pool = labels.get("pool") if isinstance(labels, Mapping) else None
            yield ServerChange(urn, str(pool or ""), what)


def _what(old: Priced, new: Priced | None, replaced: bool) -> str | None:
    if replaced:
        return "replaced"
    if new is None:
        return "deleted"
    return "powered off to change its type" if new.kind != old.kind else None
