"""Commands on tenants: list, show, add, set-plan, remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from automation.cli.app import Json, app, options_of

if TYPE_CHECKING:
    from automation.project import Project

tenants = typer.Typer(no_args_is_help=True, help="Tenants: list, show, add, set-plan, remove.")
app.add_typer(tenants, name="tenants")

Slug = Annotated[str, typer.Argument(help="The tenant's slug.")]
RUN_UP = "next: foundation up"


@tenants.command("list")
def list_tenants(ctx: typer.Context, json: Json = False) -> None:
    """The tenants of the environment, as their files say."""
    from automation.cli.view import print_table
    from automation.operations import as_json
    from automation.tenants import describe

    environment = options_of(ctx).find().load()
    rows = [describe(environment, tenant) for tenant in environment.tenants]
    if json:
        print(as_json({"environment": environment.name, "tenants": rows}))
        return
    columns = ("slug", "name", "product", "plan", "status", "url")
    print_table(f"tenants of {environment.name}", columns, [[row[column] for column in columns] for row in rows])


@tenants.command()
def show(ctx: typer.Context, slug: Slug, json: Json = False) -> None:
    """One tenant, with the limits of its plan."""
    from automation.cli.view import print_table
    from automation.operations import as_json
    from automation.tenants import describe, find

    environment = options_of(ctx).find().load()
    tenant = find(environment, slug)
    plan = environment.plan(tenant)
    data = describe(environment, tenant) | {"limits": plan.limits.model_dump(mode="json")}
    if json:
        print(as_json(data))
        return
    limits = data.pop("limits")
    data |= {f"limits.{name}": "unlimited" if limit is None else limit for name, limit in limits.items()}
    data["domains"] = ", ".join(data["domains"]) or "none of its own"
    print_table(f"tenant {slug}", ("field", "value"), [[name, str(value)] for name, value in data.items()])


@tenants.command()
def add(
    ctx: typer.Context,
    slug: Slug,
    plan: Annotated[str, typer.Option(help="The plan's name.")],
    name: Annotated[str | None, typer.Option(help="Display name; default: the slug in words.")] = None,
    email: Annotated[str | None, typer.Option(help="The administrator's address; default: admin@ the host.")] = None,
    product: Annotated[str | None, typer.Option(help="The product; default: the environment's first.")] = None,
    json: Json = False,
) -> None:
    """Write the file of a new tenant; `up` brings it up."""
    from automation import tenant_files

    project = options_of(ctx).find()
    file = tenant_files.add(project, slug, plan, product=product, name=name, email=email)
    _done(json, slug, f"wrote {file.relative_to(project.folder)}", needs_up=True)


@tenants.command("set-plan")
def set_plan(
    ctx: typer.Context,
    slug: Slug,
    plan: Annotated[str, typer.Argument(help="The new plan's name.")],
    json: Json = False,
) -> None:
    """Change a tenant's plan; `up` changes its limits in place."""
    from automation import tenant_files

    project = options_of(ctx).find()
    changed = tenant_files.set_plan(project, slug, plan)
    _done(json, slug, f"{slug} is {'now' if changed else 'already'} on plan {plan}", needs_up=changed)


@tenants.command()
def remove(
    ctx: typer.Context,
    slug: Slug,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Do every step at once, updates included, without asking.")
    ] = False,
    json: Json = False,
) -> None:
    """Take a tenant away: mark as deleted, take the final backup, remove. One step a call, an `up` between.

    Interrupted anywhere, the same command goes on.
    """
    from automation.tenants import remove_step

    project = options_of(ctx).find()
    if not yes:
        step = remove_step(project, slug)
        then = "" if step.finished else f", then foundation tenants remove {slug} again"
        _done(json, slug, step.done, needs_up=True, then=then)
        return
    steps = []
    while True:
        step = remove_step(project, slug)
        steps.append(step.done)
        _up(project)
        if step.finished:
            break
    _done(json, slug, "; ".join(steps) + f"; {slug} is gone", needs_up=False)


def _up(project: Project) -> None:
    from automation import operations
    from automation.cli.view import Progress

    progress = Progress()
    with progress.shown():
        operations.up(project, progress.tell, progress.changed)


def _done(as_json: bool, slug: str, what: str, *, needs_up: bool, then: str = "") -> None:
    if as_json:
        import json

        print(json.dumps({"slug": slug, "done": what, "needs_up": needs_up, "finished": not then}, indent=2))
        return
    print(what)
    if needs_up:
        print(RUN_UP + then)
