"""Commands on the whole environment: up, preview, refresh, down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from automation.cli.app import Environment, Json, app, chosen, options_of

if TYPE_CHECKING:
    from automation.operations import Session

Diff = Annotated[bool, typer.Option("--diff", help="Show the engine's detailed diff too.")]
CONFIRM = "This deletes environment {environment} with all its data. Go on?"


@app.command()
def up(
    ctx: typer.Context,
    context: Annotated[
        str | None, typer.Option("--context", help="Use this context of your kubeconfig as the sandbox's cluster.")
    ] = None,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="Look at the world first, and put right what drifted.")
    ] = False,
    diff: Diff = False,
    json: Json = False,
) -> None:
    """Make the world match the files. The same command again finishes what was interrupted."""
    from automation import operations
    from automation.cli.view import Progress, print_report

    project = options_of(ctx).find()
    progress = Progress()
    with progress.shown():
        session, report = operations.up(
            project,
            progress.tell,
            progress.changed,
            context=context,
            refresh=refresh,
            on_output=print if diff else None,
        )
    if json:
        print(operations.as_json(report.to_json() | environment_json(session)))
        return
    print_report(report)
    print_environment(session)


@app.command()
def preview(ctx: typer.Context, diff: Diff = False, json: Json = False) -> None:
    """Show what `up` would change, by tenant. Nothing is touched."""
    from automation import operations
    from automation.cli.view import Progress, print_changes, print_report

    project = options_of(ctx).find()
    progress = Progress()
    with progress.shown():
        _, report = operations.preview(project, progress.tell, progress.changed, on_output=print if diff else None)
    if json:
        print(operations.as_json(report.to_json()))
        return
    if not diff:
        print_changes(report)
    print_report(report)


@app.command()
def refresh(
    ctx: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Only look; exit code 1 when something was changed by hand.")
    ] = False,
    json: Json = False,
) -> None:
    """Find what was changed by hand; the next `up` puts it right."""
    from automation import operations
    from automation.cli.view import Progress, print_changes, print_report

    project = options_of(ctx).find()
    progress = Progress()
    with progress.shown():
        _, report = operations.refresh(project, progress.tell, progress.changed, check=check)
    if json:
        print(operations.as_json(report.to_json()))
    else:
        print_changes(report)
        print_report(report)
        if report.changed:
            progress.tell("next: foundation up puts this right")
    if check and report.changed:
        raise typer.Exit(1)


@app.command()
def down(
    ctx: typer.Context,
    environment: Environment = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Only stop the sandbox's servers; `up` starts them again.")
    ] = False,
    unprotect: Annotated[
        bool, typer.Option("--unprotect", help="Let go of what is at Hetzner; of the platform too, without tenants.")
    ] = False,
    json: Json = False,
) -> None:
    """Remove the environment; a local one with its sandbox, leaving nothing behind."""
    from automation import operations, removal
    from automation.cli.view import Progress, print_report

    project = chosen(options_of(ctx), environment).find()
    if not (yes or keep_data):
        typer.confirm(CONFIRM.format(environment=project.environment), abort=True)
    progress = Progress()
    with progress.shown():
        report = removal.down(project, progress.tell, progress.changed, keep_data=keep_data, unprotect=unprotect)
    if json:
        print(operations.as_json(report.to_json()))
    elif keep_data:
        progress.tell("the sandbox is stopped; its data is kept")
    else:
        if report.changed:
            print_report(report)
        progress.tell(f"environment {project.environment} is gone")


def environment_json(session: Session) -> dict[str, Any]:
    """Tenants and ways to reach the parts."""
    from automation.access import ways
    from automation.front_door import front_door
    from automation.tenants import describe

    environment = session.environment
    door = front_door(session.project, environment)
    return {
        "environment": environment.name,
        "tenants": [
            describe(environment, tenant) | ({} if door is None else {"url": door.url(tenant.slug)})
            for tenant in environment.tenants
        ],
        "access": [vars(way) for way in ways(session.project, environment)],
    }


def print_environment(session: Session) -> None:
    """The table that an update ends with."""
    from automation.access import ways
    from automation.cli.view import print_table

    data = environment_json(session)
    columns = ("slug", "plan", "status", "url", "namespace", "schema")
    print_table("tenants", columns, [[tenant[column] for column in columns] for tenant in data["tenants"]])
    print("how to reach the parts, from the project's folder:")
    for way in ways(session.project, session.environment):
        print(f"  {way.part + ':':<12}{way.command}")
