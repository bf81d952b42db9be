"""Command on money: cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import typer

from automation.cli.app import Environment, Json, app, chosen, options_of

if TYPE_CHECKING:
    from automation.cost.report import CostReport
    from automation.cost.shares import Result, Share

SHARE = ("price USD", "nodes EUR", "platform EUR", "model USD", "payment USD", "cost USD", "margin USD", "margin %")


@app.command()
def cost(ctx: typer.Context, environment: Environment = None, json: Json = False) -> None:
    """What the environment costs a month, by pool and tenant; margin by plan; break-even. Works offline."""
    from automation.cost.report import report
    from automation.operations import as_json

    found = report(chosen(options_of(ctx), environment).find().load())
    if json:
        print(as_json(found.to_json()))
    else:
        _show(found)


def _show(found: CostReport) -> None:
    from automation.cost.shares import first_of_plans

    day = found.prices.date
    rows = [(item.pool, item.what, str(item.number), _money(item.each), _money(item.total)) for item in found.now.items]
    rows.append(("total", "", "", "", _money(found.now.euros)))
    columns = ("pool", "what", "number", "EUR each", "EUR a month")
    _table(f"what {found.environment} costs a month, prices of {day}", columns, rows)
    tenants = [(share.tenant, share.plan, *_cells(share)) for share in found.now.shares]
    if tenants:
        _table(f"by tenant, prices of {day}", ("tenant", "plan", *SHARE), tenants)
    number = len(found.grown.shares)
    plans = [(plan, *_cells(share)) for plan, share in first_of_plans(found.grown.shares).items()]
    title = f"by plan with {number} tenants ({_money(found.grown.euros)} EUR a month), prices of {day}"
    _table(title, ("plan", *SHARE), plans)
    _table(
        f"the month in USD, prices of {day}",
        ("tenants", "revenue", "infrastructure", "model", "payments", "support", "left"),
        [_month(str(len(found.now.shares)), found.now), _month(str(number), found.grown)],
    )
    even = [(found.who, "never" if found.tenants is None else str(found.tenants)) for found in found.break_even]
    _table(f"tenants that pay for everything, prices of {day}", ("plan", "tenants"), even)
    print(f"{found.traffic_tb:f} TB of traffic a month are included")
    for note in found.notes:
        print(f"note: {note}")


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """The title on a line of its own: a table's is folded to the width of its columns."""
    from automation.cli.view import print_table

    print(title)
    print_table("", columns, rows)


def _cells(share: Share) -> tuple[str, ...]:
    percent = f"{share.margin / share.price * 100:.1f}" if share.price else ""
    amounts = (share.price, share.nodes, share.platform, share.model, share.payment, share.cost, share.margin)
    return (*map(_money, amounts), percent)


def _month(who: str, result: Result) -> tuple[str, ...]:
    amounts = (
        result.revenue,
        result.infrastructure_usd,
        result.model,
        result.payment,
        result.support,
        result.profit,
    )
    return (who, *map(_money, amounts))


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"
